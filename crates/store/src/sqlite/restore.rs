//! The books from a backup.
//!
//! What happened after the backup is lost, and customers know of it: orders that the restored books
//! do not have, keys that were revoked. So a restored database takes no orders until the operator
//! has looked at it, keeps revoked keys revoked, and never gives an id again that a customer may
//! have been given before.

use std::collections::BTreeSet;
use std::path::Path;

use domain::time::Time;
use rusqlite::{Connection, OpenFlags};

use super::backup::{build, check, copy};
use super::statements::statements;
use super::{migrate, nodes, state, transaction};
use crate::error::OpenError;
use crate::revocations::Revocations;
use crate::vault::Vault;
use crate::{Result, files};

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// When the last entry of the journal was made. What happened later is lost.
    pub last_entry_at: Option<Time>,
    /// Entries in the journal.
    pub entries: u64,
    /// Customers.
    pub customers: u64,
    /// Leases that are live or in reserve.
    pub leases: u64,
    /// API keys that the backup takes for valid and that were revoked since.
    pub keys_revoked: u64,
    /// Operator tokens of which the same is true.
    pub tokens_revoked: u64,
    /// Whether the revocations were there. If not, what was revoked after the backup opens doors
    /// again, and the operator must be told.
    pub revocations_known: bool,
}

/// How many ids of each sort are left out after a restore. Surely more than were given between the
/// backup and the loss, at thousands in a second; and 52 bits, which public ids have, hold many such
/// gaps.
const ID_GAP: i64 = 1 << 28;

statements! {
    LEAVE_GAP = "UPDATE state SET next_entry = next_entry + ?1, next_order = next_order + ?1,
        next_lease = next_lease + ?1, next_address = next_address + ?1 WHERE id = 1";
    REVOKE_KEY = "UPDATE api_key SET revoked_at_ms = ?2
        WHERE hash = ?1 AND revoked_at_ms IS NULL";
    REVOKE_TOKEN = "UPDATE operator_token SET revoked_at_ms = ?2
        WHERE hash = ?1 AND revoked_at_ms IS NULL";
    /// What gateways elsewhere were told after the backup counts no more.
    NEW_EPOCH = "UPDATE gateway_identity SET epoch = hex(randomblob(8))";
    COUNT = "SELECT (SELECT at_ms FROM entry ORDER BY id DESC LIMIT 1),
        (SELECT COUNT(*) FROM entry), (SELECT COUNT(*) FROM customer),
        (SELECT COUNT(*) FROM lease WHERE state < 2)";
}

/// Makes a new database at `to` from the backup `from`, whose key file is `key_file`. It takes no
/// orders until the operator allows them.
///
/// The database is there wholly or not at all, and checked.
pub fn restore(from: &Path, to: &Path, key_file: &Path, now: Time) -> Result<RestoreReport> {
    std::fs::metadata(from).map_err(files::io(from))?;
    let vault = Vault::open(key_file, from)?;
    let revoked = revoked(key_file)?;
    let mut report = None;
    build(to, &mut |temporary| {
        copy(from, temporary, &mut |_, _| {})?;
        let database = Connection::open_with_flags(temporary, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        check(&database, from, "integrity_check")?;
        check_origin(&database, from, key_file, &vault)?;
        report = Some(change(&database, revoked.as_ref(), now)?);
        Ok(database.close().map_err(|(_, error)| error)?)
    })?;
    Ok(report.expect("the database was built, and with it the report"))
}

/// What was revoked, as the file beside the key file knows it; `None` if there is no file.
fn revoked(key_file: &Path) -> Result<Option<BTreeSet<[u8; 32]>>> {
    let path = Revocations::beside(key_file);
    if !path.try_exists().map_err(files::io(&path))? {
        return Ok(None);
    }
    Ok(Some(Revocations::open(&path)?.all()?))
}

/// Refuses what is no backup of ours, or not one that belongs to the key file.
fn check_origin(database: &Connection, from: &Path, key_file: &Path, vault: &Vault) -> Result<()> {
    migrate::check(database, from)?;
    let unfinished = || OpenError::NotOurs {
        path: from.to_path_buf(),
        reason: "it was not finished when it was made".to_owned(),
    };
    let made = state::installation(database)?.ok_or_else(unfinished)?;
    if made.key_fingerprint != vault.fingerprint() {
        return Err(OpenError::KeyFileWrong(key_file.to_path_buf()).into());
    }
    Ok(())
}

/// Makes a copy of old books fit to be gone on with.
fn change(
    database: &Connection,
    revoked: Option<&BTreeSet<[u8; 32]>>,
    now: Time,
) -> Result<RestoreReport> {
    transaction::writing(database, |database| {
        state::set_sales_locked(database, true)?;
        database.execute(LEAVE_GAP, [ID_GAP])?;
        database.execute(NEW_EPOCH, [])?;
        let (mut keys_revoked, mut tokens_revoked) = (0, 0);
        for hash in revoked.into_iter().flatten() {
            let revoke = |sql: &str| -> Result<u64> {
                let rows = database.prepare_cached(sql)?.execute((hash, now.millis()))?;
                Ok(u64::try_from(rows).expect("a number of rows fits"))
            };
            keys_revoked += revoke(REVOKE_KEY)?;
            tokens_revoked += revoke(REVOKE_TOKEN)?;
            nodes::remove_again(database, hash)?;
        }
        let report = database.query_row(COUNT, [], |row| {
            let count = |column| row.get(column).map(i64::unsigned_abs);
            Ok(RestoreReport {
                last_entry_at: row.get::<_, Option<i64>>(0)?.map(Time::from_millis),
                entries: count(1)?,
                customers: count(2)?,
                leases: count(3)?,
                keys_revoked,
                tokens_revoked,
                revocations_known: revoked.is_some(),
            })
        })?;
        Ok(report)
    })
}
