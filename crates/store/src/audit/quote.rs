//! The arithmetic of a bill: its lines make its total, rounded once.

use std::collections::BTreeMap;

use domain::journal::{Bill, Entry, Event};
use domain::money::{Exact, Percent};
use domain::product::ProductKey;

use super::Findings;

/// Checks the bill of an order or extension by itself.
pub(super) fn check(entry: &Entry, bill: &Bill, found: &mut Findings) {
    let id = entry.id.0;
    let quote = &bill.quote;
    let promo = quote.promo.discount();
    let (mut list, mut net) = (Exact::default(), Exact::default());
    for line in &quote.lines {
        list = list.plus(Exact::of(line.unit, line.quantity, Percent::ZERO));
        net = net.plus(Exact::of(line.unit, line.quantity, line.discount.plus(promo)));
    }
    let total = net.round(quote.total.currency());
    found.check(total == Some(quote.total), "quote", || {
        format!("the lines of entry {id} make {total:?}, its total is {}", quote.total)
    });
    let discount = net.below(list);
    found.check(discount == quote.discount, "quote", || {
        format!("entry {id} takes {discount} % off and says {} %", quote.discount)
    });
    let period = match entry.event {
        Event::Order { period, .. } | Event::Extension { period, .. } => period,
        _ => return,
    };
    found.check(quote.lines.iter().all(|line| line.period == period), "quote", || {
        format!("entry {id} gives {} days and charges for others", period.days())
    });
}

/// How many addresses of each product were paid for.
pub(super) fn paid(bill: &Bill) -> BTreeMap<&ProductKey, u64> {
    let mut paid = BTreeMap::new();
    for line in &bill.quote.lines {
        *paid.entry(&line.product).or_default() += u64::from(line.quantity);
    }
    paid
}

/// Whether an order was for one thing: a product, or countries of one package.
pub(super) fn is_of_one_thing(bill: &Bill) -> bool {
    let lines = &bill.quote.lines;
    let Some(first) = lines.first().map(|line| &line.product) else { return false };
    let alike = |key: &ProductKey| (key.kind, &key.package) == (first.kind, &first.package);
    lines.len() == 1 || first.package.is_some() && lines.iter().all(|line| alike(&line.product))
}
