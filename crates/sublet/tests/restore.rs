//! A backup is taken while customers buy, and restored elsewhere after more was sold.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use e2e::auditor::Entry;
use e2e::bodies::{extend, order};
use e2e::customer::{Customer, id};
use e2e::http::{Request, cents};
use e2e::town::Town;
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// Ids of orders and leases that customers know of.
fn ids(journal: &[Entry]) -> BTreeSet<&str> {
    let leases = journal.iter().flat_map(|entry| &entry.terms).map(|term| term.lease.as_str());
    let orders = journal.iter().filter_map(|entry| entry.order.as_deref());
    leases.chain(orders).collect()
}

#[test]
fn a_backup_that_was_taken_under_load_restores() {
    let rounds = std::env::var("SUBLET_RESTORES").map_or(1, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let mut town = Town::found(Town::setup(BINARY).in_a_file(), 50 + round);
        let customer = town.programs[0].customer().clone();
        let lost_key = customer.with_key(&town.shop.key(customer.id, "--name lost"));
        let token = town.shop.run(&["operator", "token", "create", "--name", "lost"]);
        let (backup, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let backup = backup.path().join("backup.db");

        town.work(|_| std::thread::sleep(Duration::from_millis(300)));
        let before = town.told();
        town.work(|shop| {
            std::thread::sleep(Duration::from_millis(100));
            shop.run(&["backup", backup.to_str().unwrap()]);
            std::thread::sleep(Duration::from_millis(100));
        });
        town.work(|_| std::thread::sleep(Duration::from_millis(300)));

        // After the backup, and before the disaster.
        town.shop.get(&lost_key, "/balance").ok();
        let keys = town.shop.run(&["key", "list", "--customer", &customer.id.to_string()]);
        let number = keys.iter().find(|key| key["name"] == "lost").unwrap()["key_id"].to_string();
        town.shop.run(&["key", "revoke", &number]);
        town.shop.run(&["operator", "token", "revoke", &token[0]["token_id"].to_string()]);
        let known = town.auditor().journal(0).unwrap();
        town.shop.kill9();
        move_away(&mut town, elsewhere.path());

        let restored = town.shop.run(&["restore", backup.to_str().unwrap()]);
        assert_eq!(restored[0]["revocations_known"], json!(true), "{restored:?}");
        assert_eq!(restored[0]["keys_revoked"], json!(1), "{restored:?}");
        assert_eq!(restored[0]["tokens_revoked"], json!(1), "{restored:?}");

        // Everything from before is there, and some of what was done meanwhile, in its order.
        let auditor = town.shop.auditor();
        auditor.audit().unwrap();
        let journal = auditor.journal(0).unwrap();
        let balances = auditor.balances().unwrap();
        let complaints = town.witness(&before, usize::MAX / 2).complaints(&journal, &balances);
        assert_eq!(complaints, Vec::<String>::new());
        assert!(journal.len() < known.len(), "the backup has what was done after it");

        town.shop.reopen();
        let refused = town.shop.get(&lost_key, "/balance");
        assert_eq!((refused.status, refused.code()), (200, 2), "{}", refused.text());
        let bearer = format!("Bearer {}", token[0]["token"].as_str().unwrap());
        let clock = Request::post("/sandbox/v1/clock", &json!({ "advance": "1s" }))
            .header("Authorization", &bearer)
            .send(town.shop.address());
        assert_eq!(clock.status, 401, "a revoked token works again: {}", clock.text());

        orders_are_locked_until_unlocked(&town, &customer);
        let sold = auditor.journal(journal.last().unwrap().place).unwrap();
        let sold: Vec<Entry> = sold.into_iter().filter(|entry| entry.event == "order").collect();
        assert_eq!(sold.len(), 1);
        assert!(ids(&known).is_disjoint(&ids(&sold)), "ids were given twice");
        auditor.audit().unwrap();
    }
}

/// Another disk, to which the key file and the revocations were copied, and nothing else.
fn move_away(town: &mut Town, elsewhere: &Path) {
    let folder = town.shop.folder();
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.starts_with("sublet.db") {
            std::fs::rename(folder.join(&name), elsewhere.join(&name)).unwrap();
        }
    }
    assert!(folder.join("sublet.key").exists() && folder.join("sublet.key.revoked").exists());
    assert!(!town.shop.database().file().exists());
}

#[track_caller]
fn orders_are_locked_until_unlocked(town: &Town, customer: &Customer) {
    let shop = &town.shop;
    shop.deposit(customer.id, "100.00");
    let wanted = order("IPv4", "USA", 2, 30);
    let balance = shop.balance(customer);
    let locked = shop.post(customer, "/order", &wanted);
    assert_eq!((locked.status, locked.code()), (200, 35), "{}", locked.text());
    let lease = shop.addresses(customer, "IPv4").remove(0);
    let extended = shop.post(customer, "/extend", &extend("IPv4", &[id(&lease)], 30)).ok();
    assert_eq!(cents(&extended["balance"]), balance - 100, "extensions are not locked");

    let unlocked = shop.run(&["unlock"]);
    assert_eq!(unlocked[0], json!({ "sales_locked": false, "was_locked": true }));
    let sold = shop.post(customer, "/order", &wanted).ok();
    assert_eq!(cents(&sold["balance"]), balance - 300);
}
