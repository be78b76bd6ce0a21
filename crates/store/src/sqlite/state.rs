//! The few values that every transaction looks at, and what never changes.

use domain::time::{Span, Time};
use domain::world::NextIds;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::Result;

/// What [`state`] reads, in the first columns.
macro_rules! state_columns {
    () => {
        "state.next_entry, state.next_order, state.next_lease, state.next_address,
         state.next_authorisation, state.catalogue_version, state.sales_locked"
    };
}

pub(super) use state_columns;

/// How many columns [`state`] reads.
pub(super) const STATE_COLUMNS: usize = 7;

statements! {
    READ_STATE = concat!("SELECT ", state_columns!(), " FROM state WHERE id = 1");
    WRITE_NEXT = "UPDATE state SET next_entry = ?1, next_order = ?2, next_lease = ?3,
        next_address = ?4, next_authorisation = ?5 WHERE id = 1";
    WRITE_VERSION = "UPDATE state SET catalogue_version = ?1 WHERE id = 1";
    READ_KEYS_VERSION = "SELECT keys_version FROM state WHERE id = 1";
    RAISE_KEYS_VERSION = "UPDATE state SET keys_version = keys_version + 1 WHERE id = 1";
    READ_OFFSET = "SELECT clock_offset_ms FROM state WHERE id = 1";
    WRITE_OFFSET = "UPDATE state SET clock_offset_ms = ?1 WHERE id = 1";
    WRITE_LOCKED = "UPDATE state SET sales_locked = ?1 WHERE id = 1";
    READ_INSTALLATION = "SELECT sandbox, id_key, key_fingerprint FROM installation WHERE id = 1";
    MAKE_INSTALLATION = "INSERT INTO installation (id, sandbox, id_key, key_fingerprint)
        VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING";
    MAKE_STATE = "INSERT INTO state (id, next_entry, next_order, next_lease, next_address,
        next_authorisation, catalogue_version, keys_version, sales_locked, quiet_entry,
        clock_offset_ms) VALUES (1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0) ON CONFLICT DO NOTHING";
    READ_MOVED = "SELECT place FROM moved WHERE id = 1";
    WRITE_MOVED = "INSERT INTO moved (id, place, at_ms) VALUES (1, ?1, ?2)";
}

/// What every transaction looks at.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) next: NextIds,
    pub(super) catalogue_version: i64,
    pub(super) sales_locked: bool,
}

/// What is decided when a database is made.
pub(super) struct Made {
    pub(super) sandbox: bool,
    pub(super) id_key: [u8; 16],
    pub(super) key_fingerprint: [u8; 16],
}

/// Reads [`state_columns`], which are the first.
pub(super) fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    Ok(State {
        next: NextIds {
            entry: row.get(0)?,
            order: row.get(1)?,
            lease: row.get(2)?,
            address: row.get(3)?,
            authorisation: row.get(4)?,
        },
        catalogue_version: row.get(5)?,
        sales_locked: row.get(6)?,
    })
}

pub(super) fn read(connection: &Connection) -> Result<State> {
    let mut statement = connection.prepare_cached(READ_STATE)?;
    Ok(statement.query_row([], state)?)
}

pub(super) fn write_next(connection: &Connection, next: NextIds) -> Result<()> {
    let values = (next.entry, next.order, next.lease, next.address, next.authorisation);
    connection.prepare_cached(WRITE_NEXT)?.execute(values)?;
    Ok(())
}

pub(super) fn write_catalogue_version(connection: &Connection, version: i64) -> Result<()> {
    connection.prepare_cached(WRITE_VERSION)?.execute([version])?;
    Ok(())
}

pub(super) fn keys_version(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached(READ_KEYS_VERSION)?.query_row([], |row| row.get(0))?)
}

/// Notes that a key or a customer has changed.
pub(super) fn raise_keys_version(connection: &Connection) -> Result<()> {
    connection.prepare_cached(RAISE_KEYS_VERSION)?.execute([])?;
    Ok(())
}

pub(super) fn clock_offset(connection: &Connection) -> Result<Span> {
    let millis = connection.prepare_cached(READ_OFFSET)?.query_row([], |row| row.get(0))?;
    Ok(Span::from_millis(millis))
}

pub(super) fn set_clock_offset(connection: &Connection, offset: Span) -> Result<()> {
    connection.prepare_cached(WRITE_OFFSET)?.execute([offset.millis()])?;
    Ok(())
}

pub(super) fn set_sales_locked(connection: &Connection, locked: bool) -> Result<()> {
    connection.prepare_cached(WRITE_LOCKED)?.execute([locked])?;
    Ok(())
}

/// What was decided when the database was made; `None` while it is being made.
pub(super) fn installation(connection: &Connection) -> Result<Option<Made>> {
    let mut statement = connection.prepare_cached(READ_INSTALLATION)?;
    let made = statement.query_row([], |row| {
        Ok(Made { sandbox: row.get(0)?, id_key: row.get(1)?, key_fingerprint: row.get(2)? })
    });
    Ok(made.optional()?)
}

/// Finishes a new database.
pub(super) fn install(connection: &Connection, made: &Made) -> Result<()> {
    let values = (made.sandbox, made.id_key, made.key_fingerprint);
    connection.prepare_cached(MAKE_INSTALLATION)?.execute(values)?;
    connection.prepare_cached(MAKE_STATE)?.execute([])?;
    Ok(())
}

/// Where the books have gone to, if they have.
pub(super) fn moved(connection: &Connection) -> Result<Option<String>> {
    Ok(connection.prepare_cached(READ_MOVED)?.query_row([], |row| row.get(0)).optional()?)
}

/// Notes that the books are elsewhere from now on.
pub(super) fn set_moved(connection: &Connection, place: &str, at: Time) -> Result<()> {
    connection.prepare_cached(WRITE_MOVED)?.execute((place, at.millis()))?;
    Ok(())
}
