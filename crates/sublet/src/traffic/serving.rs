//! A gateway, with its listeners, as it is told what to serve.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feed::stream::{Change, Entry, Port};
use gateway::{Fresh, Gateway, Speaks, Table, Unfit};

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
    stand: Arc<Stand>,
}

/// How far a gateway is.
#[derive(Debug, Default)]
pub(crate) struct Stand {
    /// Whether everything that there is was told to the gateway.
    pub(super) is_told: AtomicBool,
    /// Whether another process listens in the place of this one, or is about to: then nothing is
    /// opened or closed here.
    is_still: AtomicBool,
}

impl Stand {
    /// From now on listeners are opened and closed as it has to be, or stay as they are.
    pub(super) fn be_still(&self, is_still: bool) {
        self.is_still.store(is_still, Ordering::Release);
    }

    fn is_still(&self) -> bool {
        self.is_still.load(Ordering::Acquire)
    }
}

/// All that is to be served, gathered beside what is.
pub(crate) struct Whole {
    fresh: Fresh,
    /// The ports of leases that have some for themselves.
    ports: HashMap<u64, Vec<(u16, Speaks)>>,
}

impl Whole {
    /// One lease more. Of two with one id the last one counts.
    pub(crate) fn put(&mut self, entry: &Entry) {
        self.fresh.put(&entry.lease);
        self.ports.remove(&entry.lease.id);
        if !entry.ports.is_empty() {
            self.ports.insert(entry.lease.id, ports(entry));
        }
    }

    /// The lease with this id is not among them, though it may have been put.
    pub(crate) fn remove(&mut self, id: u64) {
        self.fresh.remove(id);
        self.ports.remove(&id);
    }
}

impl Serving {
    /// Nothing is served so far.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        table: Arc<Table>,
        counts: Arc<api::Traffic>,
        secure: bool,
    ) -> Serving {
        let listeners = Listeners::new(Arc::clone(&gateway), secure);
        let (counted, listened) = (Instant::now(), Instant::now());
        let stand = Arc::default();
        Serving { gateway, table, listeners, counts, counted, listened, stand }
    }

    /// How far it is.
    pub(crate) fn stand(&self) -> Arc<Stand> {
        Arc::clone(&self.stand)
    }

    /// Listens where it has to be listened, unless it is not its turn.
    fn settle(&mut self) {
        if !self.stand.is_still() {
            self.listeners.settle();
        }
    }

    /// Listens nowhere until [`Serving::take_turn`], and then with the listeners of the process
    /// before this one.
    pub(crate) fn wait_behind(&mut self, inherited: Vec<TcpListener>) -> io::Result<()> {
        self.stand.be_still(true);
        self.gateway.inherit(inherited)
    }

    /// Listens from now on, wherever it has to.
    pub(crate) fn take_turn(&mut self) {
        self.stand.be_still(false);
        self.settle();
        close_unused(&self.gateway);
    }

    /// Gives the listeners out once more, for another process, and opens and closes none any more,
    /// until [`Serving::take_turn`].
    pub(crate) fn lend(&self) -> io::Result<Vec<OwnedFd>> {
        self.stand.be_still(true);
        self.gateway.lend()
    }

    /// Listens nowhere any more, and lets what is open go on.
    pub(crate) fn leave(&self) {
        self.stand.be_still(true);
        self.gateway.drain();
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
        self.settle();
    }

    /// Begins to say all that is to be served.
    pub(crate) fn whole(&self) -> Whole {
        Whole { fresh: self.gateway.fresh(), ports: HashMap::new() }
    }

    /// Serves these leases and no others.
    pub(crate) fn replace(&mut self, whole: Whole) {
        let unfit = self.gateway.replace(whole.fresh);
        self.tell(&unfit);
        self.listeners.clear_all();
        for (lease, ports) in &whole.ports {
            self.listeners.set(*lease, ports);
        }
        self.settle();
    }

    /// Listens at these ports for many leases.
    pub(crate) fn listen<'a>(&mut self, common: impl IntoIterator<Item = &'a Port>) {
        self.listeners.common(common.into_iter().map(known));
        self.settle();
    }

    /// Takes no new connections until it is told otherwise. Those that are open go on.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.listeners.pause(paused);
        self.settle();
    }

    /// Where is listened for many leases.
    pub(crate) fn listening(&self) -> Vec<SocketAddr> {
        self.listeners.listening()
    }

    /// Brings numbers together, and tries again what has failed, now and then. `is_told` says
    /// whether everything that there is was told.
    pub(crate) fn count(&mut self, is_told: bool) {
        self.stand.is_told.store(is_told, Ordering::Release);
        let unheard = u64::try_from(self.listeners.unheard()).unwrap_or(u64::MAX);
        self.counts.unheard.store(unheard, Ordering::Relaxed);
        let is_ready = is_told && unheard == 0;
        self.counts.is_ready.store(is_ready, Ordering::Relaxed);
        // What was to be opened or closed while it was not its turn.
        self.settle();
        if unheard > 0 && !self.stand.is_still() && self.listened.elapsed() >= LISTEN_AGAIN {
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
        let refused = self.gateway.refusal_counts().into_iter();
        self.counts.set_refused(refused.map(|(why, count)| (why.wording().code, count)).collect());
    }

    fn tell(&self, unfit: &[Unfit]) {
        for unfit in unfit {
            tracing::error!("The gateway cannot serve a lease: {unfit}");
        }
        let unfit = u64::try_from(unfit.len()).unwrap_or(u64::MAX);
        self.counts.unfit.fetch_add(unfit, Ordering::Relaxed);
    }
}

/// Closes what was taken over and at which nobody is served any more.
pub(super) fn close_unused(gateway: &Gateway) {
    let unused = gateway.disinherit();
    if unused > 0 {
        tracing::info!("Nobody is served any more at {unused} ports that were taken over");
    }
}

/// The ports that a lease has for itself.
fn ports(entry: &Entry) -> Vec<(u16, Speaks)> {
    entry.ports.iter().map(known).collect()
}

/// A port as the gateway knows it.
fn known(port: &Port) -> (u16, Speaks) {
    let speaks = match port.speaks {
        feed::stream::Speaks::Http => Speaks::Http,
        feed::stream::Speaks::Socks5 => Speaks::Socks5,
        feed::stream::Speaks::Tls => Speaks::Tls,
        feed::stream::Speaks::Both => Speaks::Both,
    };
    (port.port, speaks)
}
