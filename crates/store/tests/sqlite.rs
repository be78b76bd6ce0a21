//! The SQLite store is run through the suite that every store must pass.
#![expect(clippy::unwrap_used, reason = "a test helper")]

use std::path::Path;

use store::sqlite::{Create, Options, SqliteStore};
use store::{Store, conformance};
use tempfile::TempDir;

/// A new database in a folder that is removed in the end.
fn make(folders: &mut Vec<TempDir>, sandbox: bool) -> Box<dyn Store> {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), sandbox);
    folders.push(folder);
    Box::new(store)
}

fn open(folder: &Path, sandbox: bool) -> SqliteStore {
    SqliteStore::open(&Options {
        path: folder.join("sublet.db"),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox },
        migrate: true,
        readers: 2,
    })
    .unwrap()
}

#[test]
fn it_does_as_every_store_must() {
    let mut folders = Vec::new();
    conformance::run(&mut || make(&mut folders, false));
}

#[test]
fn its_sandbox_does_too() {
    let mut folders = Vec::new();
    conformance::rows::an_installation_keeps_its_nature(&mut || make(&mut folders, true));
}
