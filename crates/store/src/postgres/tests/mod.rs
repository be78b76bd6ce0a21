//! Tests that look inside.

mod audit;
mod statements;
mod transactions;

use tempfile::TempDir;

use super::{Create, Options};

/// How the database at `url` is opened, with a key in `folder`.
fn options(url: &str, folder: &TempDir) -> Options {
    Options {
        url: url.to_owned(),
        key_file: folder.path().join("sublet.key"),
        create: Create::IfMissing { sandbox: true },
        migrate: true,
        readers: 2,
        server: "test".to_owned(),
    }
}
