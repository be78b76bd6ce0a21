//! Sections and what is on sale in them.

use domain::catalogue::{Catalogue, MobileOperator};
use domain::country::Country;
use domain::kind::ProxyKind;
use domain::product::ProductKey;
use wire::proxyseller::section::Section;

use super::choices;

/// The kind of proxy that a section has; `None` if nothing of it is offered at all.
pub(super) fn kind(section: Section) -> Option<ProxyKind> {
    match section {
        Section::Ipv4 | Section::Mix => Some(ProxyKind::Ipv4),
        Section::Ipv6 => Some(ProxyKind::Ipv6),
        Section::Mobile => Some(ProxyKind::Mobile),
        Section::Isp | Section::MixIsp => Some(ProxyKind::Isp),
        Section::Resident | Section::Scraper => None,
    }
}

/// The mobile operators on sale in a country.
pub(super) fn operators(catalogue: &Catalogue, country: Country) -> Vec<&MobileOperator> {
    let on_sale = |operator: &&MobileOperator| {
        let key =
            ProductKey { kind: ProxyKind::Mobile, country, operator: Some(operator.tag.clone()) };
        catalogue.products.get(&key).is_some_and(|product| product.on_sale)
    };
    catalogue.operators.values().filter(on_sale).collect()
}

/// The tag of the operator that is called so, by its tag or its number.
pub(super) fn operator(catalogue: &Catalogue, name: &str) -> Option<String> {
    if catalogue.operators.contains_key(name) {
        return Some(name.to_owned());
    }
    let number: u64 = name.parse().ok()?;
    let mut tags = catalogue.operators.keys();
    tags.find(|tag| choices::operator_number(tag) == number).cloned()
}
