//! Gateways on other hosts.

use std::collections::BTreeSet;

use domain::time::Time;

use super::ids;
use super::keys::slices;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
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
    MAKE_IDENTITY = "INSERT INTO gateway_identity (id, key_sealed, epoch) VALUES (1, $1, $2)
        ON CONFLICT DO NOTHING";
    SET_EPOCH = "UPDATE gateway_identity SET epoch = $1 WHERE id = 1";
    ADD = "INSERT INTO gateway_node (id, name, gateways, token_hash, token_until_ms, created_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM gateway_node), $1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING RETURNING id";
    LIST = concat!("SELECT ", columns!(), " FROM gateway_node ORDER BY id");
    BY_TOKEN = concat!("SELECT ", columns!(), " FROM gateway_node WHERE token_hash = $1 FOR UPDATE");
    BY_KEY = concat!("SELECT ", columns!(), " FROM gateway_node WHERE key_hash = $1");
    ENROL = "UPDATE gateway_node SET key_hash = $2, enrolled_at_ms = $3 WHERE id = $1";
    NAMED = "SELECT id, token_hash, key_hash FROM gateway_node
        WHERE name = $1 AND removed_at_ms IS NULL FOR UPDATE";
    REMOVE = "UPDATE gateway_node SET removed_at_ms = $2 WHERE id = $1";
    NOTE = "UPDATE gateway_node SET seen_at_ms = $2, report = $3 WHERE id = $1";
    VALID = "SELECT EXISTS (SELECT FROM gateway_node
        WHERE (token_hash = ANY($1) OR key_hash = ANY($1)) AND removed_at_ms IS NULL)";
    /// When they were removed is not known here any more.
    REMOVE_AGAIN = "UPDATE gateway_node SET removed_at_ms = created_at_ms
        WHERE (token_hash = ANY($1) OR key_hash = ANY($1)) AND removed_at_ms IS NULL";
}

fn node(row: &Row) -> Result<Node> {
    let gateways = row.text(2)?;
    let read = serde_json::from_str(gateways);
    Ok(Node {
        id: row.int(0)?,
        name: row.text(1)?.to_owned(),
        gateways: read.map_err(|_| corrupt("gateway_node.gateways", gateways))?,
        token_until: row.time(3)?,
        key_hash: row.optional_array(4, "gateway_node.key_hash")?,
        created_at: row.time(5)?,
        enrolled_at: row.optional_time(6)?,
        removed_at: row.optional_time(7)?,
        seen_at: row.optional_time(8)?,
        report: row.optional_text(9)?.map(str::to_owned),
    })
}

/// See [`crate::Store::gateway_identity`].
pub(super) fn identity(tx: &Tx<'_>, vault: &Vault) -> Result<Option<GatewayIdentity>> {
    let Some(row) = tx.row(IDENTITY, &[])? else { return Ok(None) };
    let key = vault.unseal(GatewayIdentity::PLACE, row.bytes(0)?);
    let key =
        key.ok_or_else(|| corrupt("gateway_identity.key_sealed", "what cannot be unsealed"))?;
    Ok(Some(GatewayIdentity { key, epoch: row.text(1)?.to_owned() }))
}

/// Keeps what gateways are to know the shop by, unless there is something already.
pub(super) fn make_identity(tx: &Tx<'_>, sealed: &[u8], epoch: &str) -> Result<()> {
    tx.execute(MAKE_IDENTITY, &[&sealed, &epoch]).map(|_| ())
}

/// See [`crate::Store::set_gateway_epoch`].
pub(super) fn set_epoch(tx: &Tx<'_>, epoch: &str) -> Result<()> {
    tx.execute(SET_EPOCH, &[&epoch]).map(|_| ())
}

/// See [`crate::Store::add_node`].
pub(super) fn add(tx: &Tx<'_>, new: &NewNode, now: Time) -> Result<Option<i64>> {
    ids::lock(tx)?;
    let gateways = serde_json::json!(new.gateways).to_string();
    let (hash, until) = (new.token_hash.as_slice(), new.token_until.millis());
    ids::made_or_none(tx.row(ADD, &[&new.name, &gateways, &hash, &until, &now.millis()])?)
}

/// See [`crate::Store::nodes`].
pub(super) fn list(tx: &Tx<'_>) -> Result<Vec<Node>> {
    tx.rows(LIST, &[])?.iter().map(node).collect()
}

/// See [`crate::Store::node_by_key`].
pub(super) fn by_key(tx: &Tx<'_>, key_hash: &[u8; 32]) -> Result<Option<Node>> {
    tx.row(BY_KEY, &[&key_hash.as_slice()])?.as_ref().map(node).transpose()
}

/// See [`crate::Store::enrol_node`].
pub(super) fn enrol(
    tx: &Tx<'_>,
    token_hash: &[u8; 32],
    key_hash: &[u8; 32],
    now: Time,
) -> Result<Enrolled> {
    let found = tx.row(BY_TOKEN, &[&token_hash.as_slice()])?.as_ref().map(node).transpose()?;
    let (outcome, id) = Enrolled::decide(found, key_hash, now);
    if let Some(id) = id {
        tx.execute(ENROL, &[&id, &key_hash.as_slice(), &now.millis()])?;
    }
    Ok(outcome)
}

/// See [`crate::Store::remove_node`]. Gives what it could be known by, or nothing if there is none.
pub(super) fn remove(tx: &Tx<'_>, name: &str, now: Time) -> Result<Vec<[u8; 32]>> {
    let Some(row) = tx.row(NAMED, &[&name])? else { return Ok(Vec::new()) };
    tx.execute(REMOVE, &[&row.int(0)?, &now.millis()])?;
    let token = row.array(1, "gateway_node.token_hash")?;
    let key = row.optional_array(2, "gateway_node.key_hash")?;
    Ok([token].into_iter().chain(key).collect())
}

/// See [`crate::Store::note_node`].
pub(super) fn note(tx: &Tx<'_>, id: i64, report: &str, now: Time) -> Result<()> {
    tx.execute(NOTE, &[&id, &now.millis(), &report]).map(|_| ())
}

/// Whether a node that can be known by one of these hashes is not removed.
pub(super) fn is_any_valid(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<bool> {
    let row = tx.row(VALID, &[&slices(hashes)])?;
    row.map_or(Ok(false), |row| row.truth(0))
}

/// Removes the nodes that can be known by these hashes, which were removed before a restore.
pub(super) fn remove_again(tx: &Tx<'_>, hashes: &BTreeSet<[u8; 32]>) -> Result<()> {
    tx.execute(REMOVE_AGAIN, &[&slices(hashes)]).map(|_| ())
}
