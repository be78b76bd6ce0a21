//! Operator tokens.

use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::Result;
use crate::records::OperatorToken;

statements! {
    ADD = "INSERT INTO operator_token (id, hash, name, created_at_ms, revoked_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM operator_token), ?1, ?2, ?3, NULL)
        RETURNING id";
    BY_HASH = "SELECT id, name, created_at_ms, revoked_at_ms FROM operator_token
        WHERE hash = ?1 AND revoked_at_ms IS NULL";
    LIST = "SELECT id, name, created_at_ms, revoked_at_ms FROM operator_token ORDER BY id";
    HASH = "SELECT hash FROM operator_token WHERE id = ?1";
    REVOKE = "UPDATE operator_token SET revoked_at_ms = ?2
        WHERE id = ?1 AND revoked_at_ms IS NULL";
    /// When it was revoked is not known here any more.
    REVOKE_AGAIN = "UPDATE operator_token SET revoked_at_ms = created_at_ms
        WHERE hash = ?1 AND revoked_at_ms IS NULL";
}

fn token(row: &Row<'_>) -> rusqlite::Result<OperatorToken> {
    let revoked_at: Option<i64> = row.get(3)?;
    Ok(OperatorToken {
        id: row.get(0)?,
        name: row.get(1)?,
        created_at: Time::from_millis(row.get(2)?),
        revoked_at: revoked_at.map(Time::from_millis),
    })
}

/// See [`crate::Store::create_operator_token`].
pub(super) fn create(
    connection: &Connection,
    name: &str,
    hash: &[u8; 32],
    now: Time,
) -> Result<i64> {
    let mut statement = connection.prepare_cached(ADD)?;
    Ok(statement.query_row((hash, name, now.millis()), |row| row.get(0))?)
}

/// See [`crate::Store::operator_token_by_hash`].
pub(super) fn by_hash(connection: &Connection, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
    Ok(connection.prepare_cached(BY_HASH)?.query_row([hash], token).optional()?)
}

/// See [`crate::Store::operator_tokens`].
pub(super) fn list(connection: &Connection) -> Result<Vec<OperatorToken>> {
    let mut statement = connection.prepare_cached(LIST)?;
    Ok(statement.query_map([], token)?.collect::<rusqlite::Result<_>>()?)
}

/// The hash of the secret of a token.
pub(super) fn hash(connection: &Connection, id: i64) -> Result<Option<[u8; 32]>> {
    let mut statement = connection.prepare_cached(HASH)?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

/// Revokes a token, unless it was before.
pub(super) fn revoke(connection: &Connection, id: i64, now: Time) -> Result<()> {
    connection.prepare_cached(REVOKE)?.execute((id, now.millis()))?;
    Ok(())
}

/// Revokes the token with this hash, which was revoked before a restore.
pub(super) fn revoke_again(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection.prepare_cached(REVOKE_AGAIN)?.execute([hash])?;
    Ok(())
}
