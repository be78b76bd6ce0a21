//! Which purchases a query asks for, and in which order. What it says that means nothing is passed
//! over.

use domain::time::{Span, Time};
use engine::purchases::{Found, PurchaseFilter, PurchaseOf};
use wire::proxyseller::date;

use super::super::{Asked, order_number, read};

/// How purchases stand: they are in the journal because they are paid.
pub(super) const PAID: &str = "PAYED";

/// How they could stand.
const STATES: [&str; 3] = [PAID, "NOT_PAYED", "RETURN"];

/// What is wanted; `None` if there can be nothing.
pub(super) fn filter(asked: &Asked<'_>) -> Option<PurchaseFilter> {
    let text = |name| read::parameter(asked.query, name).map(|text| text.trim().to_owned());
    let status = text("status").map(|status| status.to_ascii_uppercase());
    if status.is_some_and(|status| status != PAID && STATES.contains(&status.as_str())) {
        return None;
    }
    let ids = asked.app.engine.public_ids();
    let of = text("order_id").map(|name| PurchaseOf {
        order: order_number::read(ids, &name),
        entry: ids.read_entry(&name),
    });
    if of.is_some_and(|of| of.order.is_none() && of.entry.is_none()) {
        return None;
    }
    Some(PurchaseFilter {
        of,
        from: text("start_date").and_then(|text| moment(&text)).map(|(from, _)| from),
        before: text("end_date").and_then(|text| moment(&text)).map(|(_, end)| end),
        extension: text("is_extend").and_then(|text| switch(&text)),
        auto_extends: text("auto_order").and_then(|text| switch(&text)),
    })
}

/// When what a date names begins, and when it is over: a day, or a second.
fn moment(text: &str) -> Option<(Time, Time)> {
    let from = Time::from_millis(date::read(text)?);
    let has_clock = text.contains(':');
    let length = if has_clock { Span::from_millis(1000) } else { Span::DAY };
    Some((from, from + length))
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_uppercase().as_str() {
        "Y" => Some(true),
        "N" => Some(false),
        _ => None,
    }
}

/// Sorts purchases, which come oldest first: the newest first, unless something else is asked for.
/// Of equal ones, the one that would be first by date is.
pub(super) fn sort(query: &str, found: &mut [Found]) {
    let is = |name, value: &str| {
        read::parameter(query, name).is_some_and(|it| it.trim().eq_ignore_ascii_case(value))
    };
    let ascending = is("order", "asc");
    if !ascending {
        found.reverse();
    }
    if is("sort_by", "summ") {
        found.sort_by(|one, other| {
            let (one, other) = (one.total.minor(), other.total.minor());
            if ascending { one.cmp(&other) } else { other.cmp(&one) }
        });
    }
}

/// The page that is shown, and how many are on one; without pages, all are on the first.
pub(super) fn page(query: &str) -> (u64, Option<u64>) {
    let number = |name| read::ordinal(query, name);
    match number("limit") {
        Some(limit) => (number("page").unwrap_or(1), Some(limit)),
        None => (1, None),
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::EntryId;
    use domain::money::{Currency, Money};

    use super::*;

    #[track_caller]
    fn sorted(query: &str, expected: [i64; 4]) {
        let mut found: Vec<Found> = [(1, 50), (2, 20), (3, 50), (4, 90)]
            .map(|(entry, minor)| Found {
                entry: EntryId(entry),
                at: Time::EPOCH,
                total: Money::from_minor(minor, Currency::USD),
            })
            .to_vec();
        sort(query, &mut found);
        let entries: Vec<i64> = found.iter().map(|found| found.entry.0).collect();
        assert_eq!(entries, expected, "{query}");
    }

    #[test]
    fn purchases_are_sorted_by_date_or_price() {
        sorted("", [4, 3, 2, 1]);
        sorted("sort_by=date_insert&order=ASC", [1, 2, 3, 4]);
        sorted("sort_by=summ", [4, 3, 1, 2]);
        sorted("sort_by=summ&order=asc", [2, 1, 3, 4]);
        sorted("sort_by=status&order=desc", [4, 3, 2, 1]);
        sorted("sort_by=colour&order=upwards", [4, 3, 2, 1]);
    }

    #[test]
    fn a_date_is_a_day_or_a_second() {
        let day = |text| moment(text).map(|(from, to)| (from.millis(), to.millis()));
        let (from, to) = day("26.06.2026").unwrap();
        assert_eq!(to - from, 86_400_000);
        assert_eq!(day("2026-06-26"), Some((from, to)));
        assert_eq!(day("2026-06-26T00:00:01+00:00"), Some((from + 1000, from + 2000)));
        assert_eq!(day("yesterday"), None);
    }

    #[test]
    fn pages_need_a_limit() {
        for (query, expected) in [
            ("", (1, None)),
            ("page=3", (1, None)),
            ("limit=10", (1, Some(10))),
            ("limit=10&page=2", (2, Some(10))),
            ("limit=0&page=2", (1, None)),
            ("limit=10&page=-1", (1, Some(10))),
        ] {
            assert_eq!(page(query), expected, "{query}");
        }
    }
}
