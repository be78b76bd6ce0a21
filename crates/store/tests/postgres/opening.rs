//! Opening, making and refusing databases.

use std::thread;

use store::Store;
use store::error::{Error, OpenError};
use store::postgres::{Create, Options, PostgresStore};
use tempfile::TempDir;

use crate::databases::{self, options};

/// Why a database is not opened.
#[track_caller]
fn refused(options: &Options) -> OpenError {
    match PostgresStore::open(options) {
        Err(Error::Open(error)) => error,
        other => panic!("it must be refused: {other:?}"),
    }
}

/// Many servers that start at once make one installation.
#[test]
fn a_database_is_made_once_by_all_who_start_at_once() {
    let (url, folder) = (databases::new(), TempDir::new().unwrap());
    let options = options(&url, folder.path(), false);
    let installations = thread::scope(|scope| {
        let opening: Vec<_> = (0..8)
            .map(|number| {
                let options = Options { server: format!("server {number}"), ..options.clone() };
                scope.spawn(move || PostgresStore::open(&options).unwrap().installation().unwrap())
            })
            .collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(installations.iter().all(|it| *it == installations[0]));
    let once = "SELECT COUNT(*) = COUNT(DISTINCT name) FROM migration";
    assert_eq!(e2e::postgres::psql(&url, once).unwrap().trim(), "t");
}

#[test]
fn what_is_not_there_is_not_made_unless_asked_for() {
    let (url, folder) = (databases::new(), TempDir::new().unwrap());
    let never = Options { create: Create::Never, ..options(&url, folder.path(), false) };
    assert!(matches!(refused(&never), OpenError::Missing(_)));
    let made = PostgresStore::open(&options(&url, folder.path(), true)).unwrap();
    assert!(made.installation().unwrap().sandbox);
    let again = PostgresStore::open(&never).unwrap();
    assert_eq!(again.installation().unwrap(), made.installation().unwrap());
}

#[test]
fn a_database_of_others_is_refused() {
    let (url, folder) = (databases::new(), TempDir::new().unwrap());
    e2e::postgres::psql(&url, "CREATE TABLE migration (id BIGINT)").unwrap();
    let error = refused(&options(&url, folder.path(), false));
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_schema_that_is_not_known_is_refused() {
    let (url, folder) = (databases::new(), TempDir::new().unwrap());
    let options = options(&url, folder.path(), false);
    drop(PostgresStore::open(&options).unwrap());
    let psql = |sql| e2e::postgres::psql(&url, sql).unwrap();
    psql("INSERT INTO migration VALUES (99, 'later', '\\x00')");
    assert!(matches!(refused(&options), OpenError::TooNew { found: 99, known: 2.. }));
    psql("DELETE FROM migration WHERE id = 99; UPDATE migration SET checksum = '\\x00'");
    let error = refused(&options);
    assert!(error.to_string().contains("migration books"), "{error}");
}

#[test]
fn another_key_is_refused() {
    let (url, folder) = (databases::new(), TempDir::new().unwrap());
    let ours = options(&url, folder.path(), false);
    drop(PostgresStore::open(&ours).unwrap());
    let other = TempDir::new().unwrap();
    let lost = options(&url, other.path(), false);
    assert!(matches!(refused(&lost), OpenError::KeyFileMissing { .. }));
    drop(PostgresStore::open(&options(&databases::new(), other.path(), false)).unwrap());
    assert!(matches!(refused(&lost), OpenError::KeyFileWrong(_)));
}

#[test]
fn a_database_that_cannot_hold_every_name_is_refused() {
    let folder = TempDir::new().unwrap();
    let made = databases::new();
    let sql = "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0";
    e2e::postgres::psql(&made, sql).unwrap();
    let url = format!("{}/ascii", made.rsplit_once('/').unwrap().0);
    let error = refused(&options(&url, folder.path(), false));
    assert!(error.to_string().contains("SQL_ASCII"), "{error}");
    e2e::postgres::psql(&made, "DROP DATABASE ascii").unwrap();
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let folder = TempDir::new().unwrap();
    let options = options("postgresql://postgres@127.0.0.1:1/shop", folder.path(), false);
    assert!(matches!(PostgresStore::open(&options), Err(Error::Unavailable(_))));
}
