//! Databases of a PostgreSQL server, one for each store that a test makes.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use store::postgres::{Create, Options, PostgresStore};
use tempfile::TempDir;

/// Makes stores in a database and with a folder of their own each.
#[derive(Default)]
pub(crate) struct Maker {
    pub(crate) folders: Vec<TempDir>,
    pub(crate) sandbox: bool,
}

impl Maker {
    pub(crate) fn make(&mut self) -> PostgresStore {
        let folder = TempDir::new().unwrap();
        let options = options(&new_database(), folder.path(), self.sandbox);
        self.folders.push(folder);
        PostgresStore::open(&options).unwrap()
    }
}

/// How a database is opened, with a key in `folder`.
pub(crate) fn options(url: &str, folder: &Path, sandbox: bool) -> Options {
    Options {
        url: url.to_owned(),
        key_file: folder.join("sublet.key"),
        create: Create::IfMissing { sandbox },
        migrate: true,
        readers: 2,
        server: "test".to_owned(),
    }
}

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The URL of a new, empty database.
pub(crate) fn new_database() -> String {
    let server = std::env::var("SUBLET_TEST_POSTGRES").unwrap();
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let done = std::process::Command::new("psql")
        .args([&format!("{server}/postgres"), "-qc", &format!("CREATE DATABASE {name}")])
        .status()
        .unwrap();
    assert!(done.success());
    format!("{server}/{name}")
}
