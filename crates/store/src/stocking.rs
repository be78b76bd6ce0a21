//! Putting addresses into stock.

use std::collections::BTreeMap;

use domain::address::Address;
use domain::catalogue::Catalogue;
use domain::ids::AddressId;
use domain::stock::rank;
use domain::time::Time;

use crate::Result;
use crate::error::Error;
use crate::records::{NewAddress, Stocked};

/// Makes addresses of what is put into stock, one after another.
#[derive(Debug)]
pub(crate) struct Stocking<'c> {
    pub(crate) catalogue: &'c Catalogue,
    pub(crate) now: Time,
    /// The id of the next address.
    pub(crate) next_address: i64,
    /// The next port of the shared host of each gateway that has given one.
    pub(crate) next_ports: BTreeMap<String, u16>,
    /// What has become of the addresses so far.
    pub(crate) stocked: Stocked,
}

impl Stocking<'_> {
    /// Passes over an address that is in stock already.
    pub(crate) fn pass_over(&mut self) {
        self.stocked.known += 1;
    }

    /// The address that a new one becomes. Fails if its kind shares a host that has no port left.
    pub(crate) fn add(&mut self, new: &NewAddress) -> Result<Address> {
        let NewAddress { pool, ip, slot, gateway, modem: _ } = new;
        let port = if pool.kind.shares_host() { self.take_port(gateway)? } else { 0 };
        let id = AddressId(self.next_address);
        self.next_address += 1;
        self.stocked.added += 1;
        Ok(Address {
            id,
            pool: pool.clone(),
            ip: *ip,
            gateway: gateway.clone(),
            port,
            rank: rank(*ip, *slot),
            lease: None,
            free_at: self.now,
        })
    }

    /// The next pair of ports at the shared host of a gateway.
    fn take_port(&mut self, gateway: &str) -> Result<u16> {
        let port = self.catalogue.gateways.get(gateway).and_then(|known| {
            let (first, last) = known.shared_ports;
            let port = self.next_ports.get(gateway).copied().unwrap_or(first).max(first);
            (port < last).then_some(port)
        });
        let port =
            port.ok_or_else(|| Error::Fault(format!("no port is left at {gateway}").into()))?;
        self.next_ports.insert(gateway.to_owned(), port.saturating_add(2));
        Ok(port)
    }
}
