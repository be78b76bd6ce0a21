//! Which leases had which addresses before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use domain::ids::{AddressId, CustomerId, LeaseId};
use domain::replace::Replacement;

use super::journal::{ENTRY_COLUMNS, entry, entry_columns};
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::corrupt;
use crate::{Result, encoding};

statements! {
    LIST = concat!(
        "SELECT ", entry_columns!(), ", before.ip, since.ip FROM replacement
         JOIN entry ON entry.id = replacement.entry_id AND entry.customer_id = $2
         JOIN address AS before ON before.id = replacement.from_address_id
         JOIN address AS since ON since.id = replacement.to_address_id
         WHERE replacement.lease_id = $1 ORDER BY replacement.entry_id"
    );
    EXITS = "SELECT id, ip FROM address WHERE id = ANY($1)";
}

/// See [`crate::Store::replacements`].
pub(super) fn list(tx: &Tx<'_>, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>> {
    let replacement = |row: &Row| {
        let ip = |column| row.text(column).and_then(|text| encoding::ip("address.ip", text));
        let (from, to) = (ip(ENTRY_COLUMNS)?, ip(ENTRY_COLUMNS + 1)?);
        let replacement = Replacement::of(entry(row, 0)?, from, to);
        replacement.ok_or_else(|| corrupt("replacement.entry_id", lease.0))
    };
    tx.rows(LIST, &[&lease.0, &customer.0])?.iter().map(replacement).collect()
}

/// See [`crate::Store::exits`].
pub(super) fn exits(tx: &Tx<'_>, ids: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let exit = |row: &Row| Ok((AddressId(row.int(0)?), encoding::ip("address.ip", row.text(1)?)?));
    tx.rows(EXITS, &[&ids])?.iter().map(exit).collect()
}
