//! Where traffic may go. The numeric address decides, after resolution, and the connection is made
//! to exactly the address that was judged.
//!
//! Nothing is open that is not on the public internet, however it is spelled or wrapped. An
//! operator may close more, and may open inner networks by name of their prefix.

mod embedded;
mod lease_ports;
mod list;
mod names;
mod ports;
mod special;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

pub use self::lease_ports::LeasePorts;
pub use self::list::{List, ListError, PortRange};
pub use self::names::{Names, NamesError};
pub use self::ports::Ports;
use crate::ranges::{Prefix, RangeSet};
use crate::refusal::Refusal;
use crate::target::Name;

/// Names that never leave this machine or its network, or are nobody's (RFC 6761, RFC 6762,
/// RFC 8375, and the private domain of RFC-less custom).
const INNER_NAMES: &[&str] = &[
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".in-addr.arpa",
    ".ip6.arpa",
    ".invalid",
    ".test",
    ".onion",
    ".alt",
];

/// How bytes are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Connections.
    Tcp,
    /// Datagrams.
    Udp,
}

/// What an operator says about destinations. The default closes all that is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Addresses of this machine and of the platform, exits among them: closed, whatever else is
    /// said, on every port.
    pub own: Vec<Prefix>,
    /// Listeners of this machine and of the platform on addresses that `allow` may open. One on
    /// the unspecified address closes its port on every address that is open by `allow` alone.
    pub own_listeners: Vec<SocketAddr>,
    /// Closed, even if allowed.
    pub deny: Vec<Prefix>,
    /// Open, although not on the public internet.
    pub allow: Vec<Prefix>,
    /// Names that are closed, whatever their addresses.
    pub deny_names: Names,
    /// Names that are asked of DNS although they look like inner ones. Their addresses are judged
    /// like all others.
    pub allow_names: Names,
    /// Prefixes of translators from IPv6 to IPv4 near this gateway (RFC 6052), besides the
    /// well-known one: an address in them is judged by the IPv4 address that it carries, too.
    pub nat64: Vec<Prefix>,
    /// Ports that connections may go to.
    pub tcp: Ports,
    /// Ports that datagrams may go to.
    pub udp: Ports,
    /// Ports that connections of a lease may go to that has them for itself, although `tcp` closes
    /// them.
    pub openable: Ports,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            own: Vec::new(),
            own_listeners: Vec::new(),
            deny: Vec::new(),
            allow: Vec::new(),
            deny_names: Names::default(),
            allow_names: Names::default(),
            nat64: Vec::new(),
            tcp: Ports::standard_tcp(),
            udp: Ports::standard_udp(),
            openable: Ports::all(),
        }
    }
}

/// The rules, compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    closed: RangeSet,
    deny: RangeSet,
    allow: RangeSet,
    own_listeners: HashSet<SocketAddr>,
    own_ports: HashSet<u16>,
    inner_names: Names,
    deny_names: Names,
    allow_names: Names,
    nat64: Vec<Prefix>,
    tcp: Ports,
    udp: Ports,
    openable: Ports,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::new(Rules::default())
    }
}

impl Policy {
    /// Compiles the rules.
    pub fn new(rules: Rules) -> Policy {
        let allow = RangeSet::new(rules.allow);
        let (own_ports, own_listeners): (HashSet<_>, HashSet<_>) =
            rules.own_listeners.into_iter().partition(|listener| listener.ip().is_unspecified());
        Policy {
            closed: special::CLOSED.without(&allow),
            deny: RangeSet::new(rules.own.into_iter().chain(rules.deny)),
            allow,
            own_listeners: own_listeners
                .into_iter()
                .map(|listener| SocketAddr::new(listener.ip().to_canonical(), listener.port()))
                .collect(),
            own_ports: own_ports.into_iter().map(|listener| listener.port()).collect(),
            inner_names: Names::new(INNER_NAMES.iter().copied()).unwrap_or_default(),
            deny_names: rules.deny_names,
            allow_names: rules.allow_names,
            nat64: rules.nat64,
            tcp: rules.tcp,
            udp: rules.udp,
            openable: rules.openable,
        }
    }

    /// Judges a name before anybody is asked about it. A name without a dot is one of some inner
    /// network, which a search list would complete.
    pub fn judge_name(&self, name: &Name) -> Result<(), Refusal> {
        let inner = self.inner_names.contains(name) || !name.as_str().contains('.');
        if self.deny_names.contains(name) || inner && !self.allow_names.contains(name) {
            return Err(Refusal::DestinationNotAllowed);
        }
        Ok(())
    }

    /// Judges a port before anybody is asked about the name that goes with it, for a lease that
    /// says `own` of ports.
    pub fn judge_port(
        &self,
        port: u16,
        transport: Transport,
        own: Option<&LeasePorts>,
    ) -> Result<(), Refusal> {
        let open = match transport {
            Transport::Tcp => {
                let is_allowed = || own.is_some_and(|own| own.allows(port));
                self.tcp.contains(port) || self.openable.contains(port) && is_allowed()
            }
            Transport::Udp => self.udp.contains(port),
        };
        if open && !own.is_some_and(|own| own.denies(port)) {
            Ok(())
        } else {
            Err(Refusal::PortNotAllowed)
        }
    }

    /// Judges an address and its port, for a lease that says `own` of ports. Connect to the address
    /// that comes back, and to no other: a mapped address comes back as the IPv4 address that it is.
    pub fn judge(
        &self,
        to: SocketAddr,
        transport: Transport,
        own: Option<&LeasePorts>,
    ) -> Result<SocketAddr, Refusal> {
        let to = SocketAddr::new(to.ip().to_canonical(), to.port());
        self.judge_port(to.port(), transport, own)?;
        let closed = self.is_closed(to)
            || match to.ip() {
                IpAddr::V4(_) => false,
                IpAddr::V6(address) => self.carries_closed(address, to.port()),
            };
        if closed { Err(Refusal::DestinationNotAllowed) } else { Ok(to) }
    }

    fn is_closed(&self, to: SocketAddr) -> bool {
        let address = to.ip();
        self.closed.contains(address)
            || self.deny.contains(address)
            || !self.own_listeners.is_empty() && self.own_listeners.contains(&to)
            || self.allow.contains(address) && self.own_ports.contains(&to.port())
    }

    fn carries_closed(&self, address: Ipv6Addr, port: u16) -> bool {
        embedded::carries(address, &self.nat64, |carried| {
            self.is_closed(SocketAddr::new(carried.into(), port))
        })
    }
}
