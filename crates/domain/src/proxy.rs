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

/// The ports that a customer connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where HTTP is spoken.
    pub http: u16,
    /// Where SOCKS5 is spoken.
    pub socks: u16,
    /// Where HTTP is spoken inside TLS, if it is.
    pub https: Option<u16>,
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
        let shared = catalogue.gateways.get(gateway).filter(|_| kind.shares_host());
        let host = shared.map_or_else(|| ip.to_string(), |gateway| gateway.host.clone());
        let Ports { http, socks, https } = Ports::new(catalogue, kind, gateway, port);
        Endpoint { host, http_port: http, socks_port: socks, https_port: https }
    }
}

impl Ports {
    /// The ports of a lease of `kind`: those of its `gateway`, or from `port` on its own.
    pub(crate) fn new(catalogue: &Catalogue, kind: ProxyKind, gateway: &str, port: u16) -> Ports {
        let gateway = catalogue.gateways.get(gateway);
        let https = gateway.and_then(|gateway| gateway.https_port);
        if kind.shares_host() {
            // Its port for HTTP understands TLS too.
            return Ports { http: port, socks: port.saturating_add(1), https: https.map(|_| port) };
        }
        let (http, socks) =
            gateway.map_or((0, 0), |gateway| (gateway.http_port, gateway.socks_port));
        Ports { http, socks, https }
    }
}
