//! Who keeps the gateway in this process in step with the books.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::catalogue::Catalogue;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::served::{Change, Follower};

use super::serving::Serving;
use super::slice::Slice;

/// How long is waited when the books cannot be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Who keeps a gateway in step with the books.
pub(super) struct Keeper {
    engine: Engine,
    serving: Serving,
    /// What it serves, by the catalogue that it was told by.
    slice: Slice,
    /// Whether everything that there is was told by that catalogue.
    is_told: bool,
    /// Who tells what changes.
    follower: Option<Follower>,
}

impl Keeper {
    /// Nothing is served so far. If no gateways are named, all are here.
    pub(super) fn new(engine: Engine, serving: Serving, names: BTreeSet<String>) -> Keeper {
        let slice = Slice { names, catalogue: Arc::default() };
        Keeper { engine, serving, slice, is_told: false, follower: None }
    }

    /// Serves what there is; says where it is listened for many leases. What fails is tried again
    /// by [`Keeper::keep`].
    pub(super) async fn begin(&mut self) -> Vec<SocketAddr> {
        // Whatever broke was told where it did.
        let _ = self.step().await;
        self.serving.count(self.is_told);
        self.serving.listening()
    }

    /// Goes on, until it is aborted.
    pub(super) async fn keep(mut self) {
        loop {
            if let Some(follower) = &mut self.follower {
                follower.wait().await;
            }
            if self.step().await.is_err() {
                self.serving.counts.is_ready.store(false, Ordering::Relaxed);
                tokio::time::sleep(READ_AGAIN).await;
            }
            self.serving.count(self.is_told);
        }
    }

    /// Takes what has changed.
    async fn step(&mut self) -> Result<(), Fault> {
        let catalogue = self.engine.catalogue();
        self.is_told &=
            Arc::ptr_eq(&catalogue, &self.slice.catalogue) || self.slice.is_as_by(&catalogue);
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
            self.slice.catalogue = catalogue;
            self.take_everything(follower).await?;
            self.is_told = true;
        }
        let changes = follower.changes().await?;
        if !changes.is_empty() {
            self.take(&changes);
        }
        if self.engine.is_sandbox() {
            // Whoever has moved the clock waits for it to be noticed.
            self.serving.gateway.clock_turned();
        }
        follower.note_taken();
        Ok(())
    }

    /// Takes everything there is, by the catalogue of now.
    async fn take_everything(&mut self, follower: &Follower) -> Result<(), Fault> {
        let (mut pages, mut whole) = (follower.pages(), self.serving.whole());
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                break;
            }
            page.iter().filter_map(|served| self.slice.entry(served)).for_each(|it| whole.put(&it));
        }
        self.serving.replace(whole);
        self.serving.listen(&self.slice.common());
        Ok(())
    }

    /// Serves leases as they are now.
    fn take(&mut self, changes: &[Change]) {
        let known: Vec<_> = changes.iter().map(|change| self.slice.change(change)).collect();
        self.serving.take(&known);
    }
}
