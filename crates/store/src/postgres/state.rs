//! The few values that every transaction looks at, and what never changes.

use domain::time::Span;
use domain::world::NextIds;

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;

statements! {
    READ_STATE = "SELECT number.next_entry, number.next_order, number.next_lease,
        number.next_address, number.next_authorisation, state.catalogue_version, state.sales_locked
        FROM state CROSS JOIN number WHERE state.id = 1 AND number.id = 1";
    READ_KEYS_VERSION = "SELECT keys_version FROM state WHERE id = 1";
    RAISE_KEYS_VERSION = "UPDATE state SET keys_version = keys_version + 1 WHERE id = 1";
    READ_OFFSET = "SELECT clock_offset_ms FROM state WHERE id = 1";
    WRITE_OFFSET = "UPDATE state SET clock_offset_ms = $1 WHERE id = 1";
    WRITE_LOCKED = "UPDATE state SET sales_locked = $1 WHERE id = 1";
    READ_INSTALLATION = "SELECT sandbox, id_key, key_fingerprint FROM installation WHERE id = 1";
    MAKE_INSTALLATION = "INSERT INTO installation (id, sandbox, id_key, key_fingerprint)
        VALUES (1, $1, $2, $3) ON CONFLICT DO NOTHING";
    MAKE_STATE = "INSERT INTO state (id, catalogue_version, keys_version, sales_locked,
        clock_offset_ms) VALUES (1, 0, 0, 0, 0) ON CONFLICT DO NOTHING";
    MAKE_NUMBER = "INSERT INTO number (id, next_entry, next_order, next_lease, next_address,
        next_authorisation) VALUES (1, 1, 1, 1, 1, 1) ON CONFLICT DO NOTHING";
    MAKE_FEED = "INSERT INTO feed (id, next_number) VALUES (1, 1) ON CONFLICT DO NOTHING";
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

/// The statement whose only row [`state`] reads.
pub(super) const READ: &str = READ_STATE;

pub(super) fn state(row: &Row) -> Result<State> {
    Ok(State {
        next: NextIds {
            entry: row.int(0)?,
            order: row.int(1)?,
            lease: row.int(2)?,
            address: row.int(3)?,
            authorisation: row.int(4)?,
        },
        catalogue_version: row.int(5)?,
        sales_locked: row.flag(6)?,
    })
}

pub(super) fn read(tx: &Tx<'_>) -> Result<State> {
    state(&only(tx, READ_STATE)?)
}

pub(super) fn keys_version(tx: &Tx<'_>) -> Result<i64> {
    only(tx, READ_KEYS_VERSION)?.int(0)
}

/// Notes that a key or a customer has changed.
pub(super) fn raise_keys_version(tx: &Tx<'_>) -> Result<()> {
    tx.execute(RAISE_KEYS_VERSION, &[]).map(|_| ())
}

pub(super) fn clock_offset(tx: &Tx<'_>) -> Result<Span> {
    Ok(Span::from_millis(only(tx, READ_OFFSET)?.int(0)?))
}

pub(super) fn set_clock_offset(tx: &Tx<'_>, offset: Span) -> Result<()> {
    tx.execute(WRITE_OFFSET, &[&offset.millis()]).map(|_| ())
}

pub(super) fn set_sales_locked(tx: &Tx<'_>, locked: bool) -> Result<()> {
    tx.execute(WRITE_LOCKED, &[&i64::from(locked)]).map(|_| ())
}

/// What was decided when the database was made; `None` while it is being made.
pub(super) fn installation(tx: &Tx<'_>) -> Result<Option<Made>> {
    let Some(row) = tx.row(READ_INSTALLATION, &[])? else { return Ok(None) };
    Ok(Some(Made {
        sandbox: row.flag(0)?,
        id_key: row.array(1, "installation.id_key")?,
        key_fingerprint: row.array(2, "installation.key_fingerprint")?,
    }))
}

/// Finishes a new database, unless another has just done so.
pub(super) fn install(tx: &Tx<'_>, made: &Made) -> Result<()> {
    let (id_key, fingerprint) = (&made.id_key[..], &made.key_fingerprint[..]);
    let sandbox = i64::from(made.sandbox);
    tx.execute(MAKE_INSTALLATION, &[&sandbox, &id_key, &fingerprint])?;
    for sql in [MAKE_STATE, MAKE_NUMBER, MAKE_FEED] {
        tx.execute(sql, &[])?;
    }
    Ok(())
}

/// The row of a statement that always has one.
fn only(tx: &Tx<'_>, sql: &'static str) -> Result<Row> {
    let row = tx.row(sql, &[])?;
    row.ok_or_else(|| super::failure::missing("state", 1))
}
