//! Who keeps the gateway in step with the books.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::catalogue::Catalogue;
use domain::served::Served;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::served::{Change, Follower};
use gateway::{Gateway, Table};

use super::lease;
use super::listeners::Listeners;

/// How often numbers for the metrics are brought together.
const COUNT: Duration = Duration::from_secs(1);

/// How long is waited before it is tried again to listen where that has failed.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);

/// How long is waited when the books cannot be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Who keeps a gateway in step with the books.
pub(super) struct Keeper {
    engine: Engine,
    gateway: Arc<Gateway>,
    table: Arc<Table>,
    /// Which gateways of the catalogue this one is; if none is named, all.
    names: BTreeSet<String>,
    listeners: Listeners,
    /// The catalogue that leases were served by.
    catalogue: Arc<Catalogue>,
    /// Whether everything that there is was told by that catalogue.
    is_told: bool,
    /// Who tells what changes.
    follower: Option<Follower>,
    counts: Arc<api::Traffic>,
    counted: Instant,
    listened: Instant,
    stand: Arc<Stand>,
}

/// How far a keeper is.
#[derive(Debug, Default)]
pub(super) struct Stand {
    /// Whether everything that there is was told to the gateway.
    pub(super) is_told: AtomicBool,
    /// Whether another process listens from now on, or is about to: then nothing is opened or
    /// closed here.
    pub(super) is_leaving: AtomicBool,
}

impl Keeper {
    /// Nothing is served so far.
    pub(super) fn new(
        engine: Engine,
        gateway: Arc<Gateway>,
        table: Arc<Table>,
        names: BTreeSet<String>,
        counts: Arc<api::Traffic>,
        secure: bool,
    ) -> Keeper {
        let listeners = Listeners::new(Arc::clone(&gateway), secure);
        let (counted, listened) = (Instant::now(), Instant::now());
        Keeper {
            engine,
            gateway,
            table,
            names,
            listeners,
            catalogue: Arc::default(),
            is_told: false,
            follower: None,
            counts,
            counted,
            listened,
            stand: Arc::default(),
        }
    }

    /// How far it is.
    pub(super) fn stand(&self) -> Arc<Stand> {
        Arc::clone(&self.stand)
    }

    /// Serves what there is; says where it is listened for many leases. What fails is tried again
    /// by [`Keeper::keep`].
    pub(super) async fn begin(&mut self) -> Vec<SocketAddr> {
        // Whatever broke was told where it did.
        let _ = self.step().await;
        self.count();
        self.listeners.listening()
    }

    /// Goes on, until it is aborted.
    pub(super) async fn keep(mut self) {
        loop {
            if let Some(follower) = &mut self.follower {
                follower.wait().await;
            }
            if self.step().await.is_err() {
                self.counts.is_ready.store(false, Ordering::Relaxed);
                tokio::time::sleep(READ_AGAIN).await;
            }
            self.count();
        }
    }

    /// Takes what has changed.
    async fn step(&mut self) -> Result<(), Fault> {
        let catalogue = self.engine.catalogue();
        self.is_told &=
            Arc::ptr_eq(&catalogue, &self.catalogue) || catalogue.is_served_like(&self.catalogue);
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => self.engine.follow().await?,
        };
        let stepped = self.step_with(&mut follower, catalogue).await;
        self.follower = Some(follower);
        stepped
    }

    async fn step_with(
        &mut self,
        follower: &mut Follower,
        catalogue: Arc<Catalogue>,
    ) -> Result<(), Fault> {
        if !self.is_told {
            self.catalogue = catalogue;
            self.take_everything(follower).await?;
            self.is_told = true;
            self.stand.is_told.store(true, Ordering::Release);
        }
        let changes = follower.changes().await?;
        if !changes.is_empty() {
            self.take(&changes);
        }
        if self.engine.is_sandbox() {
            // Whoever has moved the clock waits for it to be noticed.
            self.gateway.clock_turned();
        }
        follower.note_taken();
        Ok(())
    }

    /// Takes everything there is, by the catalogue of now.
    async fn take_everything(&mut self, follower: &Follower) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let page = follower.page(after).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            let page: Vec<Change> = page.into_iter().map(Change::Set).collect();
            self.take(&page);
        }
        let names = &self.names;
        self.listeners.common(&self.catalogue, |name| names.is_empty() || names.contains(name));
        self.settle();
        Ok(())
    }

    /// Serves leases as they are now.
    fn take(&mut self, changes: &[Change]) {
        let known: Vec<_> = changes
            .iter()
            .map(|change| match change {
                Change::Set(served) => (lease::id(served.lease), self.known(served)),
                Change::Gone(id) => (lease::id(*id), None),
            })
            .collect();
        let unfit = self.gateway.apply(known.iter().map(|(id, lease)| match lease {
            Some(lease) => gateway::Change::Put(lease),
            None => gateway::Change::Remove(*id),
        }));
        for unfit in &unfit {
            tracing::error!("The gateway cannot serve a lease: {unfit}");
        }
        let unfit = u64::try_from(unfit.len()).unwrap_or(u64::MAX);
        self.counts.unfit.fetch_add(unfit, Ordering::Relaxed);
        for (change, (id, known)) in changes.iter().zip(&known) {
            match change {
                Change::Set(served) if known.is_some() && served.kind.shares_host() => {
                    let ports: Vec<_> = lease::ports(served, &self.catalogue).collect();
                    self.listeners.set(*id, &ports);
                }
                _ => self.listeners.clear(*id),
            }
        }
        self.settle();
    }

    /// Listens where it has to be listened.
    fn settle(&mut self) {
        if !self.stand.is_leaving.load(Ordering::Acquire) {
            self.listeners.settle();
        }
    }

    /// A lease as the gateway is to know it; nothing if it is another's.
    fn known(&self, served: &Served) -> Option<feed::lease::Lease> {
        let is_here = self.names.is_empty() || self.names.contains(&served.gateway);
        is_here.then(|| lease::lease(served, &self.catalogue)).flatten()
    }

    /// Brings numbers together, and tries again what has failed, now and then.
    fn count(&mut self) {
        let unheard = u64::try_from(self.listeners.unheard()).unwrap_or(u64::MAX);
        self.counts.unheard.store(unheard, Ordering::Relaxed);
        let is_ready = self.is_told && unheard == 0;
        self.counts.is_ready.store(is_ready, Ordering::Relaxed);
        let stays = !self.stand.is_leaving.load(Ordering::Acquire);
        if unheard > 0 && stays && self.listened.elapsed() >= LISTEN_AGAIN {
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
}
