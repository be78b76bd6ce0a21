//! What is on sale, at what price and on what terms. An immutable value with a version.

use std::collections::BTreeMap;

use crate::country::Country;
use crate::kind::ProxyKind;
use crate::limits::Limits;
use crate::modem::Modem;
use crate::money::{Currency, Percent, UnitPrice};
use crate::period::Period;
use crate::ports::PortRules;
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
    /// The packages by their tag.
    pub packages: BTreeMap<String, Package>,
    /// Mobile operators by their tag.
    pub operators: BTreeMap<String, MobileOperator>,
    /// Where the rented addresses are served, by name.
    pub gateways: BTreeMap<String, Gateway>,
    /// The modems whose exits can be changed, by name.
    pub modems: BTreeMap<String, Modem>,
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
    /// How much each lease may use, unless its product says otherwise.
    pub limits: Limits,
    /// Which ports each lease may connect to, unless its product says otherwise.
    pub ports: PortRules,
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
    /// How much each lease may use.
    pub limits: Limits,
    /// Which ports each lease may connect to.
    pub ports: PortRules,
    /// Whether new orders are taken; extensions always are.
    pub on_sale: bool,
}

/// Addresses of several countries that are sold together, at a price of their own. Its terms are
/// those of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What orders call it.
    pub tag: String,
    /// What people call it.
    pub name: String,
    /// What programs call it that know numbers only; within its kind its own for ever.
    pub number: u32,
    /// The kind of its addresses.
    pub kind: ProxyKind,
    /// The countries of its addresses: at least one, and each once. What cannot be spread over them evenly comes
    /// from the first ones.
    pub countries: Vec<Country>,
    /// How many addresses an order may have, ascending.
    pub quantities: Vec<u32>,
    /// What one of its addresses costs, by currency.
    pub prices: BTreeMap<Currency, PriceList>,
    /// How long an address is kept for its last customer after the end of a lease.
    pub reserve: Span,
    /// How much each lease may use.
    pub limits: Limits,
    /// Which ports each lease may connect to.
    pub ports: PortRules,
    /// Whether new orders are taken; extensions always are.
    pub on_sale: bool,
}

impl Package {
    /// The highest number. Leaves room for others' numbers beside those of packages.
    pub const NUMBER_MAX: u32 = 9_999;

    /// The most countries of a package.
    pub const COUNTRIES_MAX: usize = 40;

    /// The most addresses in an order. With the number of countries it bounds what a batch has to
    /// load.
    pub const QUANTITY_MAX: u32 = 1_000;

    /// What it consists of, country by country.
    pub fn parts(&self) -> impl Iterator<Item = ProductKey> {
        self.countries.iter().map(|country| ProductKey {
            kind: self.kind,
            country: *country,
            operator: None,
            package: Some(self.tag.clone()),
        })
    }
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
    /// The port of addresses that are an endpoint themselves where all is inside TLS. A gateway
    /// that has one understands TLS wherever it speaks HTTP.
    pub https_port: Option<u16>,
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

/// What something is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sold<'a> {
    /// All of a kind that is not a product.
    Kind(ProxyKind),
    /// A product.
    Product(&'a ProductKey),
    /// A package by its tag.
    Package(&'a str),
}

impl Catalogue {
    /// The terms of `kind`; `None` if it is not sold.
    pub fn terms(&self, kind: ProxyKind) -> Option<&Terms> {
        self.terms.get(&kind)
    }

    /// The countries in which `kind` can be ordered, by code; not those of packages.
    pub fn countries(&self, kind: ProxyKind) -> Vec<Country> {
        let on_sale = self.products.values().filter(|product| product.on_sale);
        let mut found: Vec<Country> = on_sale
            .filter(|product| product.key.kind == kind)
            .map(|product| product.key.country)
            .collect();
        found.dedup();
        found
    }

    /// The packages of `kind` that can be ordered, by number.
    pub fn packages(&self, kind: ProxyKind) -> Vec<&Package> {
        let of_kind = |package: &&Package| package.on_sale && package.kind == kind;
        let mut found: Vec<&Package> = self.packages.values().filter(of_kind).collect();
        found.sort_by_key(|package| package.number);
        found
    }

    /// The periods in which `kind` can be rented.
    pub fn periods(&self, kind: ProxyKind) -> &[Period] {
        self.terms(kind).map_or(&[], |terms| &terms.periods)
    }

    /// The price of one address of `key` for `period` in `currency`.
    pub fn price(&self, key: &ProductKey, period: Period, currency: Currency) -> Option<ListPrice> {
        let prices = match &key.package {
            Some(tag) => &self.packages.get(tag).filter(|it| it.kind == key.kind)?.prices,
            None => &self.products.get(key)?.prices,
        };
        let list = prices.get(&currency)?;
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
        let reserve = match &key.package {
            Some(tag) => self.packages.get(tag).map(|package| package.reserve),
            None => self.products.get(key).map(|product| product.reserve),
        };
        reserve.unwrap_or(Span::ZERO)
    }

    /// Whether what was let is served in the same way by `other`.
    pub fn is_served_like(&self, other: &Catalogue) -> bool {
        self.gateways == other.gateways
            && self.modems == other.modems
            && self.uses().eq(other.uses())
    }

    /// How much leases may use, and of which ports, with what that is said of.
    pub fn uses(&self) -> impl Iterator<Item = (Sold<'_>, Limits, &PortRules)> {
        let kinds = self.terms.iter().map(|(kind, it)| (Sold::Kind(*kind), it.limits, &it.ports));
        let products =
            self.products.iter().map(|(key, it)| (Sold::Product(key), it.limits, &it.ports));
        let packages =
            self.packages.iter().map(|(tag, it)| (Sold::Package(tag), it.limits, &it.ports));
        kinds.chain(products).chain(packages)
    }

    /// How much a lease of `key` may use, also when that is no longer sold.
    pub fn limits(&self, key: &ProductKey) -> Limits {
        let limits = match &key.package {
            Some(tag) => self.packages.get(tag).map(|package| package.limits),
            None => self.products.get(key).map(|product| product.limits),
        };
        let of_kind = || self.terms(key.kind).map(|terms| terms.limits);
        limits.or_else(of_kind).unwrap_or_default()
    }

    /// Which ports a lease of `key` may connect to, also when that is no longer sold; nothing if
    /// that is for its gateway alone to say.
    pub fn ports(&self, key: &ProductKey) -> Option<&PortRules> {
        let ports = match &key.package {
            Some(tag) => self.packages.get(tag).map(|package| &package.ports),
            None => self.products.get(key).map(|product| &product.ports),
        };
        ports.or_else(|| self.terms(key.kind).map(|terms| &terms.ports))
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
