//! What gateways have to know: all of it at first, and then whatever changes.
//!
//! The journal says which leases something has happened to; what they are now is read from the
//! books. So whatever is told is at least as new as what has happened, and whoever has taken all of
//! it has the leases as the books have them. Customers who are suspended and limits that the operator
//! has set are not in the journal, and neither are the exits of modems; they are noticed by the
//! numbers that change with them.

mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::{CustomerId, LeaseId};
use domain::journal::{Entry, Event};
use domain::limits::{Exception, Exceptions};
use domain::served::Served;
use sha2::{Digest as _, Sha256};
use store::Store;
use store::records::Touched;
use tokio::sync::watch;

use crate::engine::Engine;
use crate::fault::{Fault, told};

pub use pages::Pages;

/// How often it is looked when nothing was decided here: other servers write as well.
const LOOK: Duration = Duration::from_millis(250);

/// It is not looked more often than this: what happens in between is looked at together.
const GATHER: Duration = Duration::from_millis(10);

/// How many entries of the journal are looked at together. Those of most leases are orders and
/// sweeps, which a batch bounds.
const ENTRIES: u32 = 500;

/// Who is further behind than this is told everything again rather than what has happened since.
const FAR_BEHIND: i64 = 50_000;

/// How long is waited for those who follow.
const TAKEN: Duration = Duration::from_secs(5);

/// Something that gateways have to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A lease is new, or is another than before.
    Set(Served),
    /// A lease is over.
    Gone(LeaseId),
}

/// Those who follow, and what wakes them.
pub(crate) struct Followers {
    /// Counts what has happened here.
    happened: watch::Sender<u64>,
    /// How much of that each has taken.
    taken: Mutex<Vec<watch::Receiver<u64>>>,
}

impl Default for Followers {
    fn default() -> Followers {
        Followers { happened: watch::Sender::new(0), taken: Mutex::default() }
    }
}

impl Followers {
    /// Somebody follows from now on; says where is noted what has been taken to heart.
    fn begin(&self) -> Taken {
        let (taken, receiver) = watch::channel(0);
        let mut all = self.taken();
        // Who comes again and again, without ever being waited for, is one of few all the same.
        all.retain(|one| one.has_changed().is_ok());
        all.push(receiver);
        Taken(Arc::new(taken))
    }

    fn taken(&self) -> MutexGuard<'_, Vec<watch::Receiver<u64>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who follow: something has been committed, or the clock was moved.
    pub(crate) fn wake(&self) {
        self.happened.send_modify(|count| *count += 1);
    }

    /// Wakes those who follow and waits until they have taken whatever has happened before, or until
    /// that takes too long.
    pub(crate) async fn wait(&self) {
        self.wake();
        let now = *self.happened.borrow();
        let followers = {
            let mut taken = self.taken();
            taken.retain(|one| one.has_changed().is_ok());
            taken.clone()
        };
        let all = async {
            for mut one in followers {
                // Who has gone has nothing to take.
                let _ = one.wait_for(|taken| now <= *taken).await;
            }
        };
        if tokio::time::timeout(TAKEN, all).await.is_err() {
            tracing::warn!("A gateway has not taken note of what has changed");
        }
    }
}

/// Somebody who is told what gateways have to know.
pub struct Follower {
    engine: Engine,
    /// The last entry of the feed whose consequences were told.
    number: i64,
    /// What the operator had said when it was told, and what the number of the keys was then.
    said: Said,
    keys_version: i64,
    /// The number behind which changes of modems have not been told.
    modems: i64,
    happened: watch::Receiver<u64>,
    /// When it was last looked, and what had happened before.
    looked: Instant,
    seen: u64,
    /// Whether there was more than was told.
    more: bool,
    taken: Taken,
}

/// How far somebody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The number of the last thing that has happened.
    pub number: i64,
    /// What tells what the operator had said from anything else.
    pub said: u64,
    /// The number behind which changes of modems have not been told.
    pub modems: i64,
}

/// What the operator has said that is not in the journal.
#[derive(Clone, Debug, Default)]
struct Said {
    suspended: BTreeSet<CustomerId>,
    exceptions: BTreeMap<CustomerId, Exceptions>,
}

/// What had happened when something was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(u64);

/// Where a follower notes what has been taken to heart.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<watch::Sender<u64>>);

