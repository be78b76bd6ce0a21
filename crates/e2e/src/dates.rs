//! Moments as texts, and back.

/// Milliseconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Milliseconds of an hour.
pub const HOUR: i64 = 3_600_000;

/// Milliseconds since 1970 of a text such as `2026-12-01T09:30:15.220+00:00`; a `Z` will do, and
/// the fraction may be missing.
#[track_caller]
pub fn millis(text: &str) -> i64 {
    let utc = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"));
    let (date, time) = utc.and_then(|utc| utc.split_once('T')).unwrap_or_else(|| bad(text));
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let numbers = |text: &str, mark| -> Vec<i64> {
        text.split(mark).map(|part| part.parse().unwrap_or_else(|_| bad(text))).collect()
    };
    let (date, time) = (numbers(date, '-'), numbers(time, ':'));
    let (&[year, month, day], &[hours, minutes, seconds]) = (&*date, &*time) else { bad(text) };
    let fraction = format!("{:0<3}", &fraction[..fraction.len().min(3)]);
    let in_day = hours * HOUR + minutes * 60_000 + seconds * 1_000;
    days(year, month, day) * DAY + in_day + numbers(&fraction, '.')[0]
}

/// The moment as a text with a `Z`.
pub fn text(millis: i64) -> String {
    let (day, in_day) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= day).unwrap_or(1);
    let of_month = day - days(year, month, 1) + 1;
    let (hours, minutes) = (in_day / HOUR, in_day / 60_000 % 60);
    let (seconds, fraction) = (in_day / 1_000 % 60, in_day % 1_000);
    format!(
        "{year:04}-{month:02}-{of_month:02}T{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}Z"
    )
}

/// Days from 1970-01-01 to a date, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap = year / 4 - year / 100 + year / 400;
    365 * year + leap + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[track_caller]
fn bad(text: &str) -> ! {
    panic!("not a moment: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_and_go_as_texts() {
        for (text_of, millis_of) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("2026-11-21T12:00:00.220Z", 1_795_262_400_220),
        ] {
            assert_eq!(millis(text_of), millis_of);
            assert_eq!(text(millis_of), text_of);
        }
        assert_eq!(millis("2026-11-21T12:00:00.220+00:00"), 1_795_262_400_220);
        for day in 0..40_000 {
            assert_eq!(millis(&text(day * DAY)), day * DAY);
        }
    }
}
