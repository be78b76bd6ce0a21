//! Addresses and prefixes to let.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::address::Prefix;
use domain::ids::PrefixId;
use domain::time::Time;

use super::books::{Books, Exit};
use super::next;
use crate::Result;
use crate::records::{NewAddress, NewPrefix, StockLine, Stocked};
use crate::stock_lines::StockLines;
use crate::stocking::Stocking;

impl Books {
    pub(super) fn add_addresses(&mut self, new: &[NewAddress], now: Time) -> Result<Stocked> {
        let by_hand = |exit: &Exit| exit.slot.map(|slot| (exit.address.ip, slot));
        let mut there: BTreeSet<_> = self.addresses.values().filter_map(by_hand).collect();
        let catalogue = Arc::clone(&self.catalogue);
        let mut stocking = Stocking {
            catalogue: &catalogue,
            now,
            next_address: self.next.address,
            next_ports: self.next_ports.clone(),
            stocked: Stocked::default(),
        };
        let (mut added, mut moved) = (Vec::<Exit>::new(), Vec::new());
        for it in new {
            if there.insert((it.ip, it.slot)) {
                let (address, modem) = (stocking.add(it)?, it.modem.clone());
                added.push(Exit { address, slot: Some(it.slot), modem });
            } else {
                stocking.pass_over();
                moved.extend(it.modem.clone().map(|modem| (it.ip, it.slot, modem)));
            }
        }
        self.next.address = stocking.next_address;
        self.next_ports = stocking.next_ports;
        self.addresses.extend(added.into_iter().map(|exit| (exit.address.id, exit)));
        for (ip, slot, modem) in moved {
            let mut exits = self.addresses.values_mut();
            let exit = exits.find(|exit| exit.address.ip == ip && exit.slot == Some(slot));
            if let Some(exit) = exit.filter(|exit| exit.modem.as_ref() != Some(&modem)) {
                exit.modem = Some(modem.clone());
                self.note_changed(&modem);
            }
        }
        Ok(stocking.stocked)
    }

    pub(super) fn add_prefix(&mut self, new: &NewPrefix) -> bool {
        if self.prefixes.values().any(|it| (it.base, it.length) == (new.base, new.length)) {
            return false;
        }
        let id = PrefixId(next(self.prefixes.keys().map(|id| id.0)));
        let NewPrefix { pool, base, length, gateway } = new.clone();
        self.prefixes.insert(id, Prefix { id, pool, base, length, gateway, drawn: 0 });
        true
    }

    pub(super) fn stock(&self, now: Time) -> Vec<StockLine> {
        let mut lines = StockLines::default();
        for Exit { address, .. } in self.addresses.values() {
            let line = lines.at(address.pool.clone(), address.gateway.clone());
            match address.lease {
                Some(_) => line.leased += 1,
                None if now < address.free_at => line.cooling += 1,
                None => line.free += 1,
            }
        }
        self.prefixes.values().cloned().for_each(|prefix| lines.add_undrawn(prefix));
        lines.into_lines()
    }
}
