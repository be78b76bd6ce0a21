//! Books of earlier versions are brought to this one, with everything that was in them.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod databases;

use std::sync::Arc;

use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::order::AccessWish;
use domain::proxy::Proxy;
use domain::time::Span;
use store::conformance::shop::{IntoCommand, Shop, keyless, order};
use store::error::{Error, OpenError};
use store::postgres::PostgresStore;
use store::sqlite::{Create, Options, SqliteStore};
use tempfile::TempDir;

use crate::databases::Shared;

/// Takes the books back to version 3, before authorisations and payments; `{numbers}` is the table
/// of the next numbers, `{bytes}` the type of bytes.
const BACK: &str = "
    ALTER TABLE customer_order ADD COLUMN login TEXT;
    ALTER TABLE customer_order ADD COLUMN password_sealed {bytes};
    ALTER TABLE customer_order ADD COLUMN source_ip TEXT;
    UPDATE customer_order SET
        login = (SELECT login FROM authorisation WHERE order_id = customer_order.id),
        password_sealed =
            (SELECT password_sealed FROM authorisation WHERE order_id = customer_order.id),
        source_ip = (SELECT source_ip FROM authorisation WHERE order_id = customer_order.id);
    DROP TABLE authorisation;
    DROP TABLE usual_login;
    DROP TABLE replacement;
    DROP TABLE payment;
    DROP TABLE card;
    DROP TABLE auto_top_up;
    DROP TABLE usage_day;
    DROP TABLE meter;
    DROP TABLE rotation;
    DROP TABLE modem;
    DROP TABLE exit_state;
    DROP INDEX address_of_modem;
    ALTER TABLE address DROP COLUMN modem;
    ALTER TABLE lease DROP COLUMN reboot_epoch;
    DROP TABLE gateway_identity;
    DROP TABLE gateway_node;
    DROP TABLE limit_exception;
    ALTER TABLE lease DROP COLUMN replaced_at_ms;
    ALTER TABLE lease DROP COLUMN comment;
    ALTER TABLE lease DROP COLUMN renew_card_id;
    ALTER TABLE {numbers} DROP COLUMN next_authorisation;
    DELETE FROM migration WHERE 3 < id;
";

fn back(numbers: &str, bytes: &str) -> String {
    BACK.replace("{numbers}", numbers).replace("{bytes}", bytes)
}

/// Orders with a login of their own, as all were, and with a source address.
fn orders(shop: &Shop) -> (CustomerId, Vec<Proxy>) {
    let ann = shop.customer("Ann", 100_000);
    shop.stock(ProxyKind::Ipv4, 20);
    shop.ordered(ann, ProxyKind::Ipv4, 3);
    let mut sourced = order(ann, ProxyKind::Ipv4, 2);
    sourced.access = AccessWish::SourceIp("198.51.100.7".parse().ok());
    shop.done(keyless(sourced.into_command(), 2, Span::ZERO));
    let proxies = shop.live(ann);
    assert_eq!(proxies.len(), 5);
    (ann, proxies)
}

/// The same leases are there with the same ways in, and more can be had.
fn goes_on(shop: &Shop, ann: CustomerId, proxies: &[Proxy]) {
    assert_eq!(shop.live(ann), proxies);
    let shown = shop.store.authorisations(ann, None, None, 100).unwrap();
    assert_eq!(shown.len(), 2);
    shop.ordered(ann, ProxyKind::Ipv4, 1);
    assert_eq!(shop.store.authorisations(ann, None, None, 100).unwrap().len(), 3);
    shop.audit();
}

#[test]
fn a_file_is_brought_to_this_version() {
    let folder = TempDir::new().unwrap();
    let options = Options {
        path: folder.path().join("sublet.db"),
        key_file: folder.path().join("sublet.key"),
        create: Create::IfMissing { sandbox: false },
        migrate: false,
        readers: 1,
    };
    let shop = Shop::furnish(Arc::new(SqliteStore::open(&options).unwrap()));
    let (ann, proxies) = orders(&shop);
    let now = shop.now;
    drop(shop);
    let file = rusqlite::Connection::open(&options.path).unwrap();
    file.execute_batch(&back("state", "BLOB")).unwrap();
    drop(file);

    let error = SqliteStore::open(&options).unwrap_err();
    assert!(matches!(error, Error::Open(OpenError::TooOld { found: 2, .. })), "{error}");
    let store = SqliteStore::open(&Options { migrate: true, ..options }).unwrap();
    goes_on(&Shop { store: Arc::new(store), now }, ann, &proxies);
}

#[test]
fn a_database_is_brought_to_this_version_when_no_old_server_is_there() {
    let shared = Shared::new();
    let shop = Shop::furnish(Arc::new(shared.store("new")));
    let (ann, proxies) = orders(&shop);
    let now = shop.now;
    drop(shop);
    shared.psql(&back("number", "BYTEA"));
    let seen = |seconds: i64| {
        shared.psql(&format!(
            "INSERT INTO server SELECT 77, 'elder', 0, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - {seconds} * 1000, \
             1, 0, 0 ON CONFLICT (id) DO UPDATE SET seen_at_ms = EXCLUDED.seen_at_ms"
        ));
    };

    // An hour ahead, so that however long the test takes the server was heard of just now.
    seen(-3600);
    let options = databases::options(&shared.url, shared.folder.path(), false);
    let error = PostgresStore::open(&options).unwrap_err();
    assert!(matches!(error, Error::Open(OpenError::InUse { needed: 4, .. })), "{error}");
    assert!(error.to_string().contains("(elder)"), "{error}");
    assert_eq!(shared.psql("SELECT MAX(id) FROM migration").trim(), "3", "nothing was changed");

    seen(6);
    let store = PostgresStore::open(&options).unwrap();
    goes_on(&Shop { store: Arc::new(store), now }, ann, &proxies);
}
