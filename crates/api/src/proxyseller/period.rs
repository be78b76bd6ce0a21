//! Rental periods by their codes, such as `1m` and `2w`.

use domain::period::Period;

/// What a period is called: `12m` for 365 days, else in months of 30 days, in weeks, or in days.
pub(super) fn code(period: Period) -> String {
    let (count, unit) = parts(period);
    format!("{count}{unit}")
}

/// What people call a period.
pub(super) fn name(period: Period) -> String {
    let (count, unit) = parts(period);
    let unit = match unit {
        'm' => "month",
        'w' => "week",
        _ => "day",
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{s}")
}

fn parts(period: Period) -> (u32, char) {
    match period.days() {
        365 => (12, 'm'),
        days if days.is_multiple_of(30) => (days / 30, 'm'),
        days if days.is_multiple_of(7) => (days / 7, 'w'),
        days => (days, 'd'),
    }
}

/// The days of the period on sale that `code` means; if none is, of a period that it could mean.
pub(super) fn days(code: &str, on_sale: &[Period]) -> Option<u32> {
    let code = code.trim().to_ascii_lowercase();
    let count_length = code.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = code.split_at(count_length);
    let count: u32 = count.parse().ok()?;
    let times = |days: u32| count.checked_mul(days);
    let meant = match unit {
        "d" => vec![times(1)],
        "w" => vec![times(7)],
        "m" if count.is_multiple_of(12) => {
            vec![times(30).map(|days| days + count / 12 * 5), times(30)]
        }
        "m" => vec![times(30)],
        "y" => vec![times(365), times(360)],
        _ => vec![],
    };
    let is_on_sale = |days: &u32| on_sale.iter().any(|period| period.days() == *days);
    let meant: Vec<u32> = meant.into_iter().flatten().collect();
    meant.iter().copied().find(is_on_sale).or_else(|| meant.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(days: u32) -> Period {
        Period::from_days(days).unwrap()
    }

    #[test]
    fn a_period_is_read_as_it_is_written() {
        let on_sale = [5, 7, 14, 30, 60, 180, 360, 365].map(period);
        for (days, is_called, said) in [
            (5, "5d", "5 days"),
            (7, "1w", "1 week"),
            (14, "2w", "2 weeks"),
            (30, "1m", "1 month"),
            (180, "6m", "6 months"),
            (365, "12m", "12 months"),
        ] {
            assert_eq!(
                (code(period(days)).as_str(), name(period(days)).as_str()),
                (is_called, said)
            );
            assert_eq!(super::days(is_called, &on_sale), Some(days), "{is_called}");
        }
    }

    #[test]
    fn a_year_is_what_is_on_sale() {
        assert_eq!(days("12m", &[period(360)]), Some(360));
        assert_eq!(days("1Y", &[period(360), period(365)]), Some(365));
        assert_eq!(days("1m", &[]), Some(30));
        for wrong in ["", "m", "1", "1x", "-1m", "99999999999m", "4294967295m"] {
            assert_eq!(days(wrong, &[period(30)]), None, "{wrong}");
        }
    }
}
