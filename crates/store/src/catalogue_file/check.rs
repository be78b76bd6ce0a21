//! From the file's form to the catalogue, with everything that the parts ask of each other.

use std::collections::BTreeMap;

use domain::catalogue::Catalogue;
use domain::country::Country;
use domain::kind::ProxyKind;
use toml::Spanned;

use super::place::{Fault, Read};
use super::raw::{File, Text};
use super::{gateways, modems, packages, products, terms};

/// The catalogue that `file` says.
pub(super) fn catalogue(file: &File, version: i64) -> Read<Catalogue> {
    let mut catalogue = Catalogue { version, ..Catalogue::default() };
    for (name, gateway) in &file.gateways {
        let gateway = gateways::gateway(name, gateway)?;
        catalogue.gateways.insert(gateway.name.clone(), gateway);
    }
    let mut reserves = BTreeMap::new();
    for (name, raw) in &file.kinds {
        let kind = kind(name)?;
        if catalogue.terms.insert(kind, terms::terms(kind, raw)?).is_some() {
            return Err(Fault::at(name, format!("kind {kind} is described twice")));
        }
        reserves.insert(kind, terms::reserve(kind, raw)?);
    }
    for raw in &file.operators {
        let operator = terms::operator(raw)?;
        let tag = operator.tag.clone();
        if catalogue.operators.insert(tag.clone(), operator).is_some() {
            let says = format!("mobile operator {tag:?} is described twice; tags are unique");
            return Err(Fault::at(&raw.tag, says));
        }
    }
    for raw in &file.modems {
        let modem = modems::modem(&catalogue, raw)?;
        let name = modem.name.clone();
        if catalogue.modems.insert(name.clone(), modem).is_some() {
            let says = format!("modem {name:?} is described twice; names are unique");
            return Err(Fault::at(&raw.name, says));
        }
    }
    for raw in &file.products {
        products::add(&mut catalogue, &reserves, raw)?;
    }
    for raw in &file.packages {
        packages::add(&mut catalogue, &reserves, raw)?;
    }
    if let (true, Some(first)) = (catalogue.gateways.is_empty(), file.products.first()) {
        let says = "there are products but no [gateways.NAME] that could serve them";
        return Err(Fault::at(first, says));
    }
    Ok(catalogue)
}

/// The kind with this name.
pub(super) fn kind(name: &Text) -> Read<ProxyKind> {
    let known = || ProxyKind::ALL.map(ProxyKind::name).join(", ");
    ProxyKind::from_name(name.get_ref()).ok_or_else(|| {
        Fault::at(name, format!("unknown kind {:?}; known: {}", name.get_ref(), known()))
    })
}

/// The country with this code.
pub(super) fn country(code: &Text) -> Read<Country> {
    Country::from_alpha3(code.get_ref()).ok_or_else(|| {
        let hint = "three letters of ISO 3166-1 are expected, such as \"USA\"";
        Fault::at(code, format!("unknown country {:?}; {hint}", code.get_ref()))
    })
}

/// Numbers in ascending order, each once, each within `fewest..=most`.
pub(super) fn ascending(
    whose: &str,
    what: &str,
    list: &Spanned<Vec<Spanned<u32>>>,
    fewest: u32,
    most: u32,
) -> Read<Vec<u32>> {
    let mut numbers: Vec<u32> = Vec::new();
    for number in list.get_ref() {
        let value = *number.get_ref();
        if !(fewest..=most).contains(&value) {
            let says = format!("{whose}: {what} {value} is not within {fewest} to {most}");
            return Err(Fault::at(number, says));
        }
        if let Some(last) = numbers.last().filter(|last| value <= **last) {
            let says = format!("{whose}: {what} {value} follows {last}; they must ascend");
            return Err(Fault::at(number, says));
        }
        numbers.push(value);
    }
    if numbers.is_empty() {
        return Err(Fault::at(list, format!("{whose}: the list of {what}s is empty")));
    }
    Ok(numbers)
}
