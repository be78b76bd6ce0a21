//! A small part of the index by which leases are found.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashTable;

use super::lease::Lease;

/// How many shards an index has: with a million leases a change rebuilds about a thousand places.
pub(super) const COUNT: usize = 1 << BITS;
const BITS: u32 = 10;

/// The shard of a key.
pub(super) fn shard_of(key: u64) -> usize {
    // The table below uses the lowest and the highest bits.
    usize::try_from(key >> 40).expect("24 bits fit") & (COUNT - 1)
}

/// Leases that are to be found by keys.
pub(super) type Keyed = Vec<(u64, Arc<Lease>)>;

/// Leases by their keys. A key may belong to several leases.
#[derive(Clone, Debug, Default)]
pub(super) struct Shard {
    places: HashTable<(u64, Arc<Lease>)>,
}

impl Shard {
    /// A lease with this key that is the right one.
    pub(super) fn find(&self, key: u64, is_right: impl Fn(&Lease) -> bool) -> Option<Arc<Lease>> {
        let found = self.places.find(key, |(own, lease)| *own == key && is_right(lease));
        found.map(|(_, lease)| Arc::clone(lease))
    }

    /// The keys of all places.
    #[cfg(test)]
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.places.iter().map(|(key, _)| *key)
    }

    pub(super) fn insert(&mut self, key: u64, lease: &Arc<Lease>) {
        self.places.insert_unique(key, (key, Arc::clone(lease)), |(key, _)| *key);
    }

    pub(super) fn remove(&mut self, key: u64, lease: &Arc<Lease>) {
        let found =
            self.places.find_entry(key, |(own, other)| *own == key && Arc::ptr_eq(other, lease));
        if let Ok(found) = found {
            found.remove();
        }
    }

    /// The one that has these leases.
    pub(super) fn of(leases: Keyed) -> Shard {
        let mut places = HashTable::with_capacity(leases.len());
        for (key, lease) in leases {
            places.insert_unique(key, (key, lease), |(key, _)| *key);
        }
        Shard { places }
    }
}

/// Changes that wait to be made, each shard's together.
#[derive(Default)]
pub(super) struct Edits {
    by_shard: HashMap<usize, Vec<Edit>>,
}

enum Edit {
    Insert(u64, Arc<Lease>),
    Remove(u64, Arc<Lease>),
}

impl Edits {
    pub(super) fn insert(&mut self, key: u64, lease: &Arc<Lease>) {
        self.push(key, Edit::Insert(key, Arc::clone(lease)));
    }

    pub(super) fn remove(&mut self, key: u64, lease: &Arc<Lease>) {
        self.push(key, Edit::Remove(key, Arc::clone(lease)));
    }

    fn push(&mut self, key: u64, edit: Edit) {
        self.by_shard.entry(shard_of(key)).or_default().push(edit);
    }

    /// Makes them, on copies that then take the place of the shards.
    pub(super) fn make(self, shards: &[ArcSwap<Shard>]) {
        for (at, edits) in self.by_shard {
            let mut shard = Shard::clone(&shards[at].load());
            for edit in edits {
                match edit {
                    Edit::Insert(key, lease) => shard.insert(key, &lease),
                    Edit::Remove(key, lease) => shard.remove(key, &lease),
                }
            }
            shards[at].store(Arc::new(shard));
        }
    }
}
