//! Where traffic may go.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, Result};
use engine::engine::Engine;
use gateway::host;
use gateway::policy::Rules;
use gateway::ranges::Prefix;

use super::Options;

/// The rules of a gateway beside the server that listens at `http`: this machine is closed. In a
/// sandbox, where nothing is real, its loopback is open but for what we listen on ourselves.
pub(super) fn rules(engine: &Engine, options: &Options, http: SocketAddr) -> Result<Rules> {
    let sandbox = engine.is_sandbox();
    let own = host::addresses().context("the addresses of this machine cannot be listed")?;
    let own = own.into_iter().filter(|ip| !(sandbox && ip.to_canonical().is_loopback()));
    let mut allow = options.allow_destinations.clone();
    if sandbox {
        let loopback = Prefix::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8);
        allow.push(loopback.expect("no bits are set behind it"));
        allow.push(Prefix::from(std::net::IpAddr::from(Ipv6Addr::LOCALHOST)));
    }
    let gateways = engine.catalogue();
    let ports = gateways.gateways.values().flat_map(|it| [it.http_port, it.socks_port]);
    let everywhere = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    Ok(Rules {
        own: own.map(Prefix::from).collect(),
        own_listeners: ports.map(everywhere).chain([http]).collect(),
        deny: options.deny_destinations.clone(),
        allow,
        ..Rules::default()
    })
}
