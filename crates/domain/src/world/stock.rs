//! What a batch knows of stock, and what it takes and gives back.

use std::collections::BTreeMap;

use super::World;
use crate::address::Address;
use crate::ids::{AddressId, LeaseId};
use crate::product::ProductKey;
use crate::stock;
use crate::time::Time;

impl World {
    /// How many addresses of `pool` can be had, up to `most`.
    pub(crate) fn available(&self, pool: &ProductKey, most: u32) -> u32 {
        let Some(stock) = self.pools.get(pool) else { return 0 };
        let mut found = u32::try_from(stock.free.len()).map_or(most, |free| free.min(most));
        let mut ports = self.next_ports.clone();
        for prefix in &stock.prefixes {
            for _ in prefix.drawn..prefix.capacity() {
                if found == most || self.take_port(&mut ports, &prefix.gateway, pool).is_none() {
                    break;
                }
                found += 1;
            }
        }
        found
    }

    /// Whether so many addresses can be had of each of these pools, which are all different.
    pub(crate) fn has_stock_for<'p>(
        &self,
        pools: impl IntoIterator<Item = (&'p ProductKey, usize)>,
    ) -> bool {
        let mut ports = self.next_ports.clone();
        pools.into_iter().all(|(pool, quantity)| {
            let Some(stock) = self.pools.get(pool) else { return false };
            let mut missing = quantity.saturating_sub(stock.free.len());
            for prefix in &stock.prefixes {
                for _ in prefix.drawn..prefix.capacity() {
                    if missing == 0 || self.take_port(&mut ports, &prefix.gateway, pool).is_none() {
                        break;
                    }
                    missing -= 1;
                }
            }
            missing == 0
        })
    }

    /// Takes `quantity` addresses of `pool`, which has them, one for each of the leases from
    /// `first` on.
    pub(crate) fn take_stock(
        &mut self,
        pool: &ProductKey,
        quantity: u32,
        first: LeaseId,
    ) -> Vec<AddressId> {
        let leases: Vec<LeaseId> = (first.0..first.0 + i64::from(quantity)).map(LeaseId).collect();
        self.take_stock_for(pool, &leases)
    }

    /// Takes an address of `pool`, which has as many, for each of these leases.
    pub(crate) fn take_stock_for(
        &mut self,
        pool: &ProductKey,
        leases: &[LeaseId],
    ) -> Vec<AddressId> {
        let mut stock = self.pools.remove(pool).expect("the caller has seen that it has enough");
        let quantity = leases.len();
        let chosen = stock::choose(&stock.free, quantity);
        let mut taken: Vec<AddressId> = chosen.iter().map(|index| stock.free[*index].id).collect();
        for (address, lease) in taken.iter().zip(leases) {
            self.changes.addresses_taken.insert(*address, *lease);
        }
        let mut kept: Vec<Option<Address>> = stock.free.into_iter().map(Some).collect();
        for index in chosen {
            kept[index] = None;
        }
        stock.free = kept.into_iter().flatten().collect();
        for prefix in &mut stock.prefixes {
            while taken.len() < quantity && prefix.drawn < prefix.capacity() {
                let mut ports = std::mem::take(&mut self.next_ports);
                let port = self.take_port(&mut ports, &prefix.gateway, pool);
                self.next_ports = ports;
                let Some(port) = port else { break };
                let ip = prefix.address(prefix.drawn).expect("it is within the capacity").into();
                prefix.drawn += 1;
                self.changes.prefixes.insert(prefix.id, prefix.drawn);
                let id = AddressId(self.next.address);
                self.next.address += 1;
                self.changes.addresses_new.push(Address {
                    id,
                    pool: pool.clone(),
                    ip,
                    gateway: prefix.gateway.clone(),
                    port,
                    rank: stock::rank(ip, 0),
                    lease: Some(leases[taken.len()]),
                    free_at: Time::EPOCH,
                });
                taken.push(id);
            }
        }
        if pool.kind.shares_host() {
            self.changes.next_ports = self.next_ports.clone();
        }
        self.pools.insert(pool.clone(), stock);
        assert_eq!(taken.len(), quantity, "the caller has seen that there are enough");
        taken
    }

    /// The next pair of ports of a gateway's shared host, or 0 where an address needs none.
    fn take_port(
        &self,
        ports: &mut BTreeMap<String, u16>,
        gateway: &str,
        pool: &ProductKey,
    ) -> Option<u16> {
        if !pool.kind.shares_host() {
            return Some(0);
        }
        let (first, last) = self.catalogue.gateways.get(gateway)?.shared_ports;
        let next = ports.get(gateway).copied().unwrap_or(first).max(first);
        if next >= last {
            return None;
        }
        // Past the last port there is is past the last one of any gateway.
        ports.insert(gateway.to_owned(), next.saturating_add(2));
        Some(next)
    }

    /// Sends an address back to stock. If it was taken in this batch, that is as if it never was.
    pub(crate) fn free_address(&mut self, address: AddressId, free_at: Time) {
        self.changes.addresses_taken.remove(&address);
        let new = self.changes.addresses_new.iter_mut().find(|new| new.id == address);
        if let Some(new) = new {
            (new.lease, new.free_at) = (None, free_at);
            return;
        }
        self.changes.addresses_freed.insert(address, free_at);
    }
}
