//! Where traffic may go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context as _, Result};
use gateway::host;
use gateway::policy::Rules;
use gateway::ranges::Prefix;

use super::Destinations;

/// The rules of a gateway on a machine where we listen at `own` ourselves: this machine is closed.
/// In a sandbox, where nothing is real, its loopback is open but for that.
pub(crate) fn rules(
    sandbox: bool,
    destinations: &Destinations,
    own_listeners: Vec<SocketAddr>,
) -> Result<Rules> {
    let own = host::addresses().context("the addresses of this machine cannot be listed")?;
    let own = own.into_iter().filter(|ip| !(sandbox && ip.to_canonical().is_loopback()));
    let mut allow = destinations.allow_destinations.clone();
    if sandbox {
        let loopback = Prefix::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8);
        allow.push(loopback.expect("no bits are set behind it"));
        allow.push(Prefix::from(IpAddr::from(Ipv6Addr::LOCALHOST)));
    }
    Ok(Rules {
        own: own.map(Prefix::from).collect(),
        own_listeners,
        deny: destinations.deny_destinations.clone(),
        allow,
        ..Rules::default()
    })
}
