//! Where traffic may go.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result};
use gateway::host;
use gateway::policy::{List, Names, PortRange, Ports, Rules};
use gateway::ranges::Prefix;

use super::Manners;

/// Where a gateway is.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Whether nothing is real there.
    pub(crate) sandbox: bool,
    /// Where we listen ourselves.
    pub(crate) own_listeners: Vec<SocketAddr>,
}

/// The rules of a gateway: its machine is closed. In a sandbox, where nothing is real, its loopback
/// is open but for what we listen on ourselves.
pub(super) fn rules(site: &Site, options: &Manners, lists: &[List]) -> Result<Rules> {
    let Site { sandbox, own_listeners } = site.clone();
    let own = host::addresses().context("the addresses of this machine cannot be listed")?;
    let own = own.into_iter().filter(|ip| !(sandbox && ip.to_canonical().is_loopback()));
    let mut allow = options.allow_destinations.clone();
    if sandbox {
        let loopback = Prefix::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8);
        allow.push(loopback.expect("no bits are set behind it"));
        allow.push(Prefix::from(std::net::IpAddr::from(Ipv6Addr::LOCALHOST)));
    }
    let patterns = lists.iter().flat_map(|list| &list.names).map(String::as_str);
    let open = |ports: Ports, range: &PortRange| ports.with(range.0.clone());
    let closed = |ports: Ports, range: &RangeInclusive<u16>| ports.without(range.clone());
    let closing: Vec<_> = lists
        .iter()
        .flat_map(|list| &list.ports)
        .chain(options.deny_ports.iter().map(|range| &range.0))
        .collect();
    let tcp = options.allow_ports.iter().fold(Ports::standard_tcp(), open);
    let listed = lists.iter().flat_map(|list| &list.prefixes);
    Ok(Rules {
        own: own.map(Prefix::from).collect(),
        own_listeners,
        deny: options.deny_destinations.iter().chain(listed).copied().collect(),
        deny_names: Names::new(patterns)?,
        tcp: closing.iter().copied().fold(tcp, closed),
        openable: closing.iter().copied().fold(Ports::all(), closed),
        udp: closing.iter().copied().fold(Ports::standard_udp(), closed),
        allow,
        ..Rules::default()
    })
}
