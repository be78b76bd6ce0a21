//! A whole table that is built beside the one in force.

use std::sync::Arc;

use hashbrown::HashTable;

use super::shard::{self, Keyed, Shard, shard_of};
use super::{Ids, Lease, Table, Unfit, lock, spread};

/// What was said of leases, by their ids; nothing of one that is not to be there.
type Said = Vec<(u64, Option<Arc<Lease>>)>;

/// Leases that are to take the place of all that a table has. They are gathered beside it, so that
/// nobody is refused meanwhile, and one after the other, so that they need not all be known at a
/// time. What is never put in force leaves the table as it is.
#[derive(Debug)]
pub struct Fresh {
    table: Arc<Table>,
    /// By shard, what it is to have. Filled when all is known, each has room for just that and is
    /// near while it is filled.
    by_key: Box<[Keyed]>,
    by_id: Box<[Said]>,
    unfit: Vec<Unfit>,
}

impl Fresh {
    /// No leases so far.
    pub fn of(table: Arc<Table>) -> Fresh {
        let by_key = (0..shard::COUNT).map(|_| Vec::new()).collect();
        let by_id = (0..shard::COUNT).map(|_| Vec::new()).collect();
        Fresh { table, by_key, by_id, unfit: Vec::new() }
    }

    /// One lease more. Of two with one id the last one counts, also where it cannot be kept: then
    /// neither is served.
    pub fn put(&mut self, lease: &feed::lease::Lease) {
        let Fresh { table, by_key, unfit, .. } = self;
        let id = lease.id;
        let lease = match Lease::new(lease, &table.keys, &table.terms) {
            Ok(kept) => Arc::new(kept),
            Err(error) => {
                unfit.push(error);
                return self.remove(id);
            }
        };
        table.for_each_key(&lease, |key| by_key[shard_of(key)].push((key, Arc::clone(&lease))));
        table.note(&lease);
        self.by_id[shard_of(spread(id))].push((id, Some(lease)));
    }

    /// The lease with this id is not among them, though it may have been put.
    pub fn remove(&mut self, id: u64) {
        self.by_id[shard_of(spread(id))].push((id, None));
    }

    /// Puts these leases and no others in force, and says which of them cannot be kept. Changes that
    /// were made in the table since these were known are lost.
    pub fn put_in_force(self) -> Vec<Unfit> {
        let Fresh { table, by_key, by_id, unfit } = self;
        let mut shards: Vec<Shard> = by_key.into_iter().map(Shard::of).collect();
        let room = by_id.iter().map(|leases| HashTable::with_capacity(leases.len()));
        let mut ids = Ids { by_id: room.collect() };
        for (id, lease) in by_id.into_iter().flatten() {
            if let Some(old) = ids.put(id, lease.as_ref()) {
                table.for_each_key(&old, |key| shards[shard_of(key)].remove(key, &old));
            }
        }
        let _changing = lock(&table.changing);
        // Flows are looked at by ids: first, or one that is let in by what is new would be closed for
        // what was before.
        let old = std::mem::replace(&mut *lock(&table.ids), ids);
        for (place, shard) in table.shards.iter().zip(shards) {
            place.store(Arc::new(shard));
        }
        // Nobody waits for so many to be thrown away.
        drop(old);
        unfit
    }
}
