//! A lease as its customer sees it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::lease::Lease;
use crate::order::Order;

/// A lease with all that is needed to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The lease.
    pub lease: Lease,
    /// What it was bought with.
    pub order: Arc<Order>,
    /// The exit.
    pub ip: IpAddr,
    /// The name of the gateway that serves it.
    pub gateway: String,
    /// Its port at a shared host; 0 if it is an endpoint itself.
    pub port: u16,
}

/// Where a customer connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host or address.
    pub host: String,
    /// Where it speaks HTTP.
    pub http_port: u16,
    /// Where it speaks SOCKS5.
    pub socks_port: u16,
}

impl Proxy {
    /// Where the customer connects to: the address itself, or a port of its own at the gateway's
    /// shared host.
    pub fn endpoint(&self, catalogue: &Catalogue) -> Endpoint {
        let gateway = catalogue.gateways.get(&self.gateway);
        if self.lease.product.kind.shares_host() {
            let host = gateway.map_or_else(|| self.ip.to_string(), |gateway| gateway.host.clone());
            let socks_port = self.port.saturating_add(1);
            return Endpoint { host, http_port: self.port, socks_port };
        }
        Endpoint {
            host: self.ip.to_string(),
            http_port: gateway.map_or(0, |gateway| gateway.http_port),
            socks_port: gateway.map_or(0, |gateway| gateway.socks_port),
        }
    }
}
