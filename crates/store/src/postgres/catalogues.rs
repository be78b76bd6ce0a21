//! The catalogue in force.

use std::sync::{Arc, Mutex, PoisonError};

use domain::catalogue::Catalogue;
use domain::time::Time;

use super::ids;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::corrupt;
use crate::{Result, catalogue_file};

statements! {
    TEXT = "SELECT text FROM catalogue WHERE version = $1";
    IN_FORCE = "SELECT catalogue_version FROM state WHERE id = 1";
    ADD = "INSERT INTO catalogue (version, text, applied_at_ms) VALUES ($1, $2, $3)";
    /// A row for each gateway, even before it has given a port: what is not there cannot be locked.
    ADD_GATEWAYS = "INSERT INTO gateway_port (gateway, next_port)
        SELECT gateway, 0 FROM unnest(CAST($1 AS TEXT[])) AS known (gateway)
        ON CONFLICT DO NOTHING";
    PUT_IN_FORCE = "UPDATE state SET catalogue_version = $1 WHERE id = 1";
}

/// The last catalogue that was read, so that its text is not parsed again for every transaction.
#[derive(Debug, Default)]
pub(super) struct Catalogues {
    last: Mutex<Arc<Catalogue>>,
}

impl Catalogues {
    /// The catalogue of `version`, which is in force in the transaction. Another server may have
    /// applied it a moment ago.
    pub(super) fn get(&self, tx: &Tx<'_>, version: i64) -> Result<Arc<Catalogue>> {
        let last = self.last();
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

    /// The last catalogue that was read. Most of the time it is the one in force.
    pub(super) fn last(&self) -> Arc<Catalogue> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The catalogue in force.
    pub(super) fn in_force(&self, tx: &Tx<'_>) -> Result<Arc<Catalogue>> {
        self.get(tx, version(tx)?)
    }
}

/// The version of the catalogue in force.
pub(super) fn version(tx: &Tx<'_>) -> Result<i64> {
    let row = tx.row(IN_FORCE, &[])?;
    row.map_or_else(|| Err(corrupt("state.id", "nothing")), |row| row.int(0))
}

/// The text of the catalogue of `version`; `None` of version 0, which is empty.
pub(super) fn text(tx: &Tx<'_>, version: i64) -> Result<Option<String>> {
    tx.row(TEXT, &[&version])?.map(|row| row.text(0).map(str::to_owned)).transpose()
}

/// Puts a catalogue in force, if its text can be read; says its version.
pub(super) fn apply(tx: &Tx<'_>, text: &str, now: Time) -> Result<i64> {
    ids::lock(tx)?;
    let version = version(tx)? + 1;
    let catalogue = catalogue_file::read(text, version)?;
    tx.execute(ADD, &[&version, &text, &now.millis()])?;
    let gateways: Vec<&str> = catalogue.gateways.keys().map(String::as_str).collect();
    tx.execute(ADD_GATEWAYS, &[&gateways])?;
    tx.execute(PUT_IN_FORCE, &[&version])?;
    Ok(version)
}
