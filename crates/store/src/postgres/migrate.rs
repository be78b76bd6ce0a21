//! Bringing a database to the schema that this program knows.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::servers;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::error::OpenError;

/// The migrations in their order. Those that have been released never change.
const MIGRATIONS: &[Migration] = &[
    Migration {
        id: 1,
        name: "books",
        alone: false,
        shared: include_str!("../../migrations/0001_books.sql"),
        own: include_str!("../../migrations/0001_postgres.sql"),
    },
    Migration {
        id: 2,
        name: "moving",
        alone: false,
        shared: "",
        own: include_str!("../../migrations/0002_postgres.sql"),
    },
    Migration {
        id: 3,
        name: "runs",
        alone: false,
        shared: "",
        own: include_str!("../../migrations/0003_postgres.sql"),
    },
    Migration {
        id: 4,
        name: "access",
        alone: true,
        shared: include_str!("../../migrations/0004_access.sql"),
        own: include_str!("../../migrations/0004_postgres.sql"),
    },
    Migration {
        id: 5,
        name: "payments",
        alone: false,
        shared: include_str!("../../migrations/0005_payments.sql"),
        own: "",
    },
    Migration {
        id: 6,
        name: "usage",
        alone: false,
        shared: include_str!("../../migrations/0006_usage.sql"),
        own: "",
    },
    Migration {
        id: 7,
        name: "rotation",
        alone: false,
        shared: include_str!("../../migrations/0007_rotation.sql"),
        own: "",
    },
    Migration {
        id: 8,
        name: "nodes",
        alone: false,
        shared: include_str!("../../migrations/0008_nodes.sql"),
        own: "",
    },
    Migration {
        id: 9,
        name: "limits",
        alone: false,
        shared: include_str!("../../migrations/0009_limits.sql"),
        own: "",
    },
];

struct Migration {
    id: i64,
    name: &'static str,
    /// Whether servers that do not know it could not go on beside it.
    alone: bool,
    /// What every engine needs, in words that are replaced by the engine's own.
    shared: &'static str,
    /// What follows on PostgreSQL.
    own: &'static str,
}

impl Migration {
    fn checksum(&self) -> [u8; 32] {
        Sha256::new().chain_update(self.shared).chain_update(self.own).finalize().into()
    }

    /// The text in PostgreSQL's words.
    fn text(&self) -> String {
        let shared = self.shared.replace(") /* heap */;", ");");
        shared.replace(") /* clustered */;", ");") + self.own
    }
}

/// What the migrations themselves are noted in. Its description says whose the database is.
const NOTES: &str = "CREATE TABLE migration (
    id       BIGINT PRIMARY KEY,
    name     TEXT  NOT NULL,
    checksum BYTEA NOT NULL
);
COMMENT ON TABLE migration IS 'Sublet'";

/// What [`NOTES`] says.
const OURS: &str = "Sublet";

statements! {
    /// How many tables there are, and the description of [`NOTES`], if it is there.
    TABLES = "SELECT COUNT(*), MAX(obj_description(oid, 'pg_class')) FILTER
        (WHERE relname = 'migration') FROM pg_catalog.pg_class
        WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind IN ('r', 'p')";
    NOTED = "SELECT id, checksum FROM migration ORDER BY id";
    NOTE = "INSERT INTO migration (id, name, checksum) VALUES ($1, $2, $3)";
    /// Whoever migrates keeps others from it until he has committed.
    LOCK = "LOCK TABLE migration IN SHARE ROW EXCLUSIVE MODE";
}

/// The version of the schema that this program knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.id)
}

/// What is in a database.
pub(super) enum Found {
    /// No table at all.
    Nothing,
    /// Tables of ours, of this version of the schema; 0 while they are being made.
    Ours(i64),
}

/// Looks at what is there. Refuses a database that is not ours, or whose schema is none that this
/// program knows. `place` is what it is called in errors.
pub(super) fn look(tx: &Tx<'_>, place: &Path) -> Result<Found> {
    let not_ours =
        |reason: &str| OpenError::NotOurs { path: PathBuf::from(place), reason: reason.to_owned() };
    let row = tx.row(TABLES, &[])?.expect("a count has a row");
    match (row.int(0)?, row.optional_text(1)?) {
        (0, _) => return Ok(Found::Nothing),
        (_, Some(OURS)) => {}
        _ => return Err(not_ours("there are tables of another program in it").into()),
    }
    let mut found = 0;
    for row in tx.rows(NOTED, &[])? {
        let (id, checksum) = (row.int(0)?, row.bytes(1)?);
        found = id;
        let Some(migration) = MIGRATIONS.iter().find(|migration| migration.id == id) else {
            continue;
        };
        if checksum != migration.checksum() {
            let reason = format!("its migration {} is not the one known here", migration.name);
            return Err(not_ours(&reason).into());
        }
    }
    if known() < found {
        return Err(OpenError::TooNew { found, known: known() }.into());
    }
    Ok(Found::Ours(found))
}

/// Makes the table that migrations are noted in, which makes an empty database ours. If others do
/// so at the same moment, all but one fail, and find it made when they try again.
pub(super) fn claim(tx: &Tx<'_>, place: &Path) -> Result<()> {
    match look(tx, place)? {
        Found::Nothing => tx.script(NOTES),
        Found::Ours(_) => Ok(()),
    }
}

/// Applies the first migration that has not been applied; says whether there was one. Refuses one
/// that servers which are there could not go on with.
pub(super) fn apply_next(tx: &Tx<'_>) -> Result<bool> {
    tx.execute(LOCK, &[])?;
    let done = tx.rows(NOTED, &[])?.len();
    let Some(migration) = MIGRATIONS.get(done) else { return Ok(false) };
    // Books that are being made have no servers yet, nor what they are noted in.
    if migration.alone && 0 < done {
        let servers = servers::alive(tx)?;
        if !servers.is_empty() {
            let servers = servers.join(", ");
            return Err(OpenError::InUse { servers, needed: migration.id }.into());
        }
    }
    tx.script(&migration.text())?;
    let checksum = migration.checksum().to_vec();
    tx.execute(NOTE, &[&migration.id, &migration.name, &checksum])?;
    Ok(true)
}
