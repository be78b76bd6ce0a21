//! A whole table that is built beside the one in force.

use std::sync::Arc;

use hashbrown::HashTable;

use super::shard::{self, Keyed, Shard, shard_of};
use super::{Ids, Lease, Table, Unfit, lock, spread};

/// Leases that are to take the place of all that a table has. They are gathered beside it, so that
/// nobody is refused meanwhile, and one after the other, so that they need not all be known at a
/// time. What is never put in force leaves the table as it is.
#[derive(Debug)]
pub struct Fresh {
    table: Arc<Table>,
    /// By shard, what it is to have. Filled when all is known, each has room for just that and is
    /// near while it is filled.
    by_key: Box<[Keyed]>,
    by_id: Box<[Keyed]>,
    unfit: Vec<Unfit>,
}

impl Fresh {
    /// No leases so far.
    pub fn of(table: Arc<Table>) -> Fresh {
        let none = || (0..shard::COUNT).map(|_| Vec::new()).collect();
        Fresh { table, by_key: none(), by_id: none(), unfit: Vec::new() }
    }

    /// One lease more. Of two with one id the last one counts.
    pub fn put(&mut self, lease: &feed::lease::Lease) {
        let Fresh { table, by_key, by_id, unfit } = self;
        let lease = match Lease::new(lease, &table.keys, &table.terms) {
            Ok(kept) => Arc::new(kept),
            Err(error) => return unfit.push(error),
        };
        table.for_each_key(&lease, |key| by_key[shard_of(key)].push((key, Arc::clone(&lease))));
        table.note(&lease);
        by_id[shard_of(spread(lease.id()))].push((lease.id(), lease));
    }

    /// Puts these leases and no others in force, and says which of them cannot be kept. Changes that
    /// were made in the table since these were known are lost.
    pub fn put_in_force(self) -> Vec<Unfit> {
        let Fresh { table, by_key, by_id, unfit } = self;
        let mut shards: Vec<Shard> = by_key.into_iter().map(Shard::of).collect();
        let room = by_id.iter().map(|leases| HashTable::with_capacity(leases.len()));
        let mut ids = Ids { by_id: room.collect() };
        for (id, lease) in by_id.into_iter().flatten() {
            if let Some(old) = ids.put(id, Some(&lease)) {
                table.for_each_key(&old, |key| shards[shard_of(key)].remove(key, &old));
            }
        }
        let _changing = lock(&table.changing);
        for (place, shard) in table.shards.iter().zip(shards) {
            place.store(Arc::new(shard));
        }
        let old = std::mem::replace(&mut *lock(&table.ids), ids);
        // Nobody waits for so many to be thrown away.
        drop(old);
        unfit
    }
}
