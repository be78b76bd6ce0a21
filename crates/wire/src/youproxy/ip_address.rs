//! `GET /ipAddress`: the proxies that a customer has.
//!
//! The addresses of an order stand in an object of their own, and these in one list per type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::date::Date;
use super::problem::Problem;
use super::proxy_type::ProxyType;

/// An order, and those of its addresses that are still rented.
///
/// It has no members `id`, `ip` or `ipAddress`: a client in the field would take it for an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedOrder<'a> {
    /// What `orderIds` takes elsewhere.
    pub order_id: Cow<'a, str>,
    /// The number that `POST /order` has told.
    pub order_number: Cow<'a, str>,
    /// The addresses.
    pub ip_addresses: Vec<ListedAddress<'a>>,
}

/// An address that is rented.
///
/// The server lists a great many, so texts can be borrowed. Which of the optional members are
/// there depends on the type; the others are left out, not `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedAddress<'a> {
    /// What `ipAddressIds` takes elsewhere.
    pub ip_address_id: Cow<'a, str>,
    /// The address itself.
    pub ip_address_ip: Cow<'a, str>,
    /// The order, again, for clients that look for it here.
    pub order_id: Cow<'a, str>,
    /// The type, again, for clients that look for it here.
    pub proxy_type: ProxyType,
    /// The ISO 3166-1 alpha-3 code of the country.
    pub country: Cow<'a, str>,
    /// When the rent began.
    pub date_start: Date,
    /// When it ends.
    pub date_end: Date,
    /// Where the proxy speaks HTTP; not for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_port: Option<Port>,
    /// Where the proxy speaks SOCKS5; not for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socks5_port: Option<Port>,
    /// The only port there is; for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// What it speaks, `HTTP` or `SOCKS`; for IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'a, str>>,
    /// Who may use it.
    pub auth_info: AuthInfo<'a>,
    /// Whether it extends itself.
    pub extend_info: ExtendInfo,
    /// The tag of the operator; for mobile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_operator: Option<Cow<'a, str>>,
    /// Seconds between two changes of address; for mobile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_time: Option<u64>,
    /// A link that changes the address at once; for mobile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reboot_link: Option<Cow<'a, str>>,
}

/// Who may use an address: a login with its password, or a caller's address without either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthInfo<'a> {
    /// The login, if there is one.
    pub login: Option<Cow<'a, str>>,
    /// Its password.
    pub password: Option<Cow<'a, str>>,
    /// The address that needs no login; left out if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Cow<'a, str>>,
}

impl<'a> AuthInfo<'a> {
    /// Use by anyone who knows the login and its password.
    pub fn login(login: impl Into<Cow<'a, str>>, password: impl Into<Cow<'a, str>>) -> Self {
        AuthInfo { login: Some(login.into()), password: Some(password.into()), ip: None }
    }

    /// Use from one address only.
    pub fn ip(ip: impl Into<Cow<'a, str>>) -> Self {
        AuthInfo { login: None, password: None, ip: Some(ip.into()) }
    }
}

/// Whether an address extends itself, and by how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendInfo {
    /// Whether it does.
    pub auto_extend: bool,
    /// The length of each extension, in days; 0 without one.
    pub extend_days: u32,
}

/// A port, which this dialect writes as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u16);

impl Serialize for Port {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Port, D::Error> {
        deserializer.deserialize_any(TextOrNumber)
    }
}

struct TextOrNumber;

impl Visitor<'_> for TextOrNumber {
    type Value = Port;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a port")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Port, E> {
        text.parse().map(Port).map_err(|_| E::custom("not a port"))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Port, E> {
        number.try_into().map(Port).map_err(|_| E::custom("not a port"))
    }
}

/// Which part of a long list an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Which page; the first is 0.
    pub page: u64,
    /// How many addresses a page holds at most.
    pub size: u64,
    /// How many pages there are.
    pub total_pages: u64,
    /// How many addresses there are.
    pub total_elements: u64,
}

