//! What can be ordered.

use std::fmt;

use crate::country::Country;
use crate::kind::ProxyKind;

/// Names a product: kind, country and, for mobile, the operator; or a country's part of a package.
/// Written `IPv4/USA`, `MOBILE/USA/verizon` or `IPv4/USA+europe-2`. Without the package it also
/// names the pool of stock that serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductKey {
    /// The kind of proxy.
    pub kind: ProxyKind,
    /// Where it exits.
    pub country: Country,
    /// The mobile operator's tag; `None` unless the kind is `MOBILE`.
    pub operator: Option<String>,
    /// The tag of the package that it is sold as a part of; only kinds that
    /// [are sold in packages](ProxyKind::is_sold_in_packages) have one.
    pub package: Option<String>,
}

impl ProductKey {
    /// Reads `IPv4/USA`, `MOBILE/USA/verizon` or `IPv4/USA+europe-2`.
    pub fn parse(text: &str) -> Option<ProductKey> {
        let mut parts = text.split('/');
        let kind = ProxyKind::from_name(parts.next()?)?;
        let place = parts.next()?;
        let (country, package) =
            place.split_once('+').map_or((place, None), |(country, tag)| (country, Some(tag)));
        let country = Country::from_alpha3(country)?;
        let operator = parts.next().map(str::to_owned);
        let fits = operator.is_some() == (kind == ProxyKind::Mobile)
            && package.is_none_or(|tag| kind.is_sold_in_packages() && is_tag(tag))
            && parts.next().is_none();
        let package = package.map(str::to_owned);
        fits.then_some(ProductKey { kind, country, operator, package })
    }

    /// The pool of stock that serves it: the same without the package.
    pub fn pool(&self) -> ProductKey {
        ProductKey { package: None, ..self.clone() }
    }

    /// Whether all leases of an order must be extended together.
    ///
    /// IPv6 proxies and packages are sold by the order: an extension that leaves some out is
    /// refused.
    pub fn extends_whole_orders(&self) -> bool {
        self.kind == ProxyKind::Ipv6 || self.package.is_some()
    }
}

impl fmt::Display for ProductKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.country)?;
        if let Some(operator) = &self.operator {
            write!(f, "/{operator}")?;
        }
        if let Some(package) = &self.package {
            write!(f, "+{package}")?;
        }
        Ok(())
    }
}

/// Whether `tag` can name a mobile operator, a gateway or the like: 1 to 32 of `a-z0-9-_`.
pub fn is_tag(tag: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=32).contains(&tag.len()) && tag.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_read_as_it_is_written() {
        let parts = ["IPv4/USA+europe-2", "ISP/DEU+eu_isp"];
        for text in ["IPv4/USA", "IPv6/DEU", "MOBILE/USA/verizon", "ISP/GBR"].iter().chain(&parts) {
            assert_eq!(ProductKey::parse(text).unwrap().to_string(), *text);
        }
        let bad_parts = ["IPv6/USA+eu", "MOBILE/USA+eu/verizon", "IPv4/USA+", "IPv4/USA+EU"];
        for bad in ["", "IPv4", "IPv4/USA/verizon", "MOBILE/USA", "IPv9/USA", "IPv4/XXX"]
            .iter()
            .chain(&bad_parts)
        {
            assert_eq!(ProductKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_package_comes_from_the_pool_of_its_country() {
        let part = ProductKey::parse("ISP/DEU+eu").unwrap();
        assert_eq!(part.pool().to_string(), "ISP/DEU");
        for (text, whole) in [("ISP/DEU+eu", true), ("IPv6/DEU", true), ("ISP/DEU", false)] {
            assert_eq!(ProductKey::parse(text).unwrap().extends_whole_orders(), whole, "{text}");
        }
    }
}
