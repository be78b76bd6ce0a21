//! The lease table: what the gateway knows.
//!
//! Threads that serve look leases up without a lock; one writer at a time changes the table, and
//! rebuilds only the small shards that a change touches.

mod entries;
mod fresh;
mod keys;
pub(crate) mod lease;
mod shard;
mod sources;
mod terms;
mod ways;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use hashbrown::HashTable;

pub(crate) use entries::Entry;
use entries::Place;
pub use fresh::Fresh;
use keys::Keys;
pub(crate) use lease::{Exit, Proof};
pub use lease::{Lease, Unfit};
use shard::{Edits, Shard, shard_of};
use sources::BitsInUse;
use terms::TermSets;
use ways::Way;

use crate::refusal::Refusal;

/// All leases that the gateway serves.
#[derive(Debug)]
pub struct Table {
    keys: Keys,
    terms: TermSets,
    shards: Box<[ArcSwap<Shard>]>,
    bits_in_use: BitsInUse,
    has_entries: AtomicBool,
    /// Held by whoever changes the table, for as long as that takes.
    changing: Mutex<()>,
    /// Held for moments only: threads that serve look leases up by their ids too.
    ids: Mutex<Ids>,
}

/// Every lease by its id.
#[derive(Debug)]
struct Ids {
    by_id: Box<[HashTable<Arc<Lease>>]>,
}

/// What has become of a lease.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Which lease.
    pub id: u64,
    /// As it is now; nothing if it is no longer known.
    pub now: Option<Arc<Lease>>,
}

/// A change of the table.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A lease is new or has changed.
    Put(&'a feed::lease::Lease),
    /// A lease is no longer served.
    Remove(u64),
}

impl Table {
    /// A table without leases: it admits nobody. Fails if the system has no randomness.
    pub fn new() -> Result<Table, getrandom::Error> {
        Ok(Table {
            keys: Keys::draw()?,
            terms: TermSets::default(),
            shards: (0..shard::COUNT).map(|_| ArcSwap::from_pointee(Shard::default())).collect(),
            bits_in_use: BitsInUse::default(),
            has_entries: AtomicBool::new(false),
            changing: Mutex::default(),
            ids: Mutex::new(Ids::new()),
        })
    }

