//! Sections and what is on sale in them.

use domain::catalogue::{Catalogue, MobileOperator, Package};
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

/// The section in which a proxy of this kind is found.
pub(super) fn section(kind: ProxyKind, in_package: bool) -> Section {
    match (kind, in_package) {
        (ProxyKind::Isp, true) => Section::MixIsp,
        (_, true) => Section::Mix,
        (ProxyKind::Ipv4, false) => Section::Ipv4,
        (ProxyKind::Ipv6, false) => Section::Ipv6,
        (ProxyKind::Mobile, false) => Section::Mobile,
        (ProxyKind::Isp, false) => Section::Isp,
    }
}

/// Whether a section is sold in packages.
pub(super) fn is_mixed(section: Section) -> bool {
    matches!(section, Section::Mix | Section::MixIsp)
}

/// The tag of the package that is called so, by its tag or its number.
pub(super) fn package(catalogue: &Catalogue, section: Section, name: &str) -> Option<String> {
    let kind = kind(section)?;
    let number = wire::lenient::digits(name);
    let named = |package: &&Package| {
        let numbered = choices::package_number(section, package.number);
        package.tag == name || numbered.is_some() && numbered == number
    };
    let packages = catalogue.packages.values().filter(|package| package.kind == kind);
    packages.into_iter().find(named).map(|package| package.tag.clone())
}

/// The mobile operators on sale in a country.
pub(super) fn operators(catalogue: &Catalogue, country: Country) -> Vec<&MobileOperator> {
    let on_sale = |operator: &&MobileOperator| {
        let key = ProductKey {
            kind: ProxyKind::Mobile,
            country,
            operator: Some(operator.tag.clone()),
            package: None,
        };
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
