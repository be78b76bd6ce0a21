//! Rotations: asking for them, having them done, and those that are due by a timer.
//!
//! Whoever drives modems takes the jobs of those that are at its gateways, and tells what has come
//! of them; a [`Rotator`] wakes him, or whoever speaks for him here if he is elsewhere. Where he is
//! does not matter otherwise: jobs wait in the books.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::ids::{CustomerId, LeaseId, RotationId};
use domain::modem::Driver;
use domain::rotation::{Ask, Cause, Dialer, NotRotated, Outcome, Rotation, State, Whose};
use domain::time::Span;
use store::Store;
use tokio::sync::watch;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How often it is looked for jobs that were asked for elsewhere.
const LOOK: Duration = Duration::from_millis(250);

/// How many timers are read at a time, and old jobs forgotten.
const PAGE: u32 = 1_000;

/// How long a jump of the clock waits for modems.
const WAIT: Duration = Duration::from_secs(10);

/// How often it is looked meanwhile.
const WAIT_LOOK: Duration = Duration::from_millis(10);

/// Those who drive modems, as far as this process wakes them.
pub(crate) struct Rotators {
    /// Counts the jobs that were asked for here.
    asked: watch::Sender<u64>,
}

impl Default for Rotators {
    fn default() -> Rotators {
        Rotators { asked: watch::Sender::new(0) }
    }
}

/// Somebody who drives modems, or speaks here for one who does so elsewhere.
pub struct Rotator {
    engine: Engine,
    asked: watch::Receiver<u64>,
}

/// A job that was taken. Whoever has it does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which it is.
    pub id: RotationId,
    /// How often it was taken by now; only who has taken it last is believed.
    pub claim: i64,
    /// How many tries there may be until the exit is another one.
    pub tries: u32,
    /// What the catalogue calls the modem that is to dial.
    pub modem: String,
    /// How long one try may take.
    pub deadline: Span,
    /// What makes it dial.
    pub driver: Driver,
    /// The exit that it has, if that was told.
    pub exit: Option<IpAddr>,
}

impl Rotator {
    /// Waits until there may be something to do.
    pub async fn wait(&mut self) {
        // Whether it was woken or the time has come: then it is looked.
        let _ = tokio::time::timeout(LOOK, self.asked.changed()).await;
        self.asked.mark_unchanged();
    }

    /// The engine that it works for.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl Engine {
    /// Begins to drive modems.
    pub fn rotator(&self) -> Rotator {
        Rotator { engine: self.clone(), asked: self.inner.rotators.asked.subscribe() }
    }

    /// Asks for a rotation: a job, or why there is none.
    pub async fn rotate(&self, ask: Ask) -> Result<Result<Rotation, NotRotated>, Fault> {
        let now = self.now();
        let asked = self.read_slow(move |store| store.ask_rotation(&ask, now)).await;
        let asked = asked.map_err(|error| told(&error, "asking for a rotation"))?;
        if asked.is_ok() {
            self.inner.rotators.asked.send_modify(|count| *count += 1);
        }
        Ok(asked)
    }

