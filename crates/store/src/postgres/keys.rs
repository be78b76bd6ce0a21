//! API keys.

use std::collections::BTreeSet;

use domain::api_key::ApiKey;
use domain::customer::Customer;
use domain::ids::{CustomerId, KeyId};
use domain::time::{Span, Time};

use super::customers::{customer, customer_columns};
use super::ids;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
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
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM api_key), $1, $2, $3, $4, $5, $6, $7, $8, $9,
        NULL) RETURNING id";
    BY_HASH = concat!(
        "SELECT ", key_columns!(), ", ", customer_columns!(), " FROM api_key
         JOIN customer ON customer.id = api_key.customer_id WHERE api_key.hash = $1"
    );
    LIST = concat!("SELECT ", key_columns!(), " FROM api_key ORDER BY id");
    LIST_OF = concat!("SELECT ", key_columns!(), " FROM api_key WHERE customer_id = $1 ORDER BY id");
    HASH = "SELECT hash FROM api_key WHERE id = $1";
    REVOKE = "UPDATE api_key SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL";
    VALID = "SELECT EXISTS
        (SELECT FROM api_key WHERE hash = ANY($1) AND revoked_at_ms IS NULL)";
    /// When it was revoked is not known here any more.
    REVOKE_AGAIN = "UPDATE api_key SET revoked_at_ms = created_at_ms
        WHERE hash = ANY($1) AND revoked_at_ms IS NULL";
}

fn api_key(row: &Row) -> Result<ApiKey> {
    let rate = row.optional_int(6)?;
    let rate = rate.map(|rate| encoding::small("api_key.requests_per_minute", rate));
    Ok(ApiKey {
        id: KeyId(row.int(0)?),
        customer: CustomerId(row.int(1)?),
        name: row.text(2)?.to_owned(),
        allowed: encoding::networks("api_key.allowed", row.text(3)?)?,
        read_only: row.flag(4)?,
        repeat_window: Span::from_millis(row.int(5)?),
        requests_per_minute: rate.transpose()?,
        created_at: row.time(7)?,
        expires_at: row.optional_time(8)?,
        revoked_at: row.optional_time(9)?,
    })
}

/// See [`crate::Store::create_key`].
pub(super) fn create(tx: &Tx<'_>, new: &NewApiKey, now: Time) -> Result<KeyId> {
    ids::lock(tx)?;
    let added = tx.row(
        ADD,
        &[
            &new.hash.as_slice(),
            &new.customer.0,
            &new.name,
            &encoding::networks_text(&new.allowed),
            &i64::from(new.read_only),
            &new.repeat_window.millis(),
            &new.requests_per_minute.map(i64::from),
            &now.millis(),
            &new.expires_at.map(Time::millis),
        ],
    )?;
    ids::made(added).map(KeyId)
}

/// See [`crate::Store::key_by_hash`].
pub(super) fn by_hash(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>> {
    let Some(row) = tx.row(BY_HASH, &[&hash.as_slice()])? else { return Ok(None) };
    Ok(Some((api_key(&row)?, customer(&row, KEY_COLUMNS)?)))
}

/// See [`crate::Store::keys`].
pub(super) fn list(tx: &Tx<'_>, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
    let rows = match customer {
        Some(customer) => tx.rows(LIST_OF, &[&customer.0])?,
        None => tx.rows(LIST, &[])?,
    };
    rows.iter().map(api_key).collect()
}

/// The hash of the secret of a key.
pub(super) fn hash(tx: &Tx<'_>, id: KeyId) -> Result<Option<[u8; 32]>> {
    let row = tx.row(HASH, &[&id.0])?;
    row.map(|row| row.array(0, "api_key.hash")).transpose()
}

/// Revokes a key, unless it was before.
pub(super) fn revoke(tx: &Tx<'_>, id: KeyId, now: Time) -> Result<()> {
    tx.execute(REVOKE, &[&id.0, &now.millis()]).map(|_| ())
}

/// Whether a key with one of these hashes is not revoked.
pub(super) fn is_any_valid(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<bool> {
    let row = tx.row(VALID, &[&slices(hashes)])?;
    row.map_or(Ok(false), |row| row.truth(0))
}

/// Revokes the keys with these hashes, which were revoked before a restore.
pub(super) fn revoke_again(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<()> {
    tx.execute(REVOKE_AGAIN, &[&slices(hashes)]).map(|_| ())
}

/// Hashes as a statement is given them.
pub(super) fn slices(hashes: &BTreeSet<[u8; 32]>) -> Vec<&[u8]> {
    hashes.iter().map(<[u8; 32]>::as_slice).collect()
}
