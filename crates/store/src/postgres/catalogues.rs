//! The catalogue in force.

use std::sync::{Arc, Mutex, PoisonError};

use domain::catalogue::Catalogue;
use domain::time::Time;

use super::state;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::corrupt;
use crate::{Result, catalogue_file};

statements! {
    TEXT = "SELECT text FROM catalogue WHERE version = $1";
    ADD = "INSERT INTO catalogue (version, text, applied_at_ms) VALUES ($1, $2, $3)";
}

/// The last catalogue that was read, so that its text is not read again for every transaction.
#[derive(Debug, Default)]
pub(super) struct Catalogues {
    last: Mutex<Arc<Catalogue>>,
}

impl Catalogues {
    /// The catalogue of `version`, which is in force in the transaction `tx`. Another server may
    /// have applied it a moment ago.
    pub(super) fn get(&self, tx: &Tx<'_>, version: i64) -> Result<Arc<Catalogue>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if last.version == version {
            return Ok(last);
        }
        let read = match text(tx, version)? {
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
pub(super) fn text(tx: &Tx<'_>, version: i64) -> Result<Option<String>> {
    let row = tx.row(TEXT, &[&version])?;
    row.map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Puts a catalogue in force, if its text can be read; says its version.
pub(super) fn apply(tx: &Tx<'_>, text: &str, now: Time) -> Result<i64> {
    let version = state::lock_catalogue_version(tx)? + 1;
    catalogue_file::read(text, version)?;
    tx.execute(ADD, &[&version, &text, &now.millis()])?;
    state::write_catalogue_version(tx, version)?;
    Ok(version)
}
