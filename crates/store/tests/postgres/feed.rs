//! The feed shows everything once, in one order that never changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use domain::ids::{CustomerId, EntryId};
use domain::journal::Entry;
use domain::kind::ProxyKind;
use e2e::postgres::Postgres;
use e2e::postgres::wire::{Fate, Wire};
use store::Store;
use store::conformance::shop::{IntoCommand, Shop, extend, order};

use crate::databases::Shared;

const V4: ProxyKind = ProxyKind::Ipv4;

/// Somebody who reads on from where he was.
#[derive(Default)]
struct Reader {
    seen: Vec<(i64, Entry)>,
}

impl Reader {
    fn read(&mut self, store: &dyn Store, limit: u32) {
        let after = self.seen.last().map_or(0, |(number, _)| *number);
        self.seen.extend(store.feed(after, limit).unwrap());
    }

    fn entries(&self) -> Vec<EntryId> {
        self.seen.iter().map(|(_, entry)| entry.id).collect()
    }

    /// All entries are there, once, numbered without a gap, and each customer's in their order.
    #[track_caller]
    fn prove(&self, shop: &Shop) {
        assert!(self.seen.iter().zip(1..).all(|((number, _), expected)| *number == expected));
        let mut all = self.entries();
        all.sort_unstable();
        let journal: Vec<EntryId> = shop.journal().iter().map(|entry| entry.id).collect();
        assert_eq!(all, journal);
        let mut last: BTreeMap<CustomerId, EntryId> = BTreeMap::new();
        for (_, entry) in &self.seen {
            let before = last.insert(entry.customer, entry.id);
            assert!(before.is_none_or(|before| before < entry.id), "{entry:?}");
        }
    }
}

/// One server has taken its ids and is slow to commit; another, which has later ones, is faster.
#[test]
fn what_is_committed_late_comes_late() {
    let shared = Shared::new();
    let fast = Shop::furnish(Arc::new(shared.store("fast")));
    let wire = Wire::to(Postgres::shared().address());
    let slow =
        Shop { store: Arc::new(shared.store_at(&wire.url(&shared.url), "slow")), now: fast.now };
    // Enough for both at once, so that nobody waits for what the other might leave.
    fast.stock(V4, 300);
    let [ann, bob] = ["Ann", "Bob"].map(|name| fast.customer(name, 10_000));
    let mut reader = Reader::default();
    reader.read(&*fast.store, 100);
    let before = reader.seen.len();

    wire.cut_at_commit(Fate::Delayed(Duration::from_secs(1)));
    let (late, early) = thread::scope(|scope| {
        let commits = wire.counts().commits;
        let late = scope.spawn(|| slow.done(order(ann, V4, 1).into_command()).0);
        while wire.counts().commits == commits {
            thread::sleep(Duration::from_millis(5));
        }
        let early = fast.done(order(bob, V4, 1).into_command()).0;
        reader.read(&*fast.store, 100);
        assert_eq!(reader.entries()[before..], [early]);
        (late.join().unwrap(), early)
    });
    assert!(late < early, "ids are taken before the commit");
    reader.read(&*slow.store, 100);
    assert_eq!(reader.entries()[before..], [early, late]);
    reader.prove(&fast);
    // Whoever begins anew sees the same, in pages of any size.
    for limit in [1, 2, 3, 100] {
        let mut other = Reader::default();
        while other.seen.len() < reader.seen.len() {
            other.read(&*slow.store, limit);
        }
        assert_eq!(other.seen, reader.seen);
        assert_eq!(slow.store.feed(i64::try_from(other.seen.len()).unwrap(), 9).unwrap(), []);
    }
}

/// Four writers at two servers, and two readers who follow them.
#[test]
fn readers_miss_nothing_while_others_write() {
    let shops = Shared::new().shops();
    shops[0].stock(V4, 200);
    let customers: Vec<_> = (0..4).map(|_| shops[0].customer("Some", 1_000_000)).collect();
    let writing = AtomicBool::new(true);
    let readers = thread::scope(|scope| {
        let follow = |shop: &Shop| {
            let mut reader = Reader::default();
            while writing.load(Ordering::Relaxed) {
                reader.read(&*shop.store, 7);
                // Those who write need the processor too.
                thread::sleep(Duration::from_millis(2));
            }
            reader.read(&*shop.store, 1_000_000);
            reader
        };
        let following: Vec<_> =
            shops.iter().map(|shop| scope.spawn(move || follow(shop))).collect();
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let (shop, customers) = (&shops[number % 2], &customers);
                scope.spawn(move || {
                    for round in 0..25 {
                        // Everybody buys for everybody, so that batches depend on each other.
                        let customer = customers[(number + round) % 4];
                        let lease = shop.ordered(customer, V4, 1)[0].lease;
                        shop.batch(&[
                            extend(customer, V4, &[lease]).into_command(),
                            order(customers[round % 4], V4, 1).into_command(),
                        ]);
                    }
                })
            })
            .collect();
        // Also when one has failed: the readers would go on for ever.
        let written: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        writing.store(false, Ordering::Relaxed);
        assert!(written.iter().all(Result::is_ok), "a writer has failed");
        let ended = following.into_iter().map(|reader| reader.join().unwrap());
        ended.collect::<Vec<_>>()
    });
    for mut reader in readers {
        reader.read(&*shops[0].store, 1_000_000);
        reader.prove(&shops[0]);
    }
    shops[0].audit();
}
