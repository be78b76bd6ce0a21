//! How long a rental lasts.

use crate::time::Span;

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

    /// The same as a length of time.
    pub fn span(self) -> Span {
        Span::from_days(self.days)
    }
}
