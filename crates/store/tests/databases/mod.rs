//! PostgreSQL stores, each in a new database of a server of the tests' own.

use std::path::Path;

use e2e::postgres::Postgres;
use store::postgres::{Create, Options};

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
