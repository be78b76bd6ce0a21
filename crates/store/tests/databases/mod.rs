//! PostgreSQL stores, in databases of a server of the tests' own.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::path::Path;
use std::sync::Arc;

use e2e::postgres::Postgres;
use store::conformance::shop::Shop;
use store::postgres::{Create, Options, PostgresStore};
use tempfile::TempDir;

/// The URL of a new, empty database.
pub(crate) fn new() -> String {
    Postgres::shared().new_database()
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

/// A database that several servers share.
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    pub(crate) sandbox: bool,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared { url: new(), folder: TempDir::new().unwrap(), sandbox: false }
    }

    /// What a server with this name opens.
    pub(crate) fn store(&self, server: &str) -> PostgresStore {
        self.store_at(&self.url, server)
    }

    /// The same, reached by another URL.
    pub(crate) fn store_at(&self, url: &str, server: &str) -> PostgresStore {
        let options = options(url, self.folder.path(), self.sandbox);
        PostgresStore::open(&Options { server: server.to_owned(), ..options }).unwrap()
    }

    /// The same shop as two servers see it.
    pub(crate) fn shops(&self) -> [Shop; 2] {
        let first = Shop::furnish(Arc::new(self.store("one")));
        let second = Shop { store: Arc::new(self.store("two")), now: first.now };
        [first, second]
    }

    /// Runs statements in it.
    pub(crate) fn psql(&self, sql: &str) -> String {
        e2e::postgres::psql(&self.url, sql).unwrap()
    }
}