    /// Makes changes, and says what has become of the leases they name. A lease that cannot be
    /// kept is not served at all: its old state may be what the change was to end.
    pub fn apply<'a>(
        &self,
        changes: impl IntoIterator<Item = Change<'a>>,
    ) -> (Vec<Changed>, Vec<Unfit>) {
        let _changing = lock(&self.changing);
        let mut unfit = Vec::new();
        let changed = changes.into_iter().map(|change| match change {
            Change::Remove(id) => Changed { id, now: None },
            Change::Put(lease) => {
                let kept =
                    Lease::new(lease, &self.keys, &self.terms).map_err(|error| unfit.push(error));
                Changed { id: lease.id, now: kept.ok().map(Arc::new) }
            }
        });
        let changed: Vec<_> = changed.collect();
        let mut edits = Edits::default();
        for Changed { id, now } in &changed {
            let old = lock(&self.ids).put(*id, now.as_ref());
            if let Some(old) = old {
                self.for_each_key(&old, |key| edits.remove(key, &old));
            }
            if let Some(lease) = now {
                self.for_each_key(lease, |key| edits.insert(key, lease));
                self.note(lease);
            }
        }
        edits.make(&self.shards);
        (changed, unfit)
    }

    /// The lease with this id.
    pub fn get(&self, id: u64) -> Option<Arc<Lease>> {
        let ids = lock(&self.ids);
        let found = ids.by_id[shard_of(spread(id))].find(spread(id), |lease| lease.id() == id);
        found.map(Arc::clone)
    }

    /// How many leases there are.
    pub fn len(&self) -> usize {
        lock(&self.ids).by_id.iter().map(HashTable::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lease that `login` and `password` are right for at `entry`.
    pub(crate) fn by_login(
        &self,
        login: &[u8],
        password: &[u8],
        entry: Option<Entry>,
    ) -> Result<(Arc<Lease>, Proof), Refusal> {
        let who = self.keys.login(login);
        // Made in any case, so that it takes as long to be wrong about the login.
        let verifier = self.keys.verifier(login, password);
        let is_right = |lease: &Lease| lease.verifies(&verifier) && lease.is_at(entry);
        let found = self.find(who, entry, is_right).ok_or(Refusal::CredentialsWrong)?;
        let named = !login.is_empty() && !password.is_empty();
        named.then_some((found, Proof::Login(verifier))).ok_or(Refusal::CredentialsWrong)
    }

    /// The lease that `source` is authorised for at `entry`; where networks lie in each other, the
    /// smallest one decides.
    pub(crate) fn by_source(&self, source: IpAddr, entry: Option<Entry>) -> Option<Arc<Lease>> {
        let source = source.to_canonical();
        self.bits_in_use.of(source).find_map(|bits| {
            let network = lease::network(source, bits)?;
            let who = self.keys.source(network);
            self.find(who, entry, |lease| lease.is_source(source) && lease.is_at(entry))
        })
    }

    fn find(
        &self,
        who: u64,
        entry: Option<Entry>,
        is_right: impl Fn(&Lease) -> bool,
    ) -> Option<Arc<Lease>> {
        let at = |place, is_right: &dyn Fn(&Lease) -> bool| {
            let key = self.keys.at(who, place);
            self.shards[shard_of(key)].load().find(key, is_right)
        };
        let here = entry.and_then(|entry| {
            let address = Place::Address(entry.ip);
            // Who has just this port goes before who has any.
            at(address, &|lease| lease.entries().name(entry) && is_right(lease))
                .or_else(|| at(address, &is_right))
                .or_else(|| at(Place::Port(entry.port), &is_right))
        });
        here.or_else(|| at(Place::Anywhere, &is_right))
    }

    /// Whether there have been leases for which it matters where a client comes in.
    pub(crate) fn has_entries(&self) -> bool {
        self.has_entries.load(Ordering::Acquire)
    }

    /// Calls `each` with every key that `lease` is to be found by.
    fn for_each_key(&self, lease: &Lease, mut each: impl FnMut(u64)) {
        for way in lease.ways() {
            let who = match way {
                Way::Login { key, .. } => *key,
                Way::Source(source) => self.keys.source(*source),
            };
            lease.entries().places().for_each(|place| each(self.keys.at(who, place)));
        }
    }

    /// Notes what look-ups have to try from now on.
    fn note(&self, lease: &Lease) {
        if !lease.entries().is_any() {
            self.has_entries.store(true, Ordering::Release);
        }
        for way in lease.ways() {
            if let Way::Source(source) = way {
                self.bits_in_use.note(*source);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ids {
    fn new() -> Ids {
        Ids { by_id: (0..shard::COUNT).map(|_| HashTable::new()).collect() }
    }

    /// Has `now` be the lease with this id, and gives the one that was.
    fn put(&mut self, id: u64, now: Option<&Arc<Lease>>) -> Option<Arc<Lease>> {
        let leases = &mut self.by_id[shard_of(spread(id))];
        let old = leases.find_entry(spread(id), |lease| lease.id() == id).ok();
        let old = old.map(|old| old.remove().0);
        if let Some(now) = now {
            leases.insert_unique(spread(id), Arc::clone(now), |lease| spread(lease.id()));
        }
        old
    }
}

/// Spreads ids, which are close to each other, over all bits. They come from the control plane, so
/// nobody chooses them to collide.
fn spread(id: u64) -> u64 {
    let folded = u128::from(id ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    u64::try_from(folded & u128::from(u64::MAX)).expect("64 bits")
        ^ u64::try_from(folded >> 64).expect("64 bits")
}

#[cfg(test)]
mod tests;
