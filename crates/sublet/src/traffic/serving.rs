//! A gateway, with its listeners, as it is told what to serve.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use feed::stream::{Change, Entry, Port};
use gateway::{Gateway, Speaks, Table, Unfit};

use super::listeners::Listeners;

/// How often numbers for the metrics are brought together.
const COUNT: Duration = Duration::from_secs(1);

/// How long is waited before it is tried again to listen where that has failed.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// A gateway, with its listeners, as it is told what to serve.
pub(crate) struct Serving {
    pub(crate) gateway: Arc<Gateway>,
    table: Arc<Table>,
    listeners: Listeners,
    pub(crate) counts: Arc<api::Traffic>,
    counted: Instant,
    listened: Instant,
}

impl Serving {
    /// Nothing is served so far.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        table: Arc<Table>,
        counts: Arc<api::Traffic>,
    ) -> Serving {
        let listeners = Listeners::new(Arc::clone(&gateway));
        let (counted, listened) = (Instant::now(), Instant::now());
        Serving { gateway, table, listeners, counts, counted, listened }
    }

    /// Serves leases as they are now.
    pub(crate) fn take(&mut self, changes: &[Change]) {
        let unfit = self.gateway.apply(changes.iter().map(|change| match change {
            Change::Put(entry) => gateway::Change::Put(&entry.lease),
            Change::Remove(id) => gateway::Change::Remove(*id),
        }));
        self.tell(&unfit);
        for change in changes {
            match change {
                Change::Put(entry) => self.listeners.set(entry.lease.id, &ports(entry)),
                Change::Remove(id) => self.listeners.clear(*id),
            }
        }
        self.listeners.settle();
    }

    /// Serves these leases and no others. The table is built beside the one in force, so that nobody
    /// is refused meanwhile.
    pub(crate) fn replace(&mut self, entries: &[&Entry]) {
        let unfit = self.gateway.replace(entries.iter().map(|entry| &entry.lease));
        self.tell(&unfit);
        self.listeners.clear_all();
        for entry in entries {
            self.listeners.set(entry.lease.id, &ports(entry));
        }
        self.listeners.settle();
    }

    /// Listens at these ports for many leases.
    pub(crate) fn listen(&mut self, common: BTreeSet<u16>) {
        self.listeners.common(common);
        self.listeners.settle();
    }

    /// Takes no new connections until it is told otherwise. Those that are open go on.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.listeners.pause(paused);
        self.listeners.settle();
    }

    /// Where is listened for many leases.
    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        self.listeners.listening()
    }

    /// Brings numbers together, and tries again what has failed, now and then. `is_told` says
    /// whether everything that there is was told.
    pub(crate) fn count(&mut self, is_told: bool) {
        let unheard = u64::try_from(self.listeners.unheard()).unwrap_or(u64::MAX);
        self.counts.unheard.store(unheard, Ordering::Relaxed);
        let is_ready = is_told && unheard == 0;
        self.counts.is_ready.store(is_ready, Ordering::Relaxed);
        if unheard > 0 && self.listened.elapsed() >= LISTEN_AGAIN {
            self.listeners.try_again();
            self.listened = Instant::now();
        }
        if self.counted.elapsed() < COUNT {
            return;
        }
        self.counted = Instant::now();
        let leases = u64::try_from(self.table.len()).unwrap_or(u64::MAX);
        self.counts.leases.store(leases, Ordering::Relaxed);
        let connections = self.gateway.connections().into();
        self.counts.connections.store(connections, Ordering::Relaxed);
    }

    fn tell(&self, unfit: &[Unfit]) {
        for unfit in unfit {
            tracing::error!("The gateway cannot serve a lease: {unfit}");
        }
        let unfit = u64::try_from(unfit.len()).unwrap_or(u64::MAX);
        self.counts.unfit.fetch_add(unfit, Ordering::Relaxed);
    }
}

/// The ports that a lease has for itself.
fn ports(entry: &Entry) -> Vec<(u16, Speaks)> {
    let known = |port: &Port| match port.speaks {
        feed::stream::Speaks::Http => (port.port, Speaks::Http),
        feed::stream::Speaks::Socks5 => (port.port, Speaks::Socks5),
        feed::stream::Speaks::Both => (port.port, Speaks::Both),
    };
    entry.ports.iter().map(known).collect()
}
