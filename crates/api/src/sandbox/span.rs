//! Lengths of time as people type them.

use domain::time::Span;

/// Reads `30d`, `12h`, `5m`, `10s` or a sum such as `1d12h`. `None` for anything else, and for more
/// than can be meant.
pub(super) fn read(text: &str) -> Option<Span> {
    let mut rest = text.trim();
    let mut millis = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|sign: char| !sign.is_ascii_digit())?;
        let (number, unit) = rest.split_at(digits);
        let number: i64 = number.parse().ok()?;
        let unit_millis = match unit.as_bytes().first()? {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            _ => return None,
        };
        millis = millis.checked_add(number.checked_mul(unit_millis)?)?;
        rest = &unit[1..];
    }
    Some(Span::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_units_are_read() {
        for (text, seconds) in
            [("30d", 2_592_000), ("1d12h", 129_600), ("90m", 5_400), (" 10s ", 10), ("0s", 0)]
        {
            assert_eq!(read(text), Some(Span::from_millis(seconds * 1000)), "{text}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            " ",
            "30",
            "d",
            "1.5d",
            "-1d",
            "1 d",
            "1w",
            "1dd",
            "99999999999999999999s",
            "9223372036854775807d",
            "1d 2h",
            "１d",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
