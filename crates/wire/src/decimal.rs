//! The value of a JSON number, without a float in between.

/// `±significand × 10^power`, with the smallest significand there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    pub(crate) significand: u64,
    pub(crate) power: i64,
}

impl Decimal {
    /// Reads the text of a JSON number.
    ///
    /// `None` if it is no number, or if its digits between the outer zeros exceed a `u64`. The
    /// exponent may be of any size: nothing is ever raised to it here.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, saturating_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }

        let digits = [whole, fraction].concat();
        let significant = digits.trim_end_matches('0');
        let zeros = digits.len() - significant.len();
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Decimal { negative, significand: 0, power: 0 });
        }
        let shift = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
        Some(Decimal {
            negative,
            significand: significant.parse().ok()?,
            power: exponent.checked_add(shift)?,
        })
    }

    /// The size of the number as an integer, if it is one and fits.
    pub(crate) fn magnitude(self) -> Option<u64> {
        let power = u32::try_from(self.power).ok()?;
        10u64.checked_pow(power)?.checked_mul(self.significand)
    }
}

pub(crate) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent that is out of all bounds stays so, whatever the length of the mantissa.
fn saturating_exponent(text: &str) -> Option<i64> {
    const LIMIT: i64 = 1_000_000_000_000;

    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(digits) {
        return None;
    }
    let size = digits.parse().unwrap_or(LIMIT).min(LIMIT);
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_has_one_form() {
        for text in ["30", "30.0", "3e1", "3E+1", "0.3e2", "300e-1", "30.000e00"] {
            check(text, Some((false, 3, 1)));
        }
        check("-8.30", Some((true, 83, -1)));
        check("0", Some((false, 0, 0)));
        check("0.00e99999999999999999999", Some((false, 0, 0)));
        check("18446744073709551615", Some((false, u64::MAX, 0)));
        check("18446744073709551616", None);
    }

    #[test]
    fn an_exponent_may_be_absurd() {
        check("1e400", Some((false, 1, 400)));
        check("1e99999999999999999999999", Some((false, 1, 1_000_000_000_000)));
        check("1e-99999999999999999999999", Some((false, 1, -1_000_000_000_000)));
        check(&format!("1{}e-100000", "0".repeat(100_000)), Some((false, 1, 0)));
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in ["", "-", "+1", "030", ".5", "5.", "1e", "1e+", "1e1.0", "0x1e", "1 ", "--1"] {
            check(text, None);
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Option<(bool, u64, i64)>) {
        let found = Decimal::parse(text);
        assert_eq!(found.map(|it| (it.negative, it.significand, it.power)), expected);
    }
}
