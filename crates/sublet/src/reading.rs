//! How what was typed is read, and how it is shown again.

use domain::country::Country;
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::limits::Limits;
use domain::money::{Currency, Percent};
use domain::network::Network;
use domain::product::is_tag;
use domain::time::{Span, Time};
use domain::usage::Day;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment as it is typed: a time of its own, or so long from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// At this time.
    At(Time),
    /// So much later than now.
    After(Span),
}

impl Moment {
    /// When that is.
    pub(crate) fn at(self, now: Time) -> Time {
        match self {
            Moment::At(time) => time,
            Moment::After(span) => now + span,
        }
    }
}

/// Reads `2026-12-01T12:00:00Z`, `2026-12-01` (its first moment, UTC) or `30d`.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Moment::At(Time::from_millis(at.as_millisecond())));
    }
    if let Some(at) = day(text).and_then(midnight) {
        return Ok(Moment::At(at));
    }
    if let Some(span) = span(text) {
        return Ok(Moment::After(span));
    }
    Err("write a time like 2026-12-01T12:00:00Z, a day like 2026-12-01, or a length like 30d"
        .into())
}

/// A day alone: the library would take one with a time too, and drop the time.
fn day(text: &str) -> Option<Date> {
    if text.len() == "2026-12-01".len() { text.parse().ok() } else { None }
}

fn midnight(date: Date) -> Option<Time> {
    let zoned = date.to_zoned(TimeZone::UTC).ok()?;
    Some(Time::from_millis(zoned.timestamp().as_millisecond()))
}

/// Reads `90s`, `15m`, `12h` or `30d`.
fn span(text: &str) -> Option<Span> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u32 = if digits { count.parse().ok()? } else { return None };
    match unit {
        "s" => Some(Span::from_seconds(count)),
        "m" => Some(Span::from_minutes(count)),
        "h" => Some(Span::from_hours(count)),
        "d" => Some(Span::from_days(count)),
        _ => None,
    }
}

/// A time as it is shown: `2026-12-01T12:00:00Z`.
pub(crate) fn shown(time: Time) -> String {
    Timestamp::from_millisecond(time.millis()).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A time to the second, for people: `2026-12-01 12:00:00`.
pub(crate) fn brief(time: Time) -> String {
    let at = Timestamp::from_millisecond(time.millis()).unwrap_or_default();
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A day as it is shown: `2026-12-01`.
pub(crate) fn day_shown(day: Day) -> String {
    let at = Timestamp::from_millisecond(day.start().millis()).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// A customer's number.
pub(crate) fn customer(text: &str) -> Result<CustomerId, String> {
    let id: Option<i64> = text.parse().ok();
    id.filter(|id| *id > 0).map(CustomerId).ok_or_else(|| "a customer's number is expected".into())
}

/// A kind of proxy.
pub(crate) fn kind(text: &str) -> Result<ProxyKind, String> {
    ProxyKind::from_name(text).ok_or_else(|| "known are IPv4, IPv6, MOBILE and ISP".into())
}

/// A country.
pub(crate) fn country(text: &str) -> Result<Country, String> {
    Country::from_alpha3(text)
        .ok_or_else(|| "three letters of ISO 3166-1 are expected, such as USA".into())
}

/// A currency.
pub(crate) fn currency(text: &str) -> Result<Currency, String> {
    Currency::from_code(&text.to_ascii_uppercase())
        .ok_or_else(|| "a code of ISO 4217 is expected, such as USD".into())
}

/// A share.
pub(crate) fn percent(text: &str) -> Result<Percent, String> {
    Percent::parse(text)
        .filter(|share| *share != Percent::ZERO)
        .ok_or_else(|| "more than 0 and at most 100 is expected, with at most two decimals".into())
}

/// A range of addresses, or one address.
pub(crate) fn network(text: &str) -> Result<Network, String> {
    Network::parse(text).ok_or_else(|| match text.split_once('/') {
        Some((ip, _)) if ip.parse::<std::net::IpAddr>().is_ok() => {
            "a range begins with its first address, such as 198.51.100.0/24".into()
        }
        _ => "a range like 198.51.100.0/24 or a single address is expected".into(),
    })
}

/// Bytes in a second: `500kB`, `2MB` or `20Mbit`, or as many as the number says; 0 is no limit.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    let units = [
        ("kbit", 125),
        ("Mbit", 125_000),
        ("Gbit", 125_000_000),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("", 1),
    ];
    let read = units.iter().find_map(|(unit, bytes)| {
        let digits = text.strip_suffix(unit).map(str::trim_end)?;
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count: u64 = if plain { digits.parse().ok()? } else { return None };
        count.checked_mul(*bytes)
    });
    let (least, most) = (Limits::BYTES_PER_SECOND_MIN, Limits::BYTES_PER_SECOND_MAX);
    match read.filter(|rate| *rate <= most) {
        Some(rate) if rate > 0 && rate < least => {
            Err(format!("at least {least} bytes in a second are expected, or 0 for no limit"))
        }
        Some(rate) => Ok(rate),
        None => Err("bytes in a second are expected, such as 500kB, 2MB or 20Mbit".into()),
    }
}

/// The name of a gateway or mobile operator.
pub(crate) fn tag(text: &str) -> Result<String, String> {
    let fits = is_tag(text).then(|| text.to_owned());
    fits.ok_or_else(|| "1 to 32 of a-z, 0-9, - and _ are expected".into())
}

/// What something is called: 1 to 200 letters, none of them invisible.
pub(crate) fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or_else(|| "1 to 200 letters are expected".into())
}

