//! Backups, and the books made from them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use domain::ids::{CustomerId, KeyId};
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use domain::time::Span;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::restore::STATEMENTS;
use super::super::{Create, Options, RestoreReport, SqliteStore, restore};
use super::shop::*;
use crate::error::Error;
use crate::records::{EntryFilter, NewApiKey, ProxyFilter};
use crate::revocations::Revocations;
use crate::{Result, Store};

/// Ann orders without a pause; her shop is copied meanwhile, and lost. What the copy has is whole.
#[test]
fn a_backup_made_while_orders_come_in_restores() {
    let shop = Shop::new();
    let ann = shop.customer(100_000);
    let (backup, there) = (shop.folder.path().join("backup.db"), Elsewhere::new());
    let (stop, orders) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut before = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) && orders.load(Ordering::SeqCst) < 400 {
                shop.order(ann, ProxyKind::Ipv4, 1);
                orders.fetch_add(1, Ordering::SeqCst);
            }
        });
        while orders.load(Ordering::SeqCst) < 10 {
            std::thread::yield_now();
        }
        before = orders.load(Ordering::SeqCst);
        shop.store.backup(&backup, &mut |_, _| {}).unwrap();
        stop.store(true, Ordering::Relaxed);
    });
    let highest = shop.order(ann, ProxyKind::Ipv4, 1)[0];

    let report = there.restore(&shop, &backup).unwrap();
    let restored = there.open();

    assert!(before <= report.leases && report.leases <= orders.load(Ordering::SeqCst));
    assert_eq!((report.customers, report.last_entry_at), (1, Some(START)));
    let entries = restored.entries(&EntryFilter::default(), None, 10_000).unwrap();
    assert_eq!(u64::try_from(entries.len()).unwrap(), report.entries);
    assert_eq!(restored.audit(&mut |_| {}).unwrap().violations, []);
    // Her leases are as they were, passwords included.
    let first =
        |store: &SqliteStore| store.proxies(ann, &ProxyFilter::default(), None, 10, START).unwrap();
    assert_eq!(first(&restored).len(), 10);
    assert_eq!(first(&restored), first(&shop.store));

    // No orders until the operator has looked, and no id that was given before.
    let refused = run(&restored, order(ann, ProxyKind::Ipv4, 1), START).result;
    assert!(matches!(refused, Err(Refusal::SalesLocked)), "{refused:?}");
    restored.set_sales_locked(false).unwrap();
    let new = granted(&run(&restored, order(ann, ProxyKind::Ipv4, 1), START));
    assert!(highest < new[0]);
    assert_eq!(restored.audit(&mut |_| {}).unwrap().violations, []);
}

#[test]
fn what_was_revoked_after_the_backup_stays_revoked() {
    let shop = Shop::new();
    let ann = shop.customer(100);
    let (stolen, kept) = (key(&shop, ann, 1), key(&shop, ann, 2));
    let token = shop.store.create_operator_token("old", &[3; 32], START).unwrap();
    shop.store.create_operator_token("new", &[4; 32], START).unwrap();
    let backup = shop.folder.path().join("backup.db");
    shop.store.backup(&backup, &mut |_, _| {}).unwrap();
    assert!(shop.store.revoke_key(stolen, START).unwrap());
    assert!(shop.store.revoke_operator_token(token, START).unwrap());

    let there = Elsewhere::new();
    let report = there.restore(&shop, &backup).unwrap();
    let restored = there.open();

    assert_eq!((report.keys_revoked, report.tokens_revoked), (1, 1));
    assert!(report.revocations_known);
    let valid = |hash: [u8; 32]| {
        let (key, _) = restored.key_by_hash(&hash).unwrap().unwrap();
        key.is_valid(START + Span::HOUR)
    };
    assert!(!valid([1; 32]));
    assert!(valid([2; 32]));
    assert_ne!(stolen, kept);
    assert_eq!(restored.operator_token_by_hash(&[3; 32]).unwrap(), None);
    assert!(restored.operator_token_by_hash(&[4; 32]).unwrap().is_some());
}

#[test]
fn a_restore_says_when_it_does_not_know_what_was_revoked() {
    let shop = Shop::new();
    let backup = shop.folder.path().join("backup.db");
    shop.store.backup(&backup, &mut |_, _| {}).unwrap();
    std::fs::remove_file(Revocations::beside(&shop.folder.path().join("sublet.key"))).unwrap();

    let there = Elsewhere::new();
    let report = there.restore(&shop, &backup).unwrap();
    assert_eq!((report.revocations_known, report.last_entry_at), (false, None));
}

