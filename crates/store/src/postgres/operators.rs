//! Operator tokens.

use std::collections::BTreeSet;

use domain::time::Time;

use super::ids;
use super::keys::slices;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::records::OperatorToken;

statements! {
    ADD = "INSERT INTO operator_token (id, hash, name, created_at_ms, revoked_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM operator_token), $1, $2, $3, NULL)
        RETURNING id";
    BY_HASH = "SELECT id, name, created_at_ms, revoked_at_ms FROM operator_token
        WHERE hash = $1 AND revoked_at_ms IS NULL";
    LIST = "SELECT id, name, created_at_ms, revoked_at_ms FROM operator_token ORDER BY id";
    HASH = "SELECT hash FROM operator_token WHERE id = $1";
    REVOKE = "UPDATE operator_token SET revoked_at_ms = $2
        WHERE id = $1 AND revoked_at_ms IS NULL";
    VALID = "SELECT EXISTS
        (SELECT FROM operator_token WHERE hash = ANY($1) AND revoked_at_ms IS NULL)";
    /// When it was revoked is not known here any more.
    REVOKE_AGAIN = "UPDATE operator_token SET revoked_at_ms = created_at_ms
        WHERE hash = ANY($1) AND revoked_at_ms IS NULL";
}

fn token(row: &Row) -> Result<OperatorToken> {
    Ok(OperatorToken {
        id: row.int(0)?,
        name: row.text(1)?.to_owned(),
        created_at: row.time(2)?,
        revoked_at: row.optional_time(3)?,
    })
}

/// See [`crate::Store::create_operator_token`].
pub(super) fn create(tx: &Tx<'_>, name: &str, hash: &[u8; 32], now: Time) -> Result<i64> {
    ids::lock(tx)?;
    ids::made(tx.row(ADD, &[&hash.as_slice(), &name, &now.millis()])?)
}

/// See [`crate::Store::operator_token_by_hash`].
pub(super) fn by_hash(tx: &Tx<'_>, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
    tx.row(BY_HASH, &[&hash.as_slice()])?.as_ref().map(token).transpose()
}

/// See [`crate::Store::operator_tokens`].
pub(super) fn list(tx: &Tx<'_>) -> Result<Vec<OperatorToken>> {
    tx.rows(LIST, &[])?.iter().map(token).collect()
}

/// The hash of the secret of a token.
pub(super) fn hash(tx: &Tx<'_>, id: i64) -> Result<Option<[u8; 32]>> {
    let row = tx.row(HASH, &[&id])?;
    row.map(|row| row.array(0, "operator_token.hash")).transpose()
}

/// Revokes a token, unless it was before.
pub(super) fn revoke(tx: &Tx<'_>, id: i64, now: Time) -> Result<()> {
    tx.execute(REVOKE, &[&id, &now.millis()]).map(|_| ())
}

/// Whether a token with one of these hashes is not revoked.
pub(super) fn is_any_valid(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<bool> {
    let row = tx.row(VALID, &[&slices(hashes)])?;
    row.map_or(Ok(false), |row| row.truth(0))
}

/// Revokes the tokens with these hashes, which were revoked before a restore.
pub(super) fn revoke_again(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<()> {
    tx.execute(REVOKE_AGAIN, &[&slices(hashes)]).map(|_| ())
}
