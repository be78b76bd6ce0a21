//! `GET /api/v1/usage` and `GET /api/v1/leases/{id}/usage`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::ids::LeaseId;
use domain::time::Time;
use domain::usage::{Day, DayOfLease, Days};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, ok, problem};

pub(super) const PATH: &str = "/api/v1/usage";
pub(super) const OF_ONE: &str = "/api/v1/leases/{id}/usage";

/// So many days are told of if nobody says which, and so many at most.
const DAYS: u32 = 30;
const DAYS_MOST: u32 = 400;

/// What everything that is rented has used, by day and lease, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    page(asked, None).await
}

/// The same of one lease.
pub(super) async fn of_one(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such lease");
    let id = asked.parts.uri.path().rsplit('/').nth(1);
    let lease = id.and_then(|id| engine.public_ids().read_lease(id)).ok_or_else(nothing)?;
    engine.kind_of(asked.customer(), lease)?.ok_or_else(nothing)?;
    page(asked, Some(lease)).await
}

/// What is asked for.
struct Wanted {
    days: Days,
    after: Option<(Day, LeaseId)>,
    limit: u32,
}

impl Wanted {
    fn read(asked: &Asked) -> Result<Wanted, Refused> {
        let bad = |detail| problem::said(StatusCode::BAD_REQUEST, detail);
        let engine = &asked.app.engine;
        let day = |name, usual| -> Result<Day, Refused> {
            match asked.query(name)?.as_ref() {
                "" => Ok(usual),
                text => read(text).ok_or_else(|| bad("A day must be like 2026-12-01").into()),
            }
        };
        let to = day("to", Day::of(engine.now()))?;
        let from = day("from", to.before(DAYS - 1))?;
        if to < from || from < to.before(DAYS_MOST - 1) {
            let detail = "from must be no later than to, and less than 400 days before";
            return Err(bad(detail).into());
        }
        let after = match asked.query("after")?.as_ref() {
            "" => None,
            text => {
                let place = text.split_once('_').and_then(|(day, lease)| {
                    Some((read(day)?, engine.public_ids().read_lease(lease)?))
                });
                Some(place.ok_or_else(|| bad("after must be the next of the page before"))?)
            }
        };
        Ok(Wanted { days: Days::new(from, to), after, limit: asked.limit()? })
    }
}

async fn page(asked: Asked, lease: Option<LeaseId>) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let Wanted { days, after, limit } = Wanted::read(&asked)?;
    let customer = asked.customer();
    let found = engine.usage(customer, lease, days, after, limit).await?;
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = found.last().filter(|_| full);
    let next = last.map(|it| format!("{}_{}", shown(it.day), ids.lease(it.lease)));
    let line = |it: &DayOfLease| {
        json!({
            "day": shown(it.day),
            "lease_id": ids.lease(it.lease),
            "bytes_up": it.used.bytes_up,
            "bytes_down": it.used.bytes_down,
            "connections": it.used.flows,
        })
    };
    let usage: Vec<Value> = found.iter().map(line).collect();
    let (from, to) = (shown(days.from), shown(days.to));
    Ok(ok(&json!({ "from": from, "to": to, "usage": usage, "next": next })))
}

/// Reads `2026-12-01`.
fn read(text: &str) -> Option<Day> {
    // The library would take a date with a time too, and drop the time.
    let date: Date = Some(text).filter(|it| it.len() == "2026-12-01".len())?.parse().ok()?;
    let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Day::of(Time::from_millis(start.as_millisecond())))
}

fn shown(day: Day) -> String {
    let start = Timestamp::from_millisecond(day.start().millis());
    start.expect("days are between 1970 and 9999").strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_shown() {
        for text in ["1970-01-01", "2026-12-01", "2028-02-29"] {
            assert_eq!(read(text).map(shown).as_deref(), Some(text));
        }
        for text in ["", "2026-12-1", "2026-13-01", "2027-02-29", "2026-12-01T00:00:00Z", "1d"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
