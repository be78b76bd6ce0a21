//! Which proxies a query asks for.

use std::collections::BTreeSet;

use domain::country::Country;
use domain::ids::OrderId;
use domain::journal::Event;
use engine::browse::{Part, Stand, Wanted};
use wire::proxyseller::section::Section;

use super::super::stop::Stop;
use super::super::{Asked, Version, choices, offer, order_number, read};

/// What the query asks for, of these sections. What can match nothing asks for no parts at all.
pub(in super::super) async fn read(
    asked: &Asked<'_>,
    sections: &[Section],
) -> Result<Wanted, Stop> {
    let parts: Vec<Part> = sections.iter().filter_map(|section| part(*section)).collect();
    let mut wanted = Wanted { parts, stand: stand(asked), ..Wanted::default() };
    if let Some(code) = read::parameter(asked.query, "country") {
        wanted.country = Country::from_alpha3(code.trim());
        if wanted.country.is_none() {
            wanted.parts.clear();
        }
    }
    if let Some(name) = read::parameter(asked.query, "orderId") {
        wanted.orders = Some(orders(asked, name.trim()).await?);
    } else if read::is_set(asked.query, "latest") {
        let parts = sharing(&wanted.parts);
        let latest = asked.app.engine.latest_order(asked.customer(), parts).await?;
        wanted.orders = Some(latest.into_iter().collect());
    }
    Ok(wanted)
}

/// How many proxies are passed over, and how many are shown then.
pub(in super::super) fn page(query: &str) -> (u64, Option<u64>) {
    let number = |name| read::ordinal(query, name);
    let (page, per_page) = (number("page"), number("per_page"));
    if page.is_none() && per_page.is_none() {
        return (0, None);
    }
    let per_page = per_page.unwrap_or(choices::PER_PAGE);
    (per_page.saturating_mul(page.unwrap_or(1) - 1), Some(per_page))
}

/// Where a section is found; `None` if there is nothing in it.
pub(in super::super) fn part(section: Section) -> Option<Part> {
    Some(Part { kind: offer::kind(section)?, in_packages: offer::is_mixed(section) })
}

/// The parts among which the latest order is looked for: packages of all kinds are as one.
fn sharing(parts: &[Part]) -> Vec<Part> {
    match parts {
        [Part { in_packages: true, .. }] => {
            [Section::Mix, Section::MixIsp].into_iter().filter_map(part).collect()
        }
        parts => parts.to_vec(),
    }
}

/// v1 speaks of proxies that are about to end, v2 of those that have ended but are not lost yet.
fn stand(asked: &Asked<'_>) -> Stand {
    match (read::is_set(asked.query, "ends"), asked.version) {
        (false, _) => Stand::Live,
        (true, Version::V1) => Stand::Lapsing(choices::ABOUT_TO_END),
        (true, Version::V2) => Stand::InReserve,
    }
}

/// The orders that a name means: an order by its id or any number that it has had, or those of a
/// prolongation by its number in the list of orders. None if there are none.
async fn orders(asked: &Asked<'_>, name: &str) -> Result<BTreeSet<OrderId>, Stop> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let mut orders: BTreeSet<OrderId> = order_number::read(ids, name).into_iter().collect();
    if let Some(entry) = ids.read_entry(name)
        && let Some(entry) = engine.entry(asked.customer(), entry).await?
        && let Event::Extension { leases, .. } = entry.event
    {
        let leases = leases.iter().map(|moved| moved.lease);
        orders.extend(engine.orders_of(asked.customer(), leases)?);
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_in_three_ways() {
        for (query, expected) in [
            ("", (0, None)),
            ("page=&per_page=null", (0, None)),
            ("page=0&per_page=x", (0, None)),
            ("page=3", (200, Some(100))),
            ("per_page=7", (0, Some(7))),
            ("page=3&per_page=7", (14, Some(7))),
            ("page=18446744073709551615&per_page=2", (u64::MAX, Some(2))),
        ] {
            assert_eq!(page(query), expected, "{query}");
        }
    }
}
