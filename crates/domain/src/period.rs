//! How long a rental lasts.

use crate::time::Span;

const WEEK: u32 = 7;
const MONTH: u32 = 30;
const YEAR: u32 = 365;

/// A length of time on sale, in whole days of 86,400 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    days: u32,
}

impl Period {
    /// The longest period on sale. Keeps every price and date far from overflow.
    pub const DAYS_MAX: u32 = 3 * 366;

    /// `None` unless `1 <= days <= DAYS_MAX`.
    pub fn from_days(days: u32) -> Option<Period> {
        (1..=Self::DAYS_MAX).contains(&days).then_some(Period { days })
    }

    /// The number of days.
    pub fn days(self) -> u32 {
        self.days
    }

    /// The code that programs write: `12m` for 365 days, `1m` for 30, `2w` for 14, `10d` for 10,
    /// the longest unit that fits.
    pub fn code(self) -> String {
        let (count, unit) = self.in_units();
        format!("{count}{}", unit.letter())
    }

    /// The name that people read: `12 months`, `1 month`, `2 weeks`, `10 days`.
    pub fn name(self) -> String {
        let (count, unit) = self.in_units();
        format!("{count} {}{}", unit.name(), if count == 1 { "" } else { "s" })
    }

    fn in_units(self) -> (u32, Unit) {
        match self.days {
            days if days % YEAR == 0 => (days / YEAR * 12, Unit::Month),
            days if days % MONTH == 0 => (days / MONTH, Unit::Month),
            days if days % WEEK == 0 => (days / WEEK, Unit::Week),
            days => (days, Unit::Day),
        }
    }

    /// The same as a length of time.
    pub fn span(self) -> Span {
        Span::from_days(self.days)
    }
}

/// How a customer names a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodWish {
    /// Nothing was said.
    Missing,
    /// It could not be read.
    Unreadable,
    /// So many days.
    Days(u32),
    /// The one on sale with this code.
    Code(PeriodCode),
}

impl PeriodWish {
    /// The period that is meant, if it is among those on sale.
    pub fn among(self, on_sale: &[Period]) -> Option<Period> {
        match self {
            PeriodWish::Missing | PeriodWish::Unreadable => None,
            PeriodWish::Days(days) => on_sale.iter().copied().find(|period| period.days == days),
            PeriodWish::Code(code) => code.among(on_sale),
        }
    }
}

/// The code of a period, as [`Period::code`] writes it, or a customer: `1m`, `2W`, `1y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodCode {
    count: u32,
    unit: Unit,
}

impl PeriodCode {
    /// Reads a code, in any letter case.
    pub fn read(code: &str) -> Option<PeriodCode> {
        let (count, letter) = code.split_at_checked(code.len().checked_sub(1)?)?;
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let count: u32 = count.parse().ok()?;
        let (count, unit) = match letter.to_ascii_lowercase().as_str() {
            "d" => (count, Unit::Day),
            "w" => (count, Unit::Week),
            "m" => (count, Unit::Month),
            "y" => (count.checked_mul(12)?, Unit::Month),
            _ => return None,
        };
        Some(PeriodCode { count, unit })
    }

    /// The period of `on_sale` with this code: `12m` and `1y` are 365 days if those are on sale,
    /// else 360.
    pub fn among(self, on_sale: &[Period]) -> Option<Period> {
        let PeriodCode { count, unit } = self;
        let sold =
            |days: Option<u32>| on_sale.iter().copied().find(|period| Some(period.days) == days);
        match unit {
            Unit::Day => sold(Some(count)),
            Unit::Week => sold(count.checked_mul(WEEK)),
            Unit::Month => {
                let years = (count % 12 == 0).then(|| sold((count / 12).checked_mul(YEAR)));
                years.flatten().or_else(|| sold(count.checked_mul(MONTH)))
            }
        }
    }
}

/// What periods are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
}

impl Unit {
    fn letter(self) -> char {
        match self {
            Unit::Day => 'd',
            Unit::Week => 'w',
            Unit::Month => 'm',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn periods(days: &[u32]) -> Vec<Period> {
        days.iter().map(|days| Period::from_days(*days).unwrap()).collect()
    }

    #[test]
    fn a_period_has_the_code_and_name_of_its_longest_unit() {
        for (days, code, name) in [
            (1, "1d", "1 day"),
            (10, "10d", "10 days"),
            (7, "1w", "1 week"),
            (14, "2w", "2 weeks"),
            (30, "1m", "1 month"),
            (210, "7m", "7 months"),
            (360, "12m", "12 months"),
            (365, "12m", "12 months"),
            (730, "24m", "24 months"),
        ] {
            let period = Period::from_days(days).unwrap();
            assert_eq!((period.code().as_str(), period.name().as_str()), (code, name));
        }
    }

    #[test]
    fn a_code_is_a_period_on_sale_or_none() {
        let on_sale = periods(&[7, 30, 360]);
        for (code, days) in
            [("1w", 7), ("7d", 7), ("1M", 30), ("30d", 30), ("12m", 360), ("1y", 360)]
        {
            assert_eq!(
                PeriodCode::read(code).and_then(|code| code.among(&on_sale)).map(Period::days),
                Some(days),
                "{code}"
            );
        }
        for bad in
            ["", "m", "1", "+1m", "1q", "2m", "0d", "12 m", "1µ", "99999999999m", "4294967295y"]
        {
            assert_eq!(PeriodCode::read(bad).and_then(|code| code.among(&on_sale)), None, "{bad}");
        }
        let both = periods(&[360, 365]);
        for (code, days) in [("12m", 365), ("1y", 365), ("360d", 360)] {
            assert_eq!(
                PeriodCode::read(code).and_then(|code| code.among(&both)).map(Period::days),
                Some(days),
                "{code}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_code_is_read_as_it_was_written(days in 1..=Period::DAYS_MAX) {
            let period = Period::from_days(days).unwrap();
            prop_assert_eq!(PeriodCode::read(&period.code()).and_then(|code| code.among(&[period])), Some(period));
        }
    }
}
