//! What kind of proxy is rented.

use std::fmt;

/// A kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProxyKind {
    /// A data-centre IPv4 address of its own.
    Ipv4,
    /// An IPv6 exit behind a shared host.
    Ipv6,
    /// A modem's slot.
    Mobile,
    /// An IPv4 address of a consumer network.
    Isp,
}

impl ProxyKind {
    /// Every kind, in the order in which lists show them.
    pub const ALL: [ProxyKind; 4] =
        [ProxyKind::Ipv4, ProxyKind::Ipv6, ProxyKind::Mobile, ProxyKind::Isp];

    /// The name: `IPv4`, `IPv6`, `MOBILE` or `ISP`.
    pub fn name(self) -> &'static str {
        match self {
            ProxyKind::Ipv4 => "IPv4",
            ProxyKind::Ipv6 => "IPv6",
            ProxyKind::Mobile => "MOBILE",
            ProxyKind::Isp => "ISP",
        }
    }

    /// The kind with this name, in any letter case.
    pub fn from_name(name: &str) -> Option<ProxyKind> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Whether packages of several countries can be made of it.
    pub fn is_sold_in_packages(self) -> bool {
        matches!(self, ProxyKind::Ipv4 | ProxyKind::Isp)
    }

    /// Whether customers reach it at a host that many leases share, by a port of its own, rather
    /// than at its own address.
    pub fn shares_host(self) -> bool {
        matches!(self, ProxyKind::Ipv6 | ProxyKind::Mobile)
    }
}

impl fmt::Display for ProxyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
