//! The catalogue in force.

use std::sync::{Arc, Mutex, PoisonError};

use domain::catalogue::Catalogue;
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _};

use super::state;
use super::statements::statements;
use crate::encoding::corrupt;
use crate::{Result, catalogue_file};

statements! {
    TEXT = "SELECT text FROM catalogue WHERE version = ?1";
    ADD = "INSERT INTO catalogue (version, text, applied_at_ms) VALUES (?1, ?2, ?3)";
}

/// The last catalogue that was read, so that its text is not parsed again for every transaction.
#[derive(Debug, Default)]
pub(super) struct Catalogues {
    last: Mutex<Arc<Catalogue>>,
}

impl Catalogues {
    /// The catalogue of `version`, if it is the last that was read.
    pub(super) fn known(&self, version: i64) -> Option<Arc<Catalogue>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        (last.version == version).then(|| last.clone())
    }

    /// The catalogue of `version`, which is in force in the transaction of `connection`. Another
    /// process may have applied it a moment ago.
    pub(super) fn get(&self, connection: &Connection, version: i64) -> Result<Arc<Catalogue>> {
        if let Some(known) = self.known(version) {
            return Ok(known);
        }
        let read = match text(connection, version)? {
            Some(text) => catalogue_file::read(&text, version)?,
            None if version == 0 => Catalogue::default(),
            None => return Err(corrupt("state.catalogue_version", version)),
        };
        let read = Arc::new(read);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = read.clone();
        Ok(read)
    }
}

/// The text of the catalogue of `version`; `None` of version 0, which is empty.
pub(super) fn text(connection: &Connection, version: i64) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached(TEXT)?;
    Ok(statement.query_row([version], |row| row.get(0)).optional()?)
}

/// Puts a catalogue in force, if its text can be read; says its version.
pub(super) fn apply(connection: &Connection, text: &str, now: Time) -> Result<i64> {
    let version = state::read(connection)?.catalogue_version + 1;
    catalogue_file::read(text, version)?;
    connection.prepare_cached(ADD)?.execute((version, text, now.millis()))?;
    state::write_catalogue_version(connection, version)?;
    Ok(version)
}