/// Answer of `GET /ipAddress` and `GET /ipAddress/page`.
///
/// An answer for one type has the list of that type only, and an answer by pages has the four
/// members of [`Page`]; what an answer does not have is left out, not `null`.
/// A server whose lists are long had better use a [`ListingWriter`](super::ip_address_stream).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IpAddressAnswer<'a> {
    /// Whether there is no `error`.
    pub success: bool,
    /// Orders of type IPv4.
    #[serde(rename = "IPv4", skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<Vec<ListedOrder<'a>>>,
    /// Orders of type IPv6.
    #[serde(rename = "IPv6", skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Vec<ListedOrder<'a>>>,
    /// Orders of type MOBILE.
    #[serde(rename = "MOBILE", skip_serializing_if = "Option::is_none")]
    pub mobile: Option<Vec<ListedOrder<'a>>>,
    /// Orders of type ISP.
    #[serde(rename = "ISP", skip_serializing_if = "Option::is_none")]
    pub isp: Option<Vec<ListedOrder<'a>>>,
    /// See [`Page::page`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<u64>,
    /// See [`Page::size`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// See [`Page::total_pages`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_pages: Option<u64>,
    /// See [`Page::total_elements`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_elements: Option<u64>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl<'a> IpAddressAnswer<'a> {
    /// A list with nothing in it yet, of one type or, with `None`, of all four.
    pub fn listed(only: Option<ProxyType>) -> Self {
        let list = |of| only.is_none_or(|only| only == of).then(Vec::new);
        IpAddressAnswer {
            success: true,
            ipv4: list(ProxyType::Ipv4),
            ipv6: list(ProxyType::Ipv6),
            mobile: list(ProxyType::Mobile),
            isp: list(ProxyType::Isp),
            page: None,
            size: None,
            total_pages: None,
            total_elements: None,
            error: None,
        }
    }

    /// A refusal; its empty lists are those that were asked for, so all if a wrong type was.
    pub fn refused(only: Option<ProxyType>, problem: impl Into<Problem>) -> Self {
        IpAddressAnswer {
            success: false,
            error: Some(problem.into()),
            ..IpAddressAnswer::listed(only)
        }
    }

    /// The same answer, by pages.
    #[must_use]
    pub fn paged(self, page: Page) -> Self {
        IpAddressAnswer {
            page: Some(page.page),
            size: Some(page.size),
            total_pages: Some(page.total_pages),
            total_elements: Some(page.total_elements),
            ..self
        }
    }

    /// The orders of a type; `None` if the answer is not about it.
    pub fn orders(&self, of: ProxyType) -> Option<&[ListedOrder<'a>]> {
        let orders = match of {
            ProxyType::Ipv4 => &self.ipv4,
            ProxyType::Ipv6 => &self.ipv6,
            ProxyType::Mobile => &self.mobile,
            ProxyType::Isp => &self.isp,
        };
        orders.as_deref()
    }

    /// The list to put orders of a type in; `None` if the answer is not about it.
    pub fn orders_mut(&mut self, of: ProxyType) -> Option<&mut Vec<ListedOrder<'a>>> {
        let orders = match of {
            ProxyType::Ipv4 => &mut self.ipv4,
            ProxyType::Ipv6 => &mut self.ipv6,
            ProxyType::Mobile => &mut self.mobile,
            ProxyType::Isp => &mut self.isp,
        };
        orders.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_written_as_a_text_and_read_as_either() {
        assert_eq!(serde_json::to_string(&Port(49_162)).unwrap(), "\"49162\"");
        for json in ["\"49162\"", "49162"] {
            assert_eq!(serde_json::from_str::<Port>(json).unwrap(), Port(49_162));
        }
        for json in ["\"65536\"", "65536", "-1", "\"\"", "null", "1.0"] {
            assert!(serde_json::from_str::<Port>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn use_from_an_address_says_that_there_is_no_login() {
        let json = serde_json::to_string(&AuthInfo::ip("203.0.113.10")).unwrap();
        assert_eq!(json, r#"{"login":null,"password":null,"ip":"203.0.113.10"}"#);
    }
}
