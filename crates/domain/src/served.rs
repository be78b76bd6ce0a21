//! A lease as its gateway has to know it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::access::Access;
use crate::catalogue::Catalogue;
use crate::ids::{CustomerId, LeaseId, OrderId};
use crate::kind::ProxyKind;
use crate::limits::Exception;
use crate::order::Protocol;
use crate::product::ProductKey;
use crate::proxy::{Endpoint, Ports};
use crate::time::Time;

/// A lease that is not over, with all that is needed to carry its traffic. There may be a million:
/// what many have in common, they share, and what few have takes no room in the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The lease.
    pub lease: LeaseId,
    /// What it was bought with.
    pub order: OrderId,
    /// Whose it is.
    pub customer: CustomerId,
    /// Whether its customer is suspended: then nothing passes.
    pub suspended: bool,
    /// Its kind.
    pub kind: ProxyKind,
    /// What it was bought as.
    pub product: Arc<ProductKey>,
    /// What it speaks, if only one of the two.
    pub protocol: Option<Protocol>,
    /// The exit.
    pub ip: IpAddr,
    /// The modem that it exits through, where that is known.
    pub modem: Option<Box<Through>>,
    /// The name of the gateway that serves it.
    pub gateway: Arc<str>,
    /// Its port at a shared host; 0 if it is an endpoint itself.
    pub port: u16,
    /// When it ends. From that moment on nothing passes, whatever the books have noted.
    pub ends_at: Time,
    /// How its customer is known: any of these lets him in.
    pub access: Arc<[Access]>,
    /// What the operator has said of how much it may use, if anything.
    pub exception: Option<Box<Exception>>,
}

/// A modem as far as it matters for the traffic that goes through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Through {
    /// What the catalogue calls it.
    pub name: String,
    /// The exit that it has, if it was told.
    pub exit: Option<IpAddr>,
    /// How many exits it has had. What was begun through another one is over.
    pub exits: u32,
    /// Whether it is just about to get another one: then nothing new is begun.
    pub dialing: bool,
}

/// Where a lease is among all that are served.
pub type Place = (CustomerId, ProxyKind, LeaseId);

impl Served {
    /// Where it is among all that are served.
    pub fn place(&self) -> Place {
        (self.customer, self.kind, self.lease)
    }

    /// Where its customer connects to.
    pub fn endpoint(&self, catalogue: &Catalogue) -> Endpoint {
        Endpoint::new(catalogue, self.kind, self.ip, &self.gateway, self.port)
    }

    /// The ports of that: gateways need no more, and there are many leases.
    pub fn ports(&self, catalogue: &Catalogue) -> Ports {
        Ports::new(catalogue, self.kind, &self.gateway, self.port)
    }
}