#[test]
fn a_restore_refuses_what_does_not_fit() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    shop.order(ann, ProxyKind::Ipv4, 2);
    let backup = shop.folder.path().join("backup.db");
    shop.store.backup(&backup, &mut |_, _| {}).unwrap();

    // A database is there, or a part of an old one.
    check(&shop, &backup, |there| std::fs::write(there.database(), "old").unwrap(), "exists");
    let log = |there: &Elsewhere| there.folder.path().join("sublet.db-wal");
    check(&shop, &backup, |there| std::fs::write(log(there), "old").unwrap(), "exists");
    // The key file is not there, damaged, or another's.
    let no_key = |there: &Elsewhere| std::fs::remove_file(there.key_file()).unwrap();
    check(&shop, &backup, no_key, "is missing");
    let damage = |there: &Elsewhere| std::fs::write(there.key_file(), "# none\n").unwrap();
    check(&shop, &backup, damage, "does not belong");
    let other = Shop::new();
    let others = other.folder.path().join("sublet.key");
    let swap = |there: &Elsewhere| {
        std::fs::copy(&others, there.key_file()).unwrap();
    };
    check(&shop, &backup, swap, "does not belong");

    // The backup is not there, or none of ours, or damaged.
    let folder = shop.folder.path();
    check(&shop, &folder.join("nothing"), |_| {}, "No such file");
    let text = folder.join("text");
    std::fs::write(&text, "a letter to somebody ".repeat(100)).unwrap();
    check(&shop, &text, |_| {}, "no SQLite database");
    let foreign = folder.join("foreign.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (a);").unwrap();
    check(&shop, &foreign, |_| {}, "another program");
    let damaged = folder.join("damaged.db");
    std::fs::copy(&backup, &damaged).unwrap();
    Connection::open(&damaged)
        .unwrap()
        .execute_batch(
            "PRAGMA writable_schema = ON;
             DELETE FROM sqlite_schema WHERE name = 'lease_due';",
        )
        .unwrap();
    check(&shop, &damaged, |_| {}, "is damaged");
}

#[test]
fn every_statement_can_be_prepared() {
    let shop = Shop::new();
    let connection = Connection::open(path(&shop.folder)).unwrap();
    for (name, sql) in STATEMENTS {
        connection.prepare(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Another machine, on which there is only what the operator brings.
struct Elsewhere {
    folder: TempDir,
}

impl Elsewhere {
    fn new() -> Elsewhere {
        Elsewhere { folder: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("sublet.db")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("the.key")
    }

    /// Brings the key file and the revocations of a shop.
    fn bring(&self, shop: &Shop) {
        let key_file = shop.folder.path().join("sublet.key");
        std::fs::copy(&key_file, self.key_file()).unwrap();
        let revocations = Revocations::beside(&key_file);
        if revocations.exists() {
            std::fs::copy(revocations, Revocations::beside(&self.key_file())).unwrap();
        }
    }

    fn restore(&self, shop: &Shop, backup: &Path) -> Result<RestoreReport> {
        self.bring(shop);
        restore(backup, &self.database(), &self.key_file(), START + Span::HOUR)
    }

    fn open(&self) -> SqliteStore {
        let (path, key_file) = (self.database(), self.key_file());
        let create = Create::Never;
        SqliteStore::open(&Options { path, key_file, create, migrate: false, readers: 1 }).unwrap()
    }
}

/// A restore is refused with these words, and leaves everything as `prepare` made it.
#[track_caller]
fn check(shop: &Shop, backup: &Path, prepare: impl FnOnce(&Elsewhere), words: &str) {
    let there = Elsewhere::new();
    there.bring(shop);
    prepare(&there);
    let files = || {
        let entries = std::fs::read_dir(there.folder.path()).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            (path.clone(), std::fs::read(path).unwrap())
        });
        entries.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    let refused = restore(backup, &there.database(), &there.key_file(), START).unwrap_err();
    assert!(matches!(refused, Error::Open(_)), "{refused:?}");
    assert!(refused.to_string().contains(words), "{refused}");
    assert_eq!(files(), before);
}

/// A key of a customer, whose hash is `byte` all over.
fn key(shop: &Shop, customer: CustomerId, byte: u8) -> KeyId {
    let new = NewApiKey {
        hash: [byte; 32],
        customer,
        name: "key".into(),
        allowed: Vec::new(),
        read_only: false,
        repeat_window: Span::ZERO,
        requests_per_minute: None,
        expires_at: None,
    };
    shop.store.create_key(&new, START).unwrap()
}
