//! Opening and making databases.

use std::os::unix::fs::PermissionsExt as _;

use rusqlite::Connection;

use super::super::{Create, Options, SqliteStore};
use super::shop::*;
use crate::Store;
use crate::error::{Error, OpenError};

#[track_caller]
fn refused(options: &Options) -> OpenError {
    match SqliteStore::open(options) {
        Err(Error::Open(error)) => error,
        other => panic!("it was opened: {other:?}"),
    }
}

/// Does something to the database behind the store's back.
fn tamper(folder: &tempfile::TempDir, sql: &str) {
    Connection::open(path(folder)).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_database_is_made_once_and_stays_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let never = Options { create: Create::Never, ..options(&folder) };
    assert!(matches!(refused(&never), OpenError::Missing(_)));
    assert!(!path(&folder).exists());

    let first = SqliteStore::open(&options(&folder)).unwrap().installation().unwrap();
    let again = Options { create: Create::IfMissing { sandbox: false }, ..options(&folder) };
    assert_eq!(SqliteStore::open(&again).unwrap().installation().unwrap(), first);
    assert!(first.sandbox);
    let mode = std::fs::metadata(path(&folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[test]
fn a_database_that_was_not_finished_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(&options(&folder)).unwrap());
    // As if it had ended between the schema and the first row.
    tamper(&folder, "DELETE FROM installation; DELETE FROM state;");
    let never = Options { create: Create::Never, ..options(&folder) };
    assert!(matches!(refused(&never), OpenError::NotOurs { .. }));
    SqliteStore::open(&options(&folder)).unwrap().installation().unwrap();

    std::fs::write(path(&folder), "").unwrap();
    assert!(matches!(refused(&never), OpenError::Missing(_)));
}

#[test]
fn two_that_make_it_at_once_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let keys: Vec<[u8; 16]> = std::thread::scope(|scope| {
        let open = || SqliteStore::open(&options(&folder)).unwrap().installation().unwrap().id_key;
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn without_its_key_file_a_database_stays_shut() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(&options(&folder)).unwrap());
    let key_file = options(&folder).key_file;
    let elsewhere = folder.path().join("elsewhere.key");
    std::fs::rename(&key_file, &elsewhere).unwrap();
    assert!(matches!(refused(&options(&folder)), OpenError::KeyFileMissing { .. }));
    assert!(!key_file.exists(), "a new key would not open the old passwords");

    crate::vault::Vault::create(&key_file).unwrap();
    assert!(matches!(refused(&options(&folder)), OpenError::KeyFileWrong(_)));
    let named = Options { key_file: elsewhere, ..options(&folder) };
    SqliteStore::open(&named).unwrap();
}

#[test]
fn a_schema_that_is_not_known_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(&options(&folder)).unwrap());
    tamper(&folder, "INSERT INTO migration VALUES (99, 'later', zeroblob(32));");
    assert!(matches!(refused(&options(&folder)), OpenError::TooNew { found: 99, .. }));
    tamper(&folder, "DELETE FROM migration WHERE id = 99;");
    drop(SqliteStore::open(&options(&folder)).unwrap());
    tamper(&folder, "UPDATE migration SET checksum = zeroblob(32);");
    assert!(matches!(refused(&options(&folder)), OpenError::NotOurs { .. }));
}

#[test]
fn what_is_no_database_of_ours_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    tamper(&folder, "CREATE TABLE theirs (id INTEGER);");
    assert!(matches!(refused(&options(&folder)), OpenError::NotOurs { .. }));
    let text = "a letter to somebody, long enough to be taken for the head of a database file of \
                a hundred bytes or more";
    std::fs::write(path(&folder), text).unwrap();
    assert!(matches!(refused(&options(&folder)), OpenError::NotOurs { .. }));
    assert_eq!(std::fs::read_to_string(path(&folder)).unwrap(), text);
}

#[test]
fn names_that_mean_more_than_a_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["file:x.db?nolock=1", ":memory:", ""] {
        let odd = Options { path: name.into(), ..options(&folder) };
        assert!(matches!(refused(&odd), OpenError::Unsafe(_)), "{name}");
    }
}

#[test]
fn damage_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::new();
    shop.store.backup(&path(&folder), &mut |_, _| {}).unwrap();
    std::fs::copy(options(&shop.folder).key_file, options(&folder).key_file).unwrap();
    drop(SqliteStore::open(&options(&folder)).unwrap());
    let mut bytes = std::fs::read(path(&folder)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x55);
    std::fs::write(path(&folder), bytes).unwrap();
    assert!(SqliteStore::open(&options(&folder)).is_err());
}