impl Taken {
    /// Notes that whatever was told when that had happened has been taken to heart.
    pub fn note(&self, seen: Seen) {
        self.0.send_if_modified(|taken| {
            let is_new = *taken < seen.0;
            *taken = seen.0.max(*taken);
            is_new
        });
    }
}

impl Engine {
    /// Begins to follow. Whatever happens from now on is told by [`Follower::changes`]; what there
    /// is already, by [`Follower::pages`].
    pub async fn follow(&self) -> Result<Follower, Fault> {
        let followers = &self.inner.followers;
        let taken = followers.begin();
        let mut happened = followers.happened.subscribe();
        let seen = *happened.borrow_and_update();
        let begin = |store: &dyn Store| {
            let (modems, _) = store.modems_changed(0)?;
            Ok((store.keys_version()?, Said::read(store)?, store.feed_end()?, modems))
        };
        let begun = self.read_slow(begin).await;
        let (keys_version, said, number, modems) =
            begun.map_err(|error| told(&error, "beginning to follow what is served"))?;
        Ok(Follower {
            engine: self.clone(),
            number,
            said,
            keys_version,
            modems,
            happened,
            looked: Instant::now(),
            seen,
            more: false,
            taken,
        })
    }
}

impl Follower {
    /// All that is served, as it is while it is read.
    pub fn pages(&self) -> Pages {
        Pages::read(self.engine.clone())
    }

    /// Waits until something may have changed.
    pub async fn wait(&mut self) {
        if !self.more {
            // Whether it was woken or the time has come: then it is looked.
            let _ = tokio::time::timeout(LOOK, self.happened.changed()).await;
        }
        tokio::time::sleep(GATHER.saturating_sub(self.looked.elapsed())).await;
    }

    /// What has changed since the last call. If it fails, the next call tells it.
    pub async fn changes(&mut self) -> Result<Vec<Change>, Fault> {
        self.looked = Instant::now();
        let seen = *self.happened.borrow_and_update();
        let looked = Looked {
            number: self.number,
            keys_version: self.keys_version,
            modems: self.modems,
            said: std::mem::take(&mut self.said),
        };
        let kept = looked.said.clone();
        let found = self.engine.read_slow(move |store| looked.look(store)).await;
        let found = found.map_err(|error| told(&error, "following what is served"));
        let found = found.inspect_err(|_| self.said = kept)?;
        (self.number, self.seen, self.more) = (found.now.number, seen, found.more);
        (self.keys_version, self.said) = (found.now.keys_version, found.now.said);
        self.modems = found.now.modems;
        Ok(found.changes)
    }

    /// Notes that whatever was told has been taken to heart.
    pub fn note_taken(&self) {
        if let Some(seen) = self.seen() {
            self.taken.note(seen);
        }
    }

    /// What had happened when [`Follower::changes`] was last called, if it has told all of that.
    pub fn seen(&self) -> Option<Seen> {
        (!self.more).then_some(Seen(self.seen))
    }

    /// Where is noted what has been taken to heart, for those who take it elsewhere.
    pub fn taken(&self) -> Taken {
        self.taken.clone()
    }

    /// How far has been told.
    pub fn told(&self) -> Told {
        Told { number: self.number, said: self.said.digest(), modems: self.modems }
    }

    /// Has what happened since `told` be told again. Says whether that can be: if not, somebody who
    /// was told so far has to be told everything.
    pub fn go_back(&mut self, told: Told) -> bool {
        let now = self.told();
        let can_be = (now.number - FAR_BEHIND..=now.number).contains(&told.number)
            && told.said == now.said
            && (0..=now.modems).contains(&told.modems);
        if can_be {
            (self.number, self.modems, self.more) = (told.number, told.modems, true);
        }
        can_be
    }
}

impl Said {
    fn read(store: &dyn Store) -> store::Result<Said> {
        Ok(Said { suspended: store.suspended_customers()?, exceptions: store.exceptions(None)? })
    }

    /// Notes whose leases are others than when `before` had been said.
    fn touch(&self, before: &Said, touched: &mut Touched) {
        touched.customers.extend(&self.suspended ^ &before.suspended);
        let all = self.exceptions.keys().chain(before.exceptions.keys());
        let none = Exceptions::default();
        for customer in all.copied().collect::<BTreeSet<CustomerId>>() {
            let now = self.exceptions.get(&customer).unwrap_or(&none);
            let before = before.exceptions.get(&customer).unwrap_or(&none);
            if now.customer != before.customer {
                touched.customers.insert(customer);
            }
            let named = now.leases.keys().chain(before.leases.keys());
            touched
                .leases
                .extend(named.filter(|lease| now.leases.get(lease) != before.leases.get(lease)));
        }
    }

