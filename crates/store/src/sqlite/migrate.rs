//! Bringing a database to the schema that this program knows.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::statements::statements;
use super::transaction;
use crate::Result;
use crate::error::OpenError;

/// The migrations in their order. Those that have been released never change.
const MIGRATIONS: &[Migration] = &[
    Migration {
        id: 1,
        name: "books",
        shared: include_str!("../../migrations/0001_books.sql"),
        own: "",
    },
    Migration {
        id: 2,
        name: "moved",
        shared: "",
        own: include_str!("../../migrations/0002_sqlite.sql"),
    },
    Migration {
        id: 4,
        name: "access",
        shared: include_str!("../../migrations/0004_access.sql"),
        own: include_str!("../../migrations/0004_sqlite.sql"),
    },
    Migration {
        id: 5,
        name: "payments",
        shared: include_str!("../../migrations/0005_payments.sql"),
        own: "",
    },
];

/// What SQLite keeps of a file to tell whose it is: `Subl`.
const APPLICATION_ID: i64 = 0x5375_626c;

struct Migration {
    id: i64,
    name: &'static str,
    /// What every engine needs.
    shared: &'static str,
    /// What follows on SQLite.
    own: &'static str,
}

impl Migration {
    fn checksum(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.shared).chain_update(self.own).finalize().into()
    }

    /// The text in SQLite's words. `BIGINT PRIMARY KEY` becomes the row's own number.
    fn text(&self) -> String {
        (self.shared.to_owned() + self.own)
            .replace("BIGINT", "INTEGER")
            .replace("BYTEA", "BLOB")
            .replace(") /* heap */;", ") STRICT;")
            .replace(") /* clustered */;", ") STRICT, WITHOUT ROWID;")
    }
}

/// What the migrations themselves are noted in.
const NOTES: &str = "CREATE TABLE migration (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT";

statements! {
    NOTED = "SELECT checksum FROM migration WHERE id = ?1";
    NEWEST = "SELECT COALESCE(MAX(id), 0) FROM migration";
    NOTE = "INSERT INTO migration (id, name, checksum) VALUES (?1, ?2, ?3)";
    TABLES = "SELECT COUNT(*) FROM sqlite_schema";
}

/// The version of the schema that this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.id)
}

/// Whether nothing was ever put into this database.
pub(super) fn is_empty(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row(TABLES, [], |row| row.get::<_, i64>(0))? == 0)
}

/// Makes the table that migrations are noted in, which makes an empty database ours.
pub(super) fn claim(connection: &Connection) -> Result<()> {
    transaction::writing(connection, |connection| {
        if is_empty(connection)? {
            connection.execute_batch(NOTES)?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        Ok(())
    })
}

/// Refuses a database that is not ours, or whose schema is none that this program knows; says the
/// version that it has.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<i64> {
    let not_ours =
        |reason: &str| OpenError::NotOurs { path: path.to_path_buf(), reason: reason.to_owned() };
    let application: i64 = connection.pragma_query_value(None, "application_id", |it| it.get(0))?;
    if application != APPLICATION_ID {
        return Err(not_ours("it was made by another program").into());
    }
    let found: i64 = connection.query_row(NEWEST, [], |row| row.get(0))?;
    if known() < found {
        return Err(OpenError::TooNew { found, known: known() }.into());
    }
    for migration in MIGRATIONS.iter().filter(|migration| migration.id <= found) {
        let noted: Option<[u8; 32]> =
            connection.query_row(NOTED, [migration.id], |row| row.get(0)).optional()?;
        if noted != Some(migration.checksum()) {
            let reason = format!("its migration {} is not the one known here", migration.name);
            return Err(not_ours(&reason).into());
        }
    }
    Ok(found)
}

/// Applies what has not been applied, each in a transaction of its own.
pub(super) fn apply(connection: &Connection) -> Result<()> {
    for migration in MIGRATIONS {
        transaction::writing(connection, |connection| {
            // Another process may have been faster.
            let noted: i64 = connection.query_row(NEWEST, [], |row| row.get(0))?;
            if noted < migration.id {
                connection.execute_batch(&migration.text())?;
                let checksum = migration.checksum();
                connection.execute(NOTE, (migration.id, migration.name, checksum))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