    /// Takes the jobs of the modems at gateways that are `here`, but not of those that are `busy`.
    pub async fn take_rotations(
        &self,
        here: impl Fn(&str) -> bool,
        busy: &BTreeSet<String>,
    ) -> Result<Vec<Job>, Fault> {
        let catalogue = self.catalogue();
        let modems = catalogue.modems.values().filter(|modem| here(&modem.gateway));
        let names: BTreeSet<String> =
            modems.map(|modem| modem.name.clone()).filter(|name| !busy.contains(name)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.now();
        let take = move |store: &dyn Store| {
            let taken = store.take_rotations(&names, now)?;
            let modems: BTreeSet<_> = taken.iter().map(|it| it.modem.clone()).collect();
            let exits: BTreeMap<_, _> =
                store.dialers(&modems)?.into_iter().map(|(it, _)| (it.name, it.exit)).collect();
            Ok((taken, exits))
        };
        let taken = self.read_slow(take).await;
        let (taken, exits) = taken.map_err(|error| told(&error, "taking rotations"))?;
        if !taken.is_empty() {
            self.inner.followers.wake();
        }
        let job = |rotation: Rotation| {
            let modem = catalogue.modems.get(&rotation.modem)?;
            Some(Job {
                id: rotation.id,
                claim: rotation.claim,
                tries: rotation.tries,
                deadline: modem.deadline,
                driver: modem.driver.clone(),
                exit: exits.get(&rotation.modem).copied().flatten(),
                modem: rotation.modem,
            })
        };
        Ok(taken.into_iter().filter_map(job).collect())
    }

    /// Tells what has come of a job of this modem. Says whether it was believed, now or when it was
    /// told before: who was not answered tells it again.
    pub async fn end_rotation(
        &self,
        id: RotationId,
        modem: &str,
        claim: i64,
        outcome: Outcome,
    ) -> Result<bool, Fault> {
        let (now, modem) = (self.now(), modem.to_owned());
        let end = move |store: &dyn Store| {
            // After the books were set back, another modem may have a job with this id.
            let of_it = |it: &Rotation| it.modem == modem;
            if !store.rotation(id)?.as_ref().is_some_and(of_it) {
                return Ok(false);
            }
            let is_so = |it: Rotation| it.claim == claim && it.state == State::Ended(outcome);
            Ok(store.end_rotation(id, claim, outcome, now)?
                || store.rotation(id)?.is_some_and(is_so))
        };
        let ended = self.read_slow(end).await;
        let believed = ended.map_err(|error| told(&error, "ending a rotation"))?;
        self.inner.followers.wake();
        Ok(believed)
    }

    /// A job that was asked for a lease of a customer.
    pub fn rotation(
        &self,
        customer: CustomerId,
        id: RotationId,
    ) -> Result<Option<Rotation>, Fault> {
        let found = self.read(|store| store.rotation(id))?;
        let lease = found.as_ref().and_then(|rotation| rotation.lease);
        let is_his = match lease {
            Some(lease) => self.kind_of(customer, lease)?.is_some(),
            None => false,
        };
        Ok(found.filter(|_| is_his))
    }

    /// The jobs that were asked for a lease of a customer; `None` if he has no such lease.
    pub async fn rotations(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Option<Vec<Rotation>>, Fault> {
        if self.kind_of(customer, lease)?.is_none() {
            return Ok(None);
        }
        let found = self.read_slow(move |store| store.rotations(lease, after, limit)).await;
        found.map(Some).map_err(|error| told(&error, "listing rotations"))
    }

    /// Modems, as far as they are known.
    pub async fn dialers(&self, names: BTreeSet<String>) -> Result<Vec<Dialer>, Fault> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.read_slow(move |store| store.dialers(&names)).await;
        let found = found.map_err(|error| told(&error, "looking modems up"))?;
        Ok(found.into_iter().map(|(dialer, _)| dialer).collect())
    }

    /// Asks for the rotations that are due by their timers, and gives up those that nobody does.
    pub async fn tend_rotations(&self) -> Result<(), Fault> {
        if !self.inner.sandbox {
            return self.rotate_due().await.map(drop);
        }
        // While its clock jumps, everything that is due is due once.
        let _standing_still = self.inner.sweeping.lock().await;
        self.rotate_due().await.map(drop)
    }

    async fn rotate_due(&self) -> Result<Vec<RotationId>, Fault> {
        let now = self.now();
        let tidied = self.read_slow(move |store| store.tidy_rotations(now, PAGE)).await;
        tidied.map_err(|error| told(&error, "tidying rotations"))?;
        let catalogue = self.catalogue();
        let (mut after, mut begun) = (None, Vec::new());
        loop {
            let look = move |store: &dyn Store| store.rotation_timers(after, PAGE, now);
            let page = self.read_slow(look).await;
            let page = page.map_err(|error| told(&error, "looking which rotations are due"))?;
            let Some(last) = page.last() else { return Ok(begun) };
            after = Some((last.modem.clone(), last.address));
            for timer in page {
                if now < timer.due || !catalogue.modems.contains_key(&timer.modem) {
                    continue;
                }
                let whose = Whose::Lease { lease: timer.lease, customer: None, epoch: None };
                let ask = Ask { whose, cause: Cause::Timer, tries: 1 };
                // What another server has asked for meanwhile is refused.
                begun.extend(self.rotate(ask).await?.map(|rotation| rotation.id));
            }
        }
    }

    /// Waits until no modem dials, here or elsewhere: the clock is about to jump, and they go by it.
    pub(crate) async fn wait_for_modems(&self) -> Result<(), Fault> {
        let since = Instant::now();
        let names: BTreeSet<String> = self.catalogue().modems.keys().cloned().collect();
        while self.dialers(names.clone()).await?.iter().any(|modem| modem.dialing) {
            if since.elapsed() > WAIT {
                tracing::warn!("A modem is still dialing");
                return Ok(());
            }
            tokio::time::sleep(WAIT_LOOK).await;
        }
        Ok(())
    }

    /// After a jump of the clock: asks for what is due, each once however far the jump was, and
    /// waits until it is done if somebody is known here who does it.
    pub(crate) async fn rotate_after_jump(&self) -> Result<(), Fault> {
        let mut open = self.rotate_due().await?;
        let since = Instant::now();
        while !open.is_empty() && self.inner.rotators.asked.receiver_count() > 0 {
            if since.elapsed() > WAIT {
                tracing::warn!("Rotations that are due have not been done");
                return Ok(());
            }
            tokio::time::sleep(WAIT_LOOK).await;
            let ids = open.clone();
            let left = self.read_slow(move |store| {
                let mut left = Vec::new();
                for id in ids {
                    if store.rotation(id)?.is_some_and(|rotation| !rotation.is_over()) {
                        left.push(id);
                    }
                }
                Ok(left)
            });
            open = left.await.map_err(|error| told(&error, "waiting for rotations"))?;
        }
        Ok(())
    }
}
