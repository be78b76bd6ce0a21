//! The kinds of proxy on sale, and `GET /proxyType`.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problem::Problem;

/// A kind of proxy, as this dialect names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProxyType {
    /// An IPv4 address of a data centre.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A line of a mobile operator.
    Mobile,
    /// An IPv4 address of an internet provider.
    Isp,
}

impl ProxyType {
    /// All four, in the order in which the dialect lists them.
    pub const ALL: [ProxyType; 4] =
        [ProxyType::Ipv4, ProxyType::Ipv6, ProxyType::Mobile, ProxyType::Isp];

    /// The type of that name, in any letter case.
    pub fn from_name(name: &str) -> Option<ProxyType> {
        ProxyType::ALL.into_iter().find(|proxy_type| proxy_type.name().eq_ignore_ascii_case(name))
    }

    /// The name, spelled as the dialect spells it.
    pub fn name(self) -> &'static str {
        match self {
            ProxyType::Ipv4 => "IPv4",
            ProxyType::Ipv6 => "IPv6",
            ProxyType::Mobile => "MOBILE",
            ProxyType::Isp => "ISP",
        }
    }
}

impl fmt::Display for ProxyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for ProxyType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ProxyType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ProxyType, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        ProxyType::from_name(&name).ok_or_else(|| serde::de::Error::custom("unknown proxy type"))
    }
}

/// Answer of `GET /proxyType`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyTypeAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// The kinds of proxy; empty on error.
    pub proxy_types: Vec<ProxyType>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl ProxyTypeAnswer {
    /// The kinds of proxy on sale.
    pub fn listed(proxy_types: Vec<ProxyType>) -> ProxyTypeAnswer {
        ProxyTypeAnswer { success: true, proxy_types, error: None }
    }

    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> ProxyTypeAnswer {
        ProxyTypeAnswer { success: false, proxy_types: Vec::new(), error: Some(problem.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_in_any_letter_case_and_nothing_more() {
        for name in ["IPv4", "ipv4", "IPV4"] {
            assert_eq!(ProxyType::from_name(name), Some(ProxyType::Ipv4));
        }
        assert_eq!(ProxyType::from_name("Mobile"), Some(ProxyType::Mobile));
        for name in ["", "IPv5", "IPv4,IPv6", " IPv4", "ıSP"] {
            assert_eq!(ProxyType::from_name(name), None, "{name}");
        }
    }
}
