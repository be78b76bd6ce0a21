//! Moments and lengths of time.

use std::ops::{Add, Sub};

/// A moment: milliseconds since 1970 UTC, leap seconds ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Time = Time(0);
    /// Later than every moment that is computed with: the year 9999.
    pub const FAR: Time = Time(253_370_764_800_000);

    /// The moment `millis` milliseconds after 1970 UTC, kept within `EPOCH..=FAR`.
    pub fn from_millis(millis: i64) -> Time {
        Time(millis.clamp(Self::EPOCH.0, Self::FAR.0))
    }

    /// The same as [`Time::from_millis`], for constants.
    pub const fn from_millis_const(millis: i64) -> Time {
        assert!(0 <= millis && millis <= Time::FAR.0, "a moment between 1970 and 9999");
        Time(millis)
    }

    /// Milliseconds since 1970 UTC.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// The length of time from `earlier` to here; nothing if `earlier` is later.
    pub fn since(self, earlier: Time) -> Span {
        Span((self.0 - earlier.0).max(0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// A day of 86,400 seconds.
    pub const DAY: Span = Span(86_400_000);
    /// An hour.
    pub const HOUR: Span = Span(3_600_000);

    /// The same as [`Span::from_millis`], for constants.
    pub const fn from_millis_const(millis: i64) -> Span {
        assert!(millis >= 0, "a span is never negative");
        Span(millis)
    }

    /// A span of `millis` milliseconds; a negative number is nothing.
    pub fn from_millis(millis: i64) -> Span {
        Span(millis.max(0))
    }

    /// A span of whole seconds.
    pub fn from_seconds(seconds: u32) -> Span {
        Span(i64::from(seconds) * 1000)
    }

    /// A span of whole minutes.
    pub fn from_minutes(minutes: u32) -> Span {
        Span(i64::from(minutes) * 60_000)
    }

    /// A span of whole hours.
    pub fn from_hours(hours: u32) -> Span {
        Span(i64::from(hours) * Self::HOUR.0)
    }

    /// A span of days of 86,400 seconds.
    pub fn from_days(days: u32) -> Span {
        Span(i64::from(days) * Self::DAY.0)
    }

    /// Milliseconds.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Half of it.
    pub fn half(self) -> Span {
        Span(self.0 / 2)
    }
}

impl Add<Span> for Time {
    type Output = Time;

    fn add(self, span: Span) -> Time {
        Time::from_millis(self.0.saturating_add(span.0))
    }
}

impl Sub for Span {
    type Output = Span;

    fn sub(self, other: Span) -> Span {
        Span::from_millis(self.0 - other.0)
    }
}

impl Sub<Span> for Time {
    type Output = Time;

    fn sub(self, span: Span) -> Time {
        Time::from_millis(self.0.saturating_sub(span.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_stays_within_its_bounds() {
        assert_eq!(Time::FAR + Span::DAY, Time::FAR);
        assert_eq!(Time::EPOCH - Span::DAY, Time::EPOCH);
        assert_eq!(Time::from_millis(5).since(Time::from_millis(9)), Span::ZERO);
    }
}
