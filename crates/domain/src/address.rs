//! Exits in stock.

use std::net::{IpAddr, Ipv6Addr};

use crate::ids::{AddressId, LeaseId, PrefixId};
use crate::product::ProductKey;
use crate::time::Time;

/// One rentable exit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The id.
    pub id: AddressId,
    /// The pool it belongs to.
    pub pool: ProductKey,
    /// The exit.
    pub ip: IpAddr,
    /// The name of the gateway that serves it.
    pub gateway: String,
    /// Its HTTP port at a shared host, whose next is its SOCKS port; 0 if it is an endpoint itself.
    pub port: u16,
    /// Its place in the order in which addresses are let; see [`crate::stock::rank`].
    pub rank: i64,
    /// Who has it.
    pub lease: Option<LeaseId>,
    /// From when on it may be let again, after cooling.
    pub free_at: Time,
}

/// A routed IPv6 prefix from which addresses are drawn as they are let.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The id.
    pub id: PrefixId,
    /// The pool it serves.
    pub pool: ProductKey,
    /// The first address.
    pub base: Ipv6Addr,
    /// The number of leading bits that are fixed: 0 to 128.
    pub length: u8,
    /// The name of the gateway it is routed to.
    pub gateway: String,
    /// How many addresses have been drawn.
    pub drawn: i64,
}

/// What stock can give to a pool's next orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Free addresses, cooled, by rank. Enough for the orders they were loaded for, or all.
    pub free: Vec<Address>,
    /// Prefixes to draw more from.
    pub prefixes: Vec<Prefix>,
}
