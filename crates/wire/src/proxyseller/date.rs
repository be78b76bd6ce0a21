//! Instants, in the many forms in which this dialect writes them. All are in UTC.

use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use jiff::tz::Offset;

/// An instant to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    utc: DateTime,
}

impl Date {
    /// From milliseconds since 1970 UTC; `None` unless the year has four digits at most.
    pub fn from_milliseconds(milliseconds: i64) -> Option<Date> {
        let instant = Timestamp::from_millisecond(milliseconds).ok()?;
        let utc = Offset::UTC.to_datetime(instant);
        (utc.year() >= 0).then_some(Date { utc })
    }

    /// `26.06.2026`
    pub fn day(self) -> String {
        let Date { utc } = self;
        format!("{:02}.{:02}.{:04}", utc.day(), utc.month(), utc.year())
    }

    /// `26.06.2026 14:05:00`
    pub fn moment(self) -> String {
        format!("{} {}", self.day(), self.clock())
    }

    /// `2026-06-26 14:05:00`
    pub fn sortable(self) -> String {
        format!("{} {}", self.iso_day(), self.clock())
    }

    /// `2026-06-26T14:05:00+00:00`
    pub fn iso(self) -> String {
        format!("{}T{}+00:00", self.iso_day(), self.clock())
    }

    /// `2026-06-26T14:05:00.000+00:00`
    pub fn iso_with_milliseconds(self) -> String {
        format!("{}T{}.{:03}+00:00", self.iso_day(), self.clock(), self.utc.millisecond())
    }

    fn iso_day(self) -> String {
        let Date { utc } = self;
        format!("{:04}-{:02}-{:02}", utc.year(), utc.month(), utc.day())
    }

    fn clock(self) -> String {
        let Date { utc } = self;
        format!("{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second())
    }
}

/// Reads a date, with a time or without, in any of the forms above; milliseconds since 1970 UTC.
/// A day without a time is its beginning.
pub fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let numbers = |text: &str, between: char| -> Option<[i16; 3]> {
        let mut parts = text.split(between).map(|part| {
            let plain = (1..=4).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit());
            if plain { part.parse::<i16>().ok() } else { None }
        });
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    };
    let (year, month, day) = match (numbers(day, '.'), numbers(day, '-')) {
        (Some([day, month, year]), _) | (_, Some([year, month, day])) => (year, month, day),
        _ => return None,
    };
    let with_seconds = format!("{clock}:00");
    let clock = numbers(clock, ':').or_else(|| numbers(&with_seconds, ':'))?;
    let [month, day, hour, minute, second] =
        [month, day, clock[0], clock[1], clock[2]].map(|part| i8::try_from(part).ok());
    let real = DateTime::new(year, month?, day?, hour?, minute?, second?, 0).ok()?;
    if real.date() < date(1970, 1, 1) {
        return None;
    }
    Offset::UTC.to_timestamp(real).ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 26 June 2026, 14:05:09.007.
    const MOMENT: i64 = 1_782_482_709_007;

    #[test]
    fn an_instant_is_written_in_five_ways() {
        let date = Date::from_milliseconds(MOMENT).unwrap();
        assert_eq!(date.day(), "26.06.2026");
        assert_eq!(date.moment(), "26.06.2026 14:05:09");
        assert_eq!(date.sortable(), "2026-06-26 14:05:09");
        assert_eq!(date.iso(), "2026-06-26T14:05:09+00:00");
        assert_eq!(date.iso_with_milliseconds(), "2026-06-26T14:05:09.007+00:00");
        assert_eq!(Date::from_milliseconds(i64::MAX), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let date = Date::from_milliseconds(MOMENT).unwrap();
        let second = MOMENT - 7;
        for text in [date.moment(), date.sortable(), date.iso(), format!(" {} ", date.moment())] {
            assert_eq!(read(&text), Some(second), "{text}");
        }
        assert_eq!(read(&date.iso_with_milliseconds()), Some(MOMENT));
        let day = second - (14 * 3600 + 5 * 60 + 9) * 1000;
        for text in [date.day(), "2026-06-26".to_owned(), "26.6.2026".to_owned()] {
            assert_eq!(read(&text), Some(day), "{text}");
        }
        assert_eq!(read("26.06.2026 14:05"), Some(second - 9000));
    }

    #[test]
    fn anything_else_is_no_date() {
        for text in ["", "yesterday", "26.06", "31.02.2026", "26.06.2026 25:00:00", "0.0.0", "1-2"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
