//! What each lease uses: counted by each thread for itself, brought together each second.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bucket::Bucket;

/// A direction of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the destination.
    Up,
    /// From the destination to the client.
    Down,
}

/// What all threads share about a lease that has traffic.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Flows that are open now.
    flows: AtomicU32,
    /// Flows that have been opened lately.
    pub(crate) opened: Bucket,
    /// Bytes that have passed lately, by direction.
    passed: [Bucket; 2],
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    flows_opened: AtomicU64,
}

/// What has been used since it was last asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Bytes from clients to destinations.
    pub bytes_up: u64,
    /// Bytes from destinations to clients.
    pub bytes_down: u64,
    /// Flows that were opened.
    pub flows: u64,
}

impl Account {
    /// Counts a flow that opens, unless there are `most` already; zero is no limit.
    pub(crate) fn open(&self, most: u32) -> bool {
        let most = if most == 0 { u32::MAX } else { most };
        let opened = self.flows.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |flows| {
            (flows < most).then(|| flows + 1)
        });
        opened.is_ok()
    }

    /// Counts a flow that closes.
    pub(crate) fn close(&self) {
        self.flows.fetch_sub(1, Ordering::Relaxed);
    }

    /// The bucket of bytes in one direction.
    pub(crate) fn passed(&self, way: Way) -> &Bucket {
        match way {
            Way::Up => &self.passed[0],
            Way::Down => &self.passed[1],
        }
    }

    fn add(&self, used: Used) {
        self.bytes_up.fetch_add(used.bytes_up, Ordering::Relaxed);
        self.bytes_down.fetch_add(used.bytes_down, Ordering::Relaxed);
        self.flows_opened.fetch_add(used.flows, Ordering::Relaxed);
    }

    fn take(&self) -> Used {
        Used {
            bytes_up: self.bytes_up.swap(0, Ordering::Relaxed),
            bytes_down: self.bytes_down.swap(0, Ordering::Relaxed),
            flows: self.flows_opened.swap(0, Ordering::Relaxed),
        }
    }
}

/// What one thread has counted for a lease and not yet brought to its account.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes_up: Cell<u64>,
    bytes_down: Cell<u64>,
    flows: Cell<u64>,
}

impl Tally {
    /// Counts bytes that have been passed on.
    pub(crate) fn bytes(&self, way: Way, count: usize) {
        let cell = match way {
            Way::Up => &self.bytes_up,
            Way::Down => &self.bytes_down,
        };
        cell.set(cell.get() + u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Counts a flow that has been opened.
    pub(crate) fn flow(&self) {
        self.flows.set(self.flows.get() + 1);
    }

    /// Brings what was counted to `account`.
    pub(crate) fn fold(&self, account: &Account) {
        let used = Used {
            bytes_up: self.bytes_up.take(),
            bytes_down: self.bytes_down.take(),
            flows: self.flows.take(),
        };
        if used != Used::default() {
            account.add(used);
        }
    }
}

/// The accounts of all leases that have traffic. Those that have none cost nothing.
#[derive(Debug)]
pub(crate) struct Accounts {
    shards: Vec<Mutex<HashMap<u64, Place>>>,
}

#[derive(Debug)]
struct Place {
    account: Arc<Account>,
    /// How many times in a row it was found unused.
    unused: u8,
}

const SHARDS: u64 = 64;

/// An account that nobody has used so many times in a row is forgotten. What a lease has used of
/// its limits is gone sooner than that.
const UNUSED_MOST: u8 = 10;

impl Accounts {
    pub(crate) fn new() -> Accounts {
        Accounts { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The account of a lease.
    pub(crate) fn get(&self, lease: u64) -> Arc<Account> {
        let at = usize::try_from(lease % SHARDS).expect("a small number");
        let mut places = lock(&self.shards[at]);
        let place =
            places.entry(lease).or_insert_with(|| Place { account: Arc::default(), unused: 0 });
        place.unused = 0;
        Arc::clone(&place.account)
    }

    /// What has been used since the last call, by lease. To be called once a second.
    pub(crate) fn collect(&self) -> Vec<(u64, Used)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            lock(shard).retain(|lease, place| {
                // Whoever holds it may add to it yet.
                let is_held = Arc::strong_count(&place.account) > 1;
                let used = place.account.take();
                if used != Used::default() {
                    all.push((*lease, used));
                }
                place.unused = if is_held { 0 } else { place.unused + 1 };
                place.unused < UNUSED_MOST
            });
        }
        all
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_comes_together_once() {
        let accounts = Accounts::new();
        for way in [Way::Up, Way::Down] {
            let tally = Tally::default();
            tally.bytes(way, 1_000);
            tally.bytes(way, 24);
            tally.flow();
            tally.fold(&accounts.get(7));
            tally.fold(&accounts.get(7));
        }
        let used = Used { bytes_up: 1_024, bytes_down: 1_024, flows: 2 };
        assert_eq!(accounts.collect(), [(7, used)]);
        assert_eq!(accounts.collect(), []);
    }

    #[test]
    fn an_account_lives_while_it_is_held_and_is_forgotten_later() {
        let accounts = Accounts::new();
        let held = accounts.get(1);
        drop(accounts.get(2));
        for _ in 0..20 {
            accounts.collect();
        }
        let there = |lease: u64| {
            let at = usize::try_from(lease % SHARDS).unwrap();
            lock(&accounts.shards[at]).contains_key(&lease)
        };
        assert!(there(1) && !there(2));
        assert!(Arc::ptr_eq(&held, &accounts.get(1)));
    }

    #[test]
    fn flows_are_counted_up_to_the_limit() {
        let account = Account::default();
        assert!(account.open(2) && account.open(2) && !account.open(2));
        account.close();
        assert!(account.open(2) && account.open(0));
    }
}
