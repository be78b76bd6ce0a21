//! A lease as its customer sees it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::kind::ProxyKind;
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
    /// The modem that it exits through, where that is known.
    pub modem: Option<String>,
    /// How often the link that rotates it was replaced by another one.
    pub reboot_epoch: u32,
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
    /// Where it speaks HTTP inside TLS, if its gateway does.
    pub https_port: Option<u16>,
}

impl Proxy {
    /// Where the customer connects to.
    pub fn endpoint(&self, catalogue: &Catalogue) -> Endpoint {
        Endpoint::new(catalogue, self.lease.product.kind, self.ip, &self.gateway, self.port)
    }
}

impl Endpoint {
    /// The endpoint of a lease of `kind`: the exit `ip` itself, or a `port` of its own at the
    /// shared host of its `gateway`.
    pub(crate) fn new(
        catalogue: &Catalogue,
        kind: ProxyKind,
        ip: IpAddr,
        gateway: &str,
        port: u16,
    ) -> Endpoint {
        let gateway = catalogue.gateways.get(gateway);
        if kind.shares_host() {
            let host = gateway.map_or_else(|| ip.to_string(), |gateway| gateway.host.clone());
            // Its port for HTTP understands TLS too.
            let https_port = gateway.and_then(|gateway| gateway.https_port).map(|_| port);
            return Endpoint {
                host,
                http_port: port,
                socks_port: port.saturating_add(1),
                https_port,
            };
        }
        Endpoint {
            host: ip.to_string(),
            http_port: gateway.map_or(0, |gateway| gateway.http_port),
            socks_port: gateway.map_or(0, |gateway| gateway.socks_port),
            https_port: gateway.and_then(|gateway| gateway.https_port),
        }
    }
}
