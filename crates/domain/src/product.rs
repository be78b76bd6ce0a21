//! What can be ordered.

use std::fmt;

use crate::country::Country;
use crate::kind::ProxyKind;

/// Names a product, and the pool of stock that serves it: kind, country and, for mobile, the
/// operator. Written `IPv4/USA` or `MOBILE/USA/verizon`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductKey {
    /// The kind of proxy.
    pub kind: ProxyKind,
    /// Where it exits.
    pub country: Country,
    /// The mobile operator's tag; `None` unless the kind is `MOBILE`.
    pub operator: Option<String>,
}

impl ProductKey {
    /// Reads `IPv4/USA` or `MOBILE/USA/verizon`.
    pub fn parse(text: &str) -> Option<ProductKey> {
        let mut parts = text.split('/');
        let kind = ProxyKind::from_name(parts.next()?)?;
        let country = Country::from_alpha3(parts.next()?)?;
        let operator = parts.next().map(str::to_owned);
        let fits = operator.is_some() == (kind == ProxyKind::Mobile) && parts.next().is_none();
        fits.then_some(ProductKey { kind, country, operator })
    }

    /// The pool of stock that serves it.
    pub fn pool(&self) -> ProductKey {
        self.clone()
    }
}

impl fmt::Display for ProductKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.country)?;
        if let Some(operator) = &self.operator {
            write!(f, "/{operator}")?;
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
        for text in ["IPv4/USA", "IPv6/DEU", "MOBILE/USA/verizon", "ISP/GBR"] {
            assert_eq!(ProductKey::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "IPv4", "IPv4/USA/verizon", "MOBILE/USA", "IPv9/USA", "IPv4/XXX"] {
            assert_eq!(ProductKey::parse(bad), None, "{bad}");
        }
    }
}
