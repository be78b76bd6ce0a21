//! How addresses of leases were replaced, and the exits that addresses are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use domain::ids::{AddressId, CustomerId, LeaseId};
use domain::journal::Event;
use domain::replace::Replacement;

use super::books::Books;

impl Books {
    pub(super) fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Vec<Replacement> {
        let mut list = Vec::new();
        for entry in self.entries.values().filter(|it| it.customer == customer) {
            let Event::Replacement { leases, .. } = &entry.event else { continue };
            if let Some(it) = leases.iter().find(|it| it.lease == lease) {
                let [from, to] = [it.from, it.to].map(|id| self.addresses[&id].address.ip);
                list.extend(Replacement::of(entry.clone(), from, to));
            }
        }
        list
    }

    pub(super) fn exits(&self, addresses: &BTreeSet<AddressId>) -> BTreeMap<AddressId, IpAddr> {
        let ip = |id: &AddressId| Some((*id, self.addresses.get(id)?.address.ip));
        addresses.iter().filter_map(ip).collect()
    }
}
