//! Books that leave their file for another database.
//!
//! Whoever moves them has the file for himself, from the first look to the end: no server writes
//! what would be left behind, and none reads what is no longer so. SQLite tells whether somebody
//! has it open, because everybody who has holds a lock on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::{answers, audit, durability, migrate, open, state, transaction};
use crate::Result;
use crate::audit::Report;
use crate::error::{Error, OpenError};
use crate::files;
use crate::transfer::{Options, Origin, Unmoved};
use crate::vault::Vault;
use domain::time::Time;

/// How long somebody who has the file open is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Books in a file that nobody else has open.
pub(crate) struct Leaving {
    connection: Connection,
    vault: Vault,
    origin: Origin,
    gone_to: Option<String>,
}

impl Leaving {
    /// Takes the file, and remembers the answers that its last server may not have delivered.
    pub(crate) fn begin(options: &Options) -> Result<Leaving> {
        let Options { from: path, key_file, unsettled, now, .. } = options;
        let path = open::plain(path)?;
        if !path.try_exists().map_err(files::io(&path))? {
            return Err(OpenError::Missing(path).into());
        }
        let connection = connect(&path)?;
        let found = migrate::check(&connection, &path)?;
        durability::set(&connection)?;
        durability::check(&connection)?;
        if found == 0 {
            return Err(open::unfinished(&path).into());
        }
        migrate::apply(&connection)?;
        let made = state::installation(&connection)?.ok_or_else(|| open::unfinished(&path))?;
        let vault = Vault::open(key_file, &path)?;
        if vault.fingerprint() != made.key_fingerprint {
            return Err(OpenError::KeyFileWrong(key_file.clone()).into());
        }
        let gone_to = state::moved(&connection)?;
        if gone_to.is_none() {
            let until = *now + state::clock_offset(&connection)? + unsettled.kept;
            transaction::writing(&connection, |connection| {
                answers::note_start(connection, unsettled.window, until)
            })?;
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let origin = Origin {
            place: path.display().to_string(),
            id_key: made.id_key,
            sandbox: made.sandbox,
        };
        Ok(Leaving { connection, vault, origin, gone_to })
    }

    /// What is moved.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What its secrets are sealed with.
    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where the books have gone to, if they have.
    pub(crate) fn gone_to(&self) -> Option<&str> {
        self.gone_to.as_deref()
    }

    /// Shows every row that a statement gives.
    pub(crate) fn rows(
        &self,
        sql: &str,
        mut see: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            see(row)?;
        }
        Ok(())
    }

    /// See [`crate::Store::audit`].
    pub(crate) fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        audit::audit(&self.connection, progress)
    }

    /// Notes for good that the books are at `place` from now on, so that nobody opens these again.
    pub(crate) fn leave(&self, place: &str, at: Time) -> Result<()> {
        state::set_moved(&self.connection, place, at)?;
        Ok(self.connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?)
    }
}

/// A connection that shares the file with nobody.
fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(open::STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    // Before the first look, because the lock is taken with it.
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    // A write takes it too where there is no write-ahead log.
    match connection.execute_batch("BEGIN EXCLUSIVE; COMMIT") {
        Ok(()) => {}
        Err(error) => return Err(not_taken(path, error)),
    }
    if migrate::is_empty(&connection)? {
        return Err(OpenError::Missing(path.to_path_buf()).into());
    }
    Ok(connection)
}

fn not_taken(path: &Path, error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Unmoved::InUse(PathBuf::from(path)).into()
        }
        Some(ErrorCode::NotADatabase) => {
            let reason = "it is no SQLite database".to_owned();
            OpenError::NotOurs { path: path.to_path_buf(), reason }.into()
        }
        _ => error.into(),
    }
}
