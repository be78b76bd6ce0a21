//! Products and their prices.

use std::collections::BTreeMap;

use domain::catalogue::{Catalogue, PriceList, Product};
use domain::country::Country;
use domain::kind::ProxyKind;
use domain::money::{Currency, UnitPrice};
use domain::product::ProductKey;
use domain::time::Span;
use toml::Spanned;

use super::check::{country, kind};
use super::limits::limits;
use super::place::{Fault, Read};
use super::ports::ports;
use super::raw::{self, Decimal, Text};
use super::terms::hours;

/// Adds what one `[[products]]` describes, a product for each of its countries.
pub(super) fn add(
    catalogue: &mut Catalogue,
    reserves: &BTreeMap<ProxyKind, Span>,
    raw: &Spanned<raw::Product>,
) -> Read<()> {
    let place = raw;
    let raw = raw.get_ref();
    let kind = kind(&raw.kind)?;
    let Some(usual) = reserves.get(&kind) else {
        let says = format!("a product is of kind {kind}, but there is no [kinds.{kind}]");
        return Err(Fault::at(&raw.kind, says));
    };
    for (country, written) in countries(place)? {
        let operator = operator(catalogue, kind, country, raw, place)?;
        let key = ProductKey { kind, country, operator, package: None };
        let whose = format!("product {key}");
        let product = Product {
            key: key.clone(),
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
        if catalogue.products.insert(key.clone(), product).is_some() {
            return Err(Fault::at(written, format!("{whose} is described twice")));
        }
        let prices = &catalogue.products[&key].prices;
        every_period_has_a_price(catalogue, &whose, &key, prices, place)?;
        every_price_has_a_period(catalogue, &whose, kind, &raw.per_period)?;
    }
    Ok(())
}

/// The countries of a product, each with where it is written.
fn countries(place: &Spanned<raw::Product>) -> Read<Vec<(Country, &Text)>> {
    let raw = place.get_ref();
    let written: Vec<&Text> = match (&raw.country, &raw.countries) {
        (Some(one), None) => vec![one],
        (None, Some(several)) if !several.get_ref().is_empty() => {
            several.get_ref().iter().collect()
        }
        (None, Some(empty)) => return Err(Fault::at(empty, "a product has no countries")),
        (None, None) => {
            let says = "a product needs country = \"USA\" or countries = [\"USA\", \"DEU\"]";
            return Err(Fault::at(place, says));
        }
        (Some(_), Some(several)) => {
            return Err(Fault::at(several, "a product has either country or countries, not both"));
        }
    };
    written.into_iter().map(|text| Ok((country(text)?, text))).collect()
}

/// The mobile operator of a product, which must be one of its country.
fn operator(
    catalogue: &Catalogue,
    kind: ProxyKind,
    country: Country,
    raw: &raw::Product,
    place: &Spanned<raw::Product>,
) -> Read<Option<String>> {
    match (&raw.operator, kind == ProxyKind::Mobile) {
        (None, false) => Ok(None),
        (None, true) => {
            let says = format!("product {kind}/{country} needs operator = \"TAG\"");
            Err(Fault::at(place, says))
        }
        (Some(tag), false) => {
            let says = format!("product {kind}/{country} has an operator, which only MOBILE has");
            Err(Fault::at(tag, says))
        }
        (Some(text), true) => {
            let tag = text.get_ref();
            let says = match catalogue.operators.get(tag) {
                Some(known) if known.country == country => return Ok(Some(tag.clone())),
                Some(known) => format!(
                    "product {kind}/{country}: mobile operator {tag} is one of {}, not of {country}",
                    known.country
                ),
                None => format!(
                    "product {kind}/{country}: there is no mobile operator {tag:?} under \
                     [[operators]]"
                ),
            };
            Err(Fault::at(text, says))
        }
    }
}

/// How long an address is kept, if that is said, and not as long as is usual for its kind.
pub(super) fn reserve(whose: &str, raw: Option<&Spanned<u32>>, usual: Span) -> Read<Span> {
    let usual = u32::try_from(usual.millis() / Span::HOUR.millis()).unwrap_or(0);
    hours(whose, "reserve_hours", raw, usual)
}

/// The prices of one address.
pub(super) fn prices(
    whose: &str,
    per_day: &raw::PerDay,
    per_period: &raw::PerPeriod,
) -> Read<BTreeMap<Currency, PriceList>> {
    let mut prices: BTreeMap<Currency, PriceList> = BTreeMap::new();
    for (code, written) in per_day {
        let list = prices.entry(currency(whose, code)?).or_default();
        if list.per_day.replace(price(whose, written)?).is_some() {
            return Err(Fault::at(code, format!("{whose}: two prices per day in one currency")));
        }
    }
    for (code, by_days) in per_period {
        let list = prices.entry(currency(whose, code)?).or_default();
        for (days, written) in by_days {
            let text = days.get_ref();
            let count = text.parse::<u32>().map_err(|_| {
                Fault::at(days, format!("{whose}: a period is a number of days, not {text:?}"))
            })?;
            if list.per_period.insert(count, price(whose, written)?).is_some() {
                return Err(Fault::at(days, format!("{whose}: two prices for {count} days")));
            }
        }
    }
    Ok(prices)
}

fn currency(whose: &str, code: &Text) -> Read<Currency> {
    Currency::from_code(code.get_ref()).ok_or_else(|| {
        let hint = "a code of ISO 4217 is expected, such as USD";
        Fault::at(code, format!("{whose}: unknown currency {:?}; {hint}", code.get_ref()))
    })
}

fn price(whose: &str, written: &Spanned<Decimal>) -> Read<UnitPrice> {
    let text = &written.get_ref().0;
    UnitPrice::parse(text).ok_or_else(|| {
        let hint = "a plain decimal with at most six decimals is expected, such as \"0.05\"";
        Fault::at(written, format!("{whose}: unusable price {text:?}; {hint}"))
    })
}

/// A period that is on sale can be bought in some currency at least.
pub(super) fn every_period_has_a_price<T>(
    catalogue: &Catalogue,
    whose: &str,
    key: &ProductKey,
    prices: &BTreeMap<Currency, PriceList>,
    place: &Spanned<T>,
) -> Read<()> {
    if prices.is_empty() {
        let hint = "per_day.USD = \"0.05\" or per_period.USD = { \"30\" = \"1.31\" }";
        return Err(Fault::at(place, format!("{whose} has no price; write {hint}")));
    }
    for period in catalogue.periods(key.kind) {
        let priced = |currency: &Currency| catalogue.price(key, *period, *currency).is_some();
        if !prices.keys().any(priced) {
            let (days, kind) = (period.days(), key.kind);
            let says = format!("{whose} has no price for {days} days, a period of {kind}");
            return Err(Fault::at(place, says));
        }
    }
    Ok(())
}

/// A price that nobody can ever pay is a slip.
pub(super) fn every_price_has_a_period(
    catalogue: &Catalogue,
    whose: &str,
    kind: ProxyKind,
    per_period: &raw::PerPeriod,
) -> Read<()> {
    let periods = catalogue.periods(kind);
    for days in per_period.values().flat_map(BTreeMap::keys) {
        let sold = |text: &String| {
            text.parse().is_ok_and(|days: u32| periods.iter().any(|period| period.days() == days))
        };
        if !sold(days.get_ref()) {
            let days_said = days.get_ref();
            let says =
                format!("{whose} has a price for {days_said} days, which is no period of {kind}");
            return Err(Fault::at(days, says));
        }
    }
    Ok(())
}
