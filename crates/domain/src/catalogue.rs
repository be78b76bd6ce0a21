//! What is on sale, at what price and on what terms. An immutable value with a version.

use std::collections::BTreeMap;

use crate::country::Country;
use crate::kind::ProxyKind;
use crate::money::{Currency, Percent, UnitPrice};
use crate::period::Period;
use crate::product::ProductKey;
use crate::time::Span;

/// Everything on sale.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Counts the catalogues that were applied; 0 is the empty one of a fresh database.
    pub version: i64,
    /// The terms of each kind that is sold.
    pub terms: BTreeMap<ProxyKind, Terms>,
    /// The products.
    pub products: BTreeMap<ProductKey, Product>,
    /// Mobile operators by their tag.
    pub operators: BTreeMap<String, MobileOperator>,
    /// Where the rented addresses are served, by name.
    pub gateways: BTreeMap<String, Gateway>,
}

/// The terms on which a kind is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The periods on sale, ascending.
    pub periods: Vec<Period>,
    /// The fewest addresses in an order.
    pub quantity_min: u32,
    /// The most addresses in an order.
    pub quantity_max: u32,
    /// How long before its end an automatic extension is first tried.
    pub renew_lead: Span,
    /// How long after a failed try the next one comes.
    pub renew_retry: Span,
    /// How long a released address rests before it is let again.
    pub cooling: Span,
    /// What is taken off from so many addresses on, ascending.
    pub volume_discounts: Vec<(u32, Percent)>,
    /// What is taken off a price per day from so many days on, ascending.
    pub period_discounts: Vec<(u32, Percent)>,
}

/// Something on sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub key: ProductKey,
    /// What it costs, by currency.
    pub prices: BTreeMap<Currency, PriceList>,
    /// How long an address is kept for its last customer after the end of a lease.
    pub reserve: Span,
    /// Whether new orders are taken; extensions always are.
    pub on_sale: bool,
}

/// The prices of a product for one address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PriceList {
    /// Prices for whole periods, by days. They stand as they are: no period discount.
    pub per_period: BTreeMap<u32, UnitPrice>,
    /// The price per day, for the periods without a price of their own.
    pub per_day: Option<UnitPrice>,
}

/// A mobile operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MobileOperator {
    /// What orders call it.
    pub tag: String,
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub country: Country,
    /// After how many seconds its exits may rotate, ascending; 0 is by link only.
    pub rotation_seconds: Vec<u32>,
}

/// Where customers connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// What stock calls it.
    pub name: String,
    /// The host of the kinds that share one.
    pub host: String,
    /// The HTTP proxy port of addresses that are an endpoint themselves.
    pub http_port: u16,
    /// The SOCKS5 port of addresses that are an endpoint themselves.
    pub socks_port: u16,
    /// The first and last port for leases that share the host; each takes two.
    pub shared_ports: (u16, u16),
}

/// A price from the price book: for one address, and what is taken off for the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPrice {
    /// For one address and the whole period.
    pub unit: UnitPrice,
    /// The discount for the length of the period.
    pub discount: Percent,
}

impl Catalogue {
    /// The terms of `kind`; `None` if it is not sold.
    pub fn terms(&self, kind: ProxyKind) -> Option<&Terms> {
        self.terms.get(&kind)
    }

    /// The countries in which `kind` can be ordered, by code.
    pub fn countries(&self, kind: ProxyKind) -> Vec<Country> {
        let on_sale = self.products.values().filter(|product| product.on_sale);
        let mut found: Vec<Country> = on_sale
            .filter(|product| product.key.kind == kind)
            .map(|product| product.key.country)
            .collect();
        found.dedup();
        found
    }

    /// The periods in which `kind` can be rented.
    pub fn periods(&self, kind: ProxyKind) -> &[Period] {
        self.terms(kind).map_or(&[], |terms| &terms.periods)
    }

    /// The price of one address of `key` for `period` in `currency`.
    pub fn price(&self, key: &ProductKey, period: Period, currency: Currency) -> Option<ListPrice> {
        let list = self.products.get(key)?.prices.get(&currency)?;
        if let Some(unit) = list.per_period.get(&period.days()) {
            return Some(ListPrice { unit: *unit, discount: Percent::ZERO });
        }
        let unit = list.per_day?.times(period.days())?;
        let terms = self.terms(key.kind)?;
        Some(ListPrice { unit, discount: step(&terms.period_discounts, period.days()) })
    }

    /// What is taken off for taking `quantity` addresses of `kind` at once.
    pub fn volume_discount(&self, kind: ProxyKind, quantity: u32) -> Percent {
        self.terms(kind).map_or(Percent::ZERO, |terms| step(&terms.volume_discounts, quantity))
    }

    /// How long an address of `key` is kept for its last customer.
    pub fn reserve(&self, key: &ProductKey) -> Span {
        self.products.get(key).map_or(Span::ZERO, |product| product.reserve)
    }
}

/// The share of the highest step that `count` reaches.
fn step(steps: &[(u32, Percent)], count: u32) -> Percent {
    let reached = steps.iter().rev().find(|(from, _)| *from <= count);
    reached.map_or(Percent::ZERO, |(_, share)| *share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_step_that_is_reached_counts() {
        let percent = |text| Percent::parse(text).unwrap();
        let steps = [(10, percent("5")), (50, percent("10"))];
        for (count, share) in [(1, "0"), (9, "0"), (10, "5"), (49, "5"), (50, "10"), (999, "10")] {
            assert_eq!(step(&steps, count), percent(share), "{count}");
        }
    }
}
