//! Packages of several countries.

use std::collections::BTreeMap;

use domain::catalogue::{Catalogue, Package};
use domain::country::Country;
use domain::kind::ProxyKind;
use domain::product::{ProductKey, is_tag};
use domain::time::Span;
use toml::Spanned;

use super::check::{ascending, country, kind};
use super::limits::limits;
use super::place::{Fault, Read};
use super::ports::ports;
use super::products::{every_period_has_a_price, every_price_has_a_period, prices, reserve};
use super::raw;

/// Adds what one `[[packages]]` describes. The products are known.
pub(super) fn add(
    catalogue: &mut Catalogue,
    reserves: &BTreeMap<ProxyKind, Span>,
    place: &Spanned<raw::Package>,
) -> Read<()> {
    let raw = place.get_ref();
    let tag = raw.tag.get_ref();
    if !is_tag(tag) {
        let says = format!("package {tag:?}: a tag is 1 to 32 of a-z, 0-9, - and _");
        return Err(Fault::at(&raw.tag, says));
    }
    let whose = format!("package {tag}");
    let name = raw.name.get_ref().trim();
    if name.is_empty() || name.chars().count() > 64 {
        return Err(Fault::at(&raw.name, format!("{whose}: a name has 1 to 64 letters")));
    }
    let kind = sold_kind(&whose, &raw.kind)?;
    let Some(usual) = reserves.get(&kind) else {
        let says = format!("{whose} is of kind {kind}, but there is no [kinds.{kind}]");
        return Err(Fault::at(&raw.kind, says));
    };
    let package = Package {
        tag: tag.clone(),
        name: name.to_owned(),
        number: number(catalogue, &whose, kind, &raw.number)?,
        kind,
        countries: countries(catalogue, &whose, kind, &raw.countries)?,
        quantities: quantities(&whose, &raw.quantities)?,
        prices: prices(&whose, &raw.per_day, &raw.per_period)?,
        reserve: reserve(&whose, raw.reserve_hours.as_ref(), *usual)?,
        limits: limits(&whose, &raw.limits, catalogue.terms[&kind].limits)?,
        ports: ports(
            &whose,
            raw.allow_ports.as_ref(),
            raw.deny_ports.as_ref(),
            &catalogue.terms[&kind].ports,
        )?,
        on_sale: raw.on_sale.unwrap_or(true),
    };
    let part = package.parts().next().expect("it has a country");
    if catalogue.packages.insert(tag.clone(), package).is_some() {
        let says = format!("{whose} is described twice; tags are unique");
        return Err(Fault::at(&raw.tag, says));
    }
    let prices = &catalogue.packages[tag].prices;
    every_period_has_a_price(catalogue, &whose, &part, prices, place)?;
    every_price_has_a_period(catalogue, &whose, kind, &raw.per_period)
}

/// A kind that packages can be made of.
fn sold_kind(whose: &str, name: &raw::Text) -> Read<ProxyKind> {
    let kind = kind(name)?;
    if !kind.is_sold_in_packages() {
        let says = format!("{whose} is of kind {kind}; packages are of IPv4 or ISP");
        return Err(Fault::at(name, says));
    }
    Ok(kind)
}

/// A number that no other package of the kind has.
fn number(catalogue: &Catalogue, whose: &str, kind: ProxyKind, number: &Spanned<u32>) -> Read<u32> {
    let (value, most) = (*number.get_ref(), Package::NUMBER_MAX);
    if !(1..=most).contains(&value) {
        let says = format!("{whose}: number {value} is not within 1 to {most}");
        return Err(Fault::at(number, says));
    }
    let alike = |other: &&Package| (other.kind, other.number) == (kind, value);
    if let Some(other) = catalogue.packages.values().find(alike) {
        let says = format!("{whose}: package {} of {kind} has the number {value}", other.tag);
        return Err(Fault::at(number, says));
    }
    Ok(value)
}

fn quantities(whose: &str, list: &Spanned<Vec<Spanned<u32>>>) -> Read<Vec<u32>> {
    if list.get_ref().is_empty() {
        return Err(Fault::at(list, format!("{whose} has no quantities")));
    }
    ascending(whose, "quantity", list, 1, Package::QUANTITY_MAX)
}

/// Countries, each once, whose stock is sold as a product too: what a package is served with
/// belongs to one.
fn countries(
    catalogue: &Catalogue,
    whose: &str,
    kind: ProxyKind,
    list: &Spanned<Vec<raw::Text>>,
) -> Read<Vec<Country>> {
    let mut countries: Vec<Country> = Vec::new();
    for written in list.get_ref() {
        let country = country(written)?;
        if countries.contains(&country) {
            return Err(Fault::at(written, format!("{whose} has {country} twice")));
        }
        let pool = ProductKey { kind, country, operator: None, package: None };
        if !catalogue.products.contains_key(&pool) {
            let says = format!(
                "{whose}: there is no product {pool} whose stock could serve it; write \
                 one, with on_sale = false if it is not to be had by itself"
            );
            return Err(Fault::at(written, says));
        }
        countries.push(country);
    }
    let most = Package::COUNTRIES_MAX;
    if !(1..=most).contains(&countries.len()) {
        let count = countries.len();
        return Err(Fault::at(list, format!("{whose} has {count} countries, not 1 to {most}")));
    }
    Ok(countries)
}