/// A mail address, as far as its form can tell.
pub(crate) fn email(text: &str) -> Result<String, String> {
    let (user, host) = text.split_once('@').unwrap_or_default();
    let plain = !text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    let fits = !user.is_empty() && !host.is_empty() && !host.contains('@') && text.len() <= 254;
    (fits && plain).then(|| text.to_owned()).ok_or_else(|| "no mail address".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_three_forms() {
        let now = Time::from_millis(1_000);
        for (text, shows) in [
            ("2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"),
            ("2026-12-01T12:00:00+02:00", "2026-12-01T10:00:00Z"),
            ("2026-12-01", "2026-12-01T00:00:00Z"),
            ("30d", "1970-01-31T00:00:01Z"),
            ("90s", "1970-01-01T00:01:31Z"),
        ] {
            assert_eq!(shown(moment(text).unwrap().at(now)), shows, "{text}");
        }
        for bad in ["", "d", "-1d", "30", "30y", "tomorrow", "2026-13-01", "2026-12-01 12:00", "ä"]
        {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_are_brief_for_people() {
        assert_eq!(brief(Time::from_millis(86_400_123)), "1970-01-02 00:00:00");
    }

    #[test]
    fn rates_are_bytes_or_bits_in_a_second() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4_096),
            ("500kB", 500_000),
            ("2MB", 2_000_000),
            ("2 MB", 2_000_000),
            ("1GB", 1_000_000_000),
            ("20Mbit", 2_500_000),
            ("100kbit", 12_500),
            ("1Gbit", 125_000_000),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        for bad in ["", "MB", "-1", "1.5MB", "2mb", "2MiB", "4095", "1kB", "99999999GB", "1e6"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_mail_addresses_have_a_form() {
        assert_eq!(name(" Ann & Co. ").unwrap(), "Ann & Co.");
        for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(name(bad).is_err(), "{bad}");
        }
        assert!(email("ann@example.org").is_ok());
        for bad in ["", "ann", "@example.org", "ann@", "a b@c", "a@b@c"] {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert_eq!(customer("7"), Ok(CustomerId(7)));
        for bad in ["0", "-1", "x", ""] {
            assert!(customer(bad).is_err(), "{bad}");
        }
    }
}
