//! The part of what is served that one gateway has to know.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::served::Served;
use engine::served;
use feed::stream::{Change, Entry, Port, Speaks};
use sha2::{Digest as _, Sha256};

use super::lease;

/// The part of what is served that one gateway has to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slice {
    /// Which gateways of the catalogue it is; if none is named, all.
    pub(crate) names: BTreeSet<String>,
    /// The catalogue that leases are told by.
    pub(crate) catalogue: Arc<Catalogue>,
}

impl Slice {
    /// Whether it is told as by another catalogue.
    pub(crate) fn is_as_by(&self, other: &Catalogue) -> bool {
        self.catalogue.is_served_like(other)
    }

    /// What a change is for it. What is another's is not served here.
    pub(crate) fn change(&self, change: &served::Change) -> Change {
        match change {
            served::Change::Set(served) => match self.entry(served) {
                Some(entry) => Change::Put(entry),
                None => Change::Remove(lease::id(served.lease)),
            },
            served::Change::Gone(id) => Change::Remove(lease::id(*id)),
        }
    }

    /// A lease as it has to know it; nothing if it is another's.
    pub(crate) fn entry(&self, served: &Served) -> Option<Entry> {
        let is_here = self.is_here(&served.gateway);
        is_here.then(|| lease::entry(served, &self.catalogue)).flatten()
    }

    /// The ports at which it listens for many leases.
    pub(crate) fn common(&self) -> BTreeSet<Port> {
        let here = self.catalogue.gateways.values().filter(|gateway| self.is_here(&gateway.name));
        let ports = here.flat_map(|gateway| {
            let both = [gateway.http_port, gateway.socks_port].map(|port| (port, Speaks::Both));
            both.into_iter().chain(gateway.https_port.map(|port| (port, Speaks::Tls)))
        });
        ports.map(|(port, speaks)| Port { port, speaks }).collect()
    }

    /// What tells what all leases are told by from what they would be told by otherwise.
    pub(crate) fn stamp(&self) -> String {
        let Catalogue { gateways, modems, .. } = &*self.catalogue;
        let uses: Vec<_> = self.catalogue.uses().collect();
        let told_by = format!("{:?}{gateways:?}{modems:?}{uses:?}", self.names);
        let hash = Sha256::digest(told_by.as_bytes());
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_here(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.contains(name)
    }
}
