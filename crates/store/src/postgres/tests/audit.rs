//! An audit finds the same in the same books, whichever engine keeps them.

use domain::kind::ProxyKind;
use domain::time::Span;
use e2e::postgres::{Postgres, psql};
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::{PostgresStore, audit};
use crate::Store;
use crate::audit::Report;
use crate::conformance::shop::{IntoCommand, Shop, auto_extend, extend, order};
use crate::sqlite::{Options, SqliteStore};

/// What is done to the books behind the store's back, one after another.
const DAMAGE: &[&str] = &[
    "UPDATE posting SET amount_minor = amount_minor + 1 WHERE account_id = 100001 AND version = 2",
    "UPDATE posting SET balance_after_minor = 7 WHERE account_id = 100001 AND version = 3",
    "DELETE FROM posting WHERE account_id = 100002 AND version = 2",
    // Of an entry that does not name it, of one that there is not, and of the next one.
    "INSERT INTO posting VALUES (100001, 99, 3, 5, 5)",
    "INSERT INTO posting VALUES (100001, 98, 9999, 5, 5)",
    "UPDATE posting SET entry_id = entry_id + 1 WHERE account_id = 100002 AND version = 3",
    "DELETE FROM entry WHERE id = 5",
    "DELETE FROM entry WHERE id = 10",
    "UPDATE wallet SET balance_minor = balance_minor + 1 WHERE customer_id = 1",
    "UPDATE lease SET ends_at_ms = ends_at_ms + 1 WHERE id = 4",
    "UPDATE lease SET state = 2 WHERE id = 5",
    "DELETE FROM lease WHERE id = 9",
    "UPDATE address SET lease_id = NULL WHERE lease_id = 2",
    "UPDATE address SET lease_id = 3 WHERE id = 20",
    "UPDATE promo SET uses = 4",
    "UPDATE promo_use SET uses = 8 WHERE customer_id = 1",
    "DELETE FROM promo_use WHERE customer_id = 2",
    "INSERT INTO promo_use VALUES (1, 3, 2)",
];

/// Some weeks of two customers and one who does nothing.
fn fill(store: Box<dyn Store>) {
    let mut store = Some(store);
    let mut shop = Shop::open(&mut || store.take().unwrap());
    let customers = ["Ann", "Bob"].map(|name| shop.customer(name, 10_000));
    shop.customer("Eva", 0);
    shop.stock(ProxyKind::Ipv4, 40);
    shop.promo("TEN", "10", Some(9), None);
    for quantity in [1, 2, 3] {
        for customer in customers {
            let mut wish = order(customer, ProxyKind::Ipv4, quantity);
            wish.promo = Some("TEN".to_owned());
            shop.done(wish.into_command());
            let leases: Vec<_> = shop.live(customer).iter().map(|it| it.lease.id).collect();
            shop.done(extend(customer, ProxyKind::Ipv4, &leases[..1]).into_command());
            let on = quantity != 2;
            shop.done(auto_extend(customer, ProxyKind::Ipv4, &leases[..1], on).into_command());
            shop.wait(Span::HOUR);
        }
    }
    shop.wait(Span::from_days(30));
    shop.sweep();
    shop.audit();
}

#[test]
fn the_same_damage_is_found_as_on_sqlite() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sublet.db");
    let sqlite = || {
        let options = Options {
            path: path.clone(),
            key_file: folder.path().join("sqlite.key"),
            create: crate::sqlite::Create::IfMissing { sandbox: true },
            migrate: true,
            readers: 1,
        };
        SqliteStore::open(&options).unwrap()
    };
    let url = Postgres::shared().new_database();
    let options = super::options(&url, &folder);
    fill(Box::new(sqlite()));
    fill(Box::new(PostgresStore::open(&options).unwrap()));
    let (sqlite, postgres) = (sqlite(), PostgresStore::open(&options).unwrap());
    let file = Connection::open(&path).unwrap();

    let expected = || sqlite.audit(&mut |_| {}).unwrap();
    let found = |page| -> Report {
        let mut told = Vec::new();
        let report =
            postgres.survey(|tx| audit::in_pages(tx, page, &mut |done| told.push(done))).unwrap();
        assert!(told.is_sorted() && told.last() == Some(&report.entries), "{told:?}");
        report
    };
    let mut last = expected();
    assert_eq!(last.violations, []);
    assert_eq!(found(3), last);
    for damage in DAMAGE {
        file.execute(damage, []).unwrap();
        psql(&url, damage).unwrap();
        let expected = expected();
        assert_ne!(expected, last, "{damage}");
        for page in [1, 2, 3, 7, 5_000] {
            assert_eq!(found(page), expected, "{damage}");
        }
        last = expected;
    }
    for damage in ["UPDATE entry SET body = '{}' WHERE id = 6"] {
        file.execute(damage, []).unwrap();
        psql(&url, damage).unwrap();
        let expected = sqlite.audit(&mut |_| {}).unwrap_err();
        for page in [1, 3, 5_000] {
            let found = postgres.survey(|tx| audit::in_pages(tx, page, &mut |_| {})).unwrap_err();
            assert_eq!(found.to_string(), expected.to_string());
        }
    }
}
