//! API keys.

use domain::api_key::ApiKey;
use domain::customer::Customer;
use domain::ids::{CustomerId, KeyId};
use domain::time::{Span, Time};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::customers::{customer, customer_columns};
use super::statements::statements;
use crate::records::NewApiKey;
use crate::{Result, encoding};

/// What [`api_key`] reads.
macro_rules! key_columns {
    () => {
        "api_key.id, api_key.customer_id, api_key.name, api_key.allowed, api_key.read_only,
         api_key.repeat_window_ms, api_key.requests_per_minute, api_key.created_at_ms,
         api_key.expires_at_ms, api_key.revoked_at_ms"
    };
}

/// How many columns [`api_key`] reads.
const KEY_COLUMNS: usize = 10;

statements! {
    ADD = "INSERT INTO api_key (id, hash, customer_id, name, allowed, read_only, repeat_window_ms,
        requests_per_minute, created_at_ms, expires_at_ms, revoked_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM api_key), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
        NULL) RETURNING id";
    BY_HASH = concat!(
        "SELECT ", key_columns!(), ", ", customer_columns!(), " FROM api_key
         JOIN customer ON customer.id = api_key.customer_id WHERE api_key.hash = ?1"
    );
    LIST = concat!("SELECT ", key_columns!(), " FROM api_key ORDER BY id");
    LIST_OF = concat!("SELECT ", key_columns!(), " FROM api_key WHERE customer_id = ?1 ORDER BY id");
    HASH = "SELECT hash FROM api_key WHERE id = ?1";
    REVOKE = "UPDATE api_key SET revoked_at_ms = ?2 WHERE id = ?1 AND revoked_at_ms IS NULL";
    IS_VALID = "SELECT EXISTS
        (SELECT 1 FROM api_key WHERE hash = ?1 AND revoked_at_ms IS NULL)";
    /// When it was revoked is not known here any more.
    REVOKE_AGAIN = "UPDATE api_key SET revoked_at_ms = created_at_ms
        WHERE hash = ?1 AND revoked_at_ms IS NULL";
}

fn api_key(row: &Row<'_>) -> Result<ApiKey> {
    let time = |index: usize| -> Result<Option<Time>> {
        Ok(row.get::<_, Option<i64>>(index)?.map(Time::from_millis))
    };
    let allowed = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(ApiKey {
        id: KeyId(row.get(0)?),
        customer: CustomerId(row.get(1)?),
        name: row.get(2)?,
        allowed: encoding::networks("api_key.allowed", allowed)?,
        read_only: row.get(4)?,
        repeat_window: Span::from_millis(row.get(5)?),
        requests_per_minute: row.get(6)?,
        created_at: Time::from_millis(row.get(7)?),
        expires_at: time(8)?,
        revoked_at: time(9)?,
    })
}

/// See [`crate::Store::create_key`].
pub(super) fn create(connection: &Connection, new: &NewApiKey, now: Time) -> Result<KeyId> {
    let values = (
        new.hash,
        new.customer.0,
        &new.name,
        encoding::networks_text(&new.allowed),
        new.read_only,
        new.repeat_window.millis(),
        new.requests_per_minute,
        now.millis(),
        new.expires_at.map(Time::millis),
    );
    let mut statement = connection.prepare_cached(ADD)?;
    Ok(statement.query_row(values, |row| row.get(0).map(KeyId))?)
}

/// See [`crate::Store::key_by_hash`].
pub(super) fn by_hash(
    connection: &Connection,
    hash: &[u8; 32],
) -> Result<Option<(ApiKey, Customer)>> {
    let mut statement = connection.prepare_cached(BY_HASH)?;
    let mut rows = statement.query([hash])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((api_key(row)?, customer(row, KEY_COLUMNS)?)))
}

/// See [`crate::Store::keys`].
pub(super) fn list(connection: &Connection, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
    let mut statement = connection.prepare_cached(customer.map_or(LIST, |_| LIST_OF))?;
    let mut rows = match customer {
        Some(customer) => statement.query([customer.0])?,
        None => statement.query([])?,
    };
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(api_key(row)?);
    }
    Ok(keys)
}

/// The hash of the secret of a key.
pub(super) fn hash(connection: &Connection, id: KeyId) -> Result<Option<[u8; 32]>> {
    let mut statement = connection.prepare_cached(HASH)?;
    Ok(statement.query_row([id.0], |row| row.get(0)).optional()?)
}

/// Revokes a key, unless it was before.
pub(super) fn revoke(connection: &Connection, id: KeyId, now: Time) -> Result<()> {
    connection.prepare_cached(REVOKE)?.execute((id.0, now.millis()))?;
    Ok(())
}

/// Whether there is a key with this hash that is not revoked.
pub(super) fn is_valid(connection: &Connection, hash: &[u8; 32]) -> Result<bool> {
    Ok(connection.prepare_cached(IS_VALID)?.query_row([hash], |row| row.get(0))?)
}

/// Revokes the key with this hash, which was revoked before a restore.
pub(super) fn revoke_again(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection.prepare_cached(REVOKE_AGAIN)?.execute([hash])?;
    Ok(())
}