    /// What tells it from anything else that may be said.
    fn digest(&self) -> u64 {
        let mut hash = Sha256::new();
        for customer in &self.suspended {
            hash.update(customer.0.to_be_bytes());
        }
        for (customer, exceptions) in &self.exceptions {
            let mut add = |lease: i64, exception: &Exception| {
                let Exception { connections, new_connections_per_second, bytes_per_second } =
                    *exception;
                hash.update(customer.0.to_be_bytes());
                hash.update(lease.to_be_bytes());
                let numbers = [
                    connections.map(u64::from),
                    new_connections_per_second.map(u64::from),
                    bytes_per_second,
                ];
                for number in numbers {
                    hash.update([u8::from(number.is_some())]);
                    hash.update(number.unwrap_or(0).to_be_bytes());
                }
            };
            add(0, &exceptions.customer);
            exceptions.leases.iter().for_each(|(lease, exception)| add(lease.0, exception));
        }
        let hash = hash.finalize();
        u64::from_be_bytes(std::array::from_fn(|at| hash[at]))
    }
}

/// How far has been looked.
struct Looked {
    number: i64,
    keys_version: i64,
    modems: i64,
    said: Said,
}

/// What was found when looking further.
struct Found {
    changes: Vec<Change>,
    now: Looked,
    more: bool,
}

impl Looked {
    fn look(mut self, store: &dyn Store) -> store::Result<Found> {
        let (mut touched, mut gone) = (Touched::default(), BTreeSet::new());
        // Before what it counts, so that a change behind it is noticed the next time.
        let keys_version = store.keys_version()?;
        if keys_version != self.keys_version {
            let said = Said::read(store)?;
            said.touch(&self.said, &mut touched);
            (self.keys_version, self.said) = (keys_version, said);
        }
        (self.modems, touched.modems) = store.modems_changed(self.modems)?;
        let entries = store.feed(self.number, ENTRIES)?;
        let more = u32::try_from(entries.len()).is_ok_and(|count| count == ENTRIES);
        for (number, entry) in &entries {
            touch(entry, &mut touched, &mut gone);
            self.number = *number;
        }
        let mut changes = Vec::new();
        if !touched.is_empty() {
            let served = store.served_of(&touched)?;
            gone.append(&mut touched.leases);
            for it in &served {
                gone.remove(&it.lease);
            }
            changes.extend(served.into_iter().map(Change::Set));
        }
        changes.extend(gone.into_iter().map(Change::Gone));
        Ok(Found { changes, now: self, more })
    }
}

/// Notes which leases an entry may have changed for gateways, and which it has put an end to.
fn touch(entry: &Entry, touched: &mut Touched, gone: &mut BTreeSet<LeaseId>) {
    match &entry.event {
        Event::Order { leases, .. } => {
            touched.leases.extend(leases.iter().map(|granted| granted.lease));
        }
        Event::Extension { leases, .. } => {
            touched.leases.extend(leases.iter().map(|moved| moved.lease));
        }
        Event::Replacement { leases, .. } => {
            touched.leases.extend(leases.iter().map(|replaced| replaced.lease));
        }
        Event::Authorisation { order, .. } => {
            touched.orders.insert(*order);
        }
        // Gateways know the ends of leases. One that is kept in reserve may come back; what is over
        // never does.
        Event::Ended { leases } => {
            let over = leases.iter().filter(|(_, reserved_until)| reserved_until.is_none());
            gone.extend(over.map(|(lease, _)| *lease));
        }
        Event::Released { leases } => gone.extend(leases),
        Event::Deposit { .. }
        | Event::AutoExtend { .. }
        | Event::RenewalFailed { .. }
        | Event::Payment { .. }
        | Event::AutoTopUp { .. }
        | Event::TopUpFailed { .. }
        | Event::Comment { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_have_gone_are_forgotten_though_nobody_waits_for_them() {
        let followers = Followers::default();
        let stays = followers.begin();
        for _ in 0..100 {
            drop(followers.begin());
        }
        assert_eq!(followers.taken().len(), 2);
        drop(stays);
    }
}
