//! Instants, in the one form in which this dialect writes them.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant, to the millisecond, written as `2025-03-01T09:30:15.220+00:00`.
///
/// It is always written in UTC and never with a `Z`. Any other offset is understood in reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    instant: Timestamp,
}

impl Date {
    /// From milliseconds since 1970 UTC; `None` unless the year has at most four digits.
    ///
    /// The last day of the year 9999 is out of reach too, since somewhere else it is over.
    pub fn from_milliseconds(milliseconds: i64) -> Option<Date> {
        let date = Date { instant: Timestamp::from_millisecond(milliseconds).ok()? };
        if date.in_utc().year() < 0 { None } else { Some(date) }
    }

    /// Milliseconds since 1970 UTC.
    pub fn milliseconds(self) -> i64 {
        self.instant.as_millisecond()
    }

    fn in_utc(self) -> DateTime {
        Offset::UTC.to_datetime(self.instant)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utc = self.in_utc();
        write!(f, "{:04}-{:02}-{:02}", utc.year(), utc.month(), utc.day())?;
        write!(f, "T{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second())?;
        write!(f, ".{:03}+00:00", utc.millisecond())
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let instant: Option<Timestamp> = text.parse().ok();
        instant
            .and_then(|instant| Date::from_milliseconds(instant.as_millisecond()))
            .ok_or_else(|| D::Error::custom("not a date"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_has_milliseconds_and_an_offset() {
        check(0, "1970-01-01T00:00:00.000+00:00");
        check(1_740_821_415_220, "2025-03-01T09:30:15.220+00:00");
        check(-1, "1969-12-31T23:59:59.999+00:00");
        check(1_709_164_800_005, "2024-02-29T00:00:00.005+00:00");
        check(-62_167_219_200_000, "0000-01-01T00:00:00.000+00:00");
    }

    #[test]
    fn a_year_has_four_digits() {
        assert_eq!(Date::from_milliseconds(-62_167_219_200_001), None);
        assert_eq!(Date::from_milliseconds(253_402_300_800_000), None);
        assert_eq!(Date::from_milliseconds(i64::MIN), None);
        assert_eq!(Date::from_milliseconds(i64::MAX), None);
    }

    #[test]
    fn other_ways_to_write_a_date_are_understood() {
        let date = Date::from_milliseconds(1_740_821_415_220).unwrap();
        for json in [r#""2025-03-01T09:30:15.22Z""#, r#""2025-03-01T11:30:15.220+02:00""#] {
            assert_eq!(serde_json::from_str::<Date>(json).unwrap(), date);
        }
        for json in [r#""2025-03-01""#, r#""""#, "1740821415220", "null"] {
            assert!(serde_json::from_str::<Date>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(milliseconds in -62_167_219_200_000i64..253_402_207_200_000) {
            let date = Date::from_milliseconds(milliseconds).unwrap();
            let json = serde_json::to_string(&date).unwrap();
            prop_assert_eq!(json.len(), "\"2025-03-01T09:30:15.220+00:00\"".len());
            prop_assert_eq!(serde_json::from_str::<Date>(&json).unwrap(), date);
            prop_assert_eq!(date.milliseconds(), milliseconds);
        }
    }

    #[track_caller]
    fn check(milliseconds: i64, expected: &str) {
        assert_eq!(Date::from_milliseconds(milliseconds).unwrap().to_string(), expected);
    }
}
