//! `GET proxy/list` and `GET proxy/list/{type}`

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::id::Id;

/// Data of `GET proxy/list`: a list for each section, empty ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists<'a> {
    /// Data-centre addresses.
    pub ipv4: Vec<ProxyItem<'a>>,
    /// IPv6 exits behind a shared host.
    pub ipv6: Vec<ProxyItem<'a>>,
    /// Modems.
    pub mobile: Vec<ProxyItem<'a>>,
    /// Addresses of consumer networks.
    pub isp: Vec<ProxyItem<'a>>,
    /// Data-centre addresses of packages.
    pub mix: Vec<ProxyItem<'a>>,
    /// Addresses of consumer networks, of packages.
    pub mix_isp: Vec<ProxyItem<'a>>,
    /// Residential traffic, of which nothing is listed so.
    pub resident: Vec<ProxyItem<'a>>,
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyItem<'a> {
    /// The proxy. A number as a text in v1.
    pub id: Id,
    /// Its order. A number as a text in v1.
    pub order_id: Id,
    /// The number of its order, which changes when it is prolonged.
    pub order_number: Cow<'a, str>,
    /// The number of its order, which does not; in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_order_number: Option<Cow<'a, str>>,
    /// The part of its order. A number as a text in v1.
    pub basket_id: Id,
    /// Where it is reached; of one that is reached by a port of its own only, with the port.
    pub ip: Cow<'a, str>,
    /// Where it is reached, without a port.
    pub ip_only: Cow<'a, str>,
    /// `HTTP` or, of one that speaks nothing else, `SOCKS5`.
    pub protocol: Cow<'a, str>,
    /// The port for SOCKS5.
    pub port_socks: u16,
    /// The port for HTTP.
    pub port_http: u16,
    /// The login; empty if an address may use it.
    pub login: Cow<'a, str>,
    /// The password; empty if an address may use it.
    pub password: Cow<'a, str>,
    /// The address that may use it without a password, or nothing.
    pub auth_ip: Cow<'a, str>,
    /// Minutes between two changes of a mobile exit, or nothing.
    pub rotation: Cow<'a, str>,
    /// Where a mobile exit is rotated, or `#`.
    pub link_reboot: Cow<'a, str>,
    /// The name of the country.
    pub country: Cow<'a, str>,
    /// Its ISO 3166-1 alpha-3 code.
    pub country_alpha3: Cow<'a, str>,
    /// How it stands, in words.
    pub status: Cow<'a, str>,
    /// `ACTIVE`, or `ENDED` while it can be prolonged still.
    pub status_type: Cow<'a, str>,
    /// Whether it can be prolonged.
    pub can_prolong: CanProlong,
    /// The day on which it began.
    pub date_start: Cow<'a, str>,
    /// The day on which it ends.
    pub date_end: Cow<'a, str>,
    /// The customer's note.
    pub comment: Cow<'a, str>,
    /// Whether it is prolonged by itself: `Y` or `N`.
    pub auto_renew: Cow<'a, str>,
    /// By how long, such as `1m`; empty if it is not.
    pub auto_renew_period: Cow<'a, str>,
    /// Whether an option is on that is not offered; in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_uptime: Option<bool>,
}

/// Whether a proxy can be prolonged, as each version writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CanProlong {
    /// 1 or 0, in v1.
    Number(u8),
    /// In v2.
    Flag(bool),
}
