//! Gateways on other hosts.

use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::statements::statements;
use crate::Result;
use crate::encoding::corrupt;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use crate::vault::Vault;

/// What [`node`] reads.
macro_rules! columns {
    () => {
        "id, name, gateways, token_until_ms, key_hash, created_at_ms, enrolled_at_ms,
         removed_at_ms, seen_at_ms, report"
    };
}

statements! {
    IDENTITY = "SELECT key_sealed, epoch FROM gateway_identity WHERE id = 1";
    MAKE_IDENTITY = "INSERT INTO gateway_identity (id, key_sealed, epoch) VALUES (1, ?1, ?2)
        ON CONFLICT DO NOTHING";
    SET_EPOCH = "UPDATE gateway_identity SET epoch = ?1 WHERE id = 1";
    ADD = "INSERT INTO gateway_node (id, name, gateways, token_hash, token_until_ms, created_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM gateway_node), ?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO NOTHING RETURNING id";
    LIST = concat!("SELECT ", columns!(), " FROM gateway_node ORDER BY id");
    BY_TOKEN = concat!("SELECT ", columns!(), " FROM gateway_node WHERE token_hash = ?1");
    BY_KEY = concat!("SELECT ", columns!(), " FROM gateway_node WHERE key_hash = ?1");
    ENROL = "UPDATE gateway_node SET key_hash = ?2, enrolled_at_ms = ?3 WHERE id = ?1";
    NAMED = "SELECT id, token_hash, key_hash FROM gateway_node
        WHERE name = ?1 AND removed_at_ms IS NULL";
    REMOVE = "UPDATE gateway_node SET removed_at_ms = ?2 WHERE id = ?1";
    NOTE = "UPDATE gateway_node SET seen_at_ms = ?2, report = ?3 WHERE id = ?1";
    VALID = "SELECT id FROM gateway_node
        WHERE (token_hash = ?1 OR key_hash = ?1) AND removed_at_ms IS NULL";
    /// When it was removed is not known here any more.
    REMOVE_AGAIN = "UPDATE gateway_node SET removed_at_ms = created_at_ms
        WHERE (token_hash = ?1 OR key_hash = ?1) AND removed_at_ms IS NULL";
}

fn node(row: &Row<'_>) -> rusqlite::Result<(Node, String)> {
    let time = |column| -> rusqlite::Result<Option<Time>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Time::from_millis))
    };
    let node = Node {
        id: row.get(0)?,
        name: row.get(1)?,
        gateways: Vec::new(),
        token_until: Time::from_millis(row.get(3)?),
        key_hash: row.get(4)?,
        created_at: Time::from_millis(row.get(5)?),
        enrolled_at: time(6)?,
        removed_at: time(7)?,
        seen_at: time(8)?,
        report: row.get(9)?,
    };
    Ok((node, row.get(2)?))
}

fn whole((node, gateways): (Node, String)) -> Result<Node> {
    let read = serde_json::from_str(&gateways);
    let gateways = read.map_err(|_| corrupt("gateway_node.gateways", gateways))?;
    Ok(Node { gateways, ..node })
}

/// See [`crate::Store::gateway_identity`].
pub(super) fn identity(connection: &Connection, vault: &Vault) -> Result<Option<GatewayIdentity>> {
    let row = connection
        .prepare_cached(IDENTITY)?
        .query_row([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?)));
    let Some((sealed, epoch)) = row.optional()? else { return Ok(None) };
    let key = vault.unseal(GatewayIdentity::PLACE, &sealed);
    let key =
        key.ok_or_else(|| corrupt("gateway_identity.key_sealed", "what cannot be unsealed"))?;
    Ok(Some(GatewayIdentity { key, epoch }))
}

/// Keeps what gateways are to know the shop by, unless there is something already.
pub(super) fn make_identity(connection: &Connection, sealed: &[u8], epoch: &str) -> Result<()> {
    connection.prepare_cached(MAKE_IDENTITY)?.execute((sealed, epoch))?;
    Ok(())
}

/// See [`crate::Store::set_gateway_epoch`].
pub(super) fn set_epoch(connection: &Connection, epoch: &str) -> Result<()> {
    connection.prepare_cached(SET_EPOCH)?.execute([epoch])?;
    Ok(())
}

/// See [`crate::Store::add_node`].
pub(super) fn add(connection: &Connection, new: &NewNode, now: Time) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached(ADD)?;
    let gateways = serde_json::json!(new.gateways).to_string();
    let values =
        params![new.name, gateways, new.token_hash, new.token_until.millis(), now.millis()];
    Ok(statement.query_row(values, |row| row.get(0)).optional()?)
}

/// See [`crate::Store::nodes`].
pub(super) fn list(connection: &Connection) -> Result<Vec<Node>> {
    let mut statement = connection.prepare_cached(LIST)?;
    let rows: Vec<_> = statement.query_map([], node)?.collect::<rusqlite::Result<_>>()?;
    rows.into_iter().map(whole).collect()
}

/// See [`crate::Store::node_by_key`].
pub(super) fn by_key(connection: &Connection, key_hash: &[u8; 32]) -> Result<Option<Node>> {
    let row = connection.prepare_cached(BY_KEY)?.query_row([key_hash], node).optional()?;
    row.map(whole).transpose()
}

/// See [`crate::Store::enrol_node`].
pub(super) fn enrol(
    connection: &Connection,
    token_hash: &[u8; 32],
    key_hash: &[u8; 32],
    now: Time,
) -> Result<Enrolled> {
    let row = connection.prepare_cached(BY_TOKEN)?.query_row([token_hash], node).optional()?;
    let found = row.map(whole).transpose()?;
    let (outcome, id) = Enrolled::decide(found, key_hash, now);
    if let Some(id) = id {
        connection.prepare_cached(ENROL)?.execute((id, key_hash, now.millis()))?;
    }
    Ok(outcome)
}

/// See [`crate::Store::remove_node`]. Gives what it could be known by, or nothing if there is none.
pub(super) fn remove(connection: &Connection, name: &str, now: Time) -> Result<Vec<[u8; 32]>> {
    let row = connection.prepare_cached(NAMED)?.query_row([name], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get::<_, Option<[u8; 32]>>(2)?))
    });
    let Some((id, token, key)) = row.optional()? else { return Ok(Vec::new()) };
    connection.prepare_cached(REMOVE)?.execute((id, now.millis()))?;
    Ok([token].into_iter().chain(key).collect())
}

/// See [`crate::Store::note_node`].
pub(super) fn note(connection: &Connection, id: i64, report: &str, now: Time) -> Result<()> {
    connection.prepare_cached(NOTE)?.execute((id, now.millis(), report))?;
    Ok(())
}

/// Whether a node that can be known by this hash is not removed.
pub(super) fn is_valid(connection: &Connection, hash: &[u8; 32]) -> Result<bool> {
    Ok(connection.prepare_cached(VALID)?.exists([hash])?)
}

/// Removes the node that can be known by this hash, which was removed before a restore.
pub(super) fn remove_again(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection.prepare_cached(REMOVE_AGAIN)?.execute([hash])?;
    Ok(())
}
