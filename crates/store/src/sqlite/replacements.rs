//! Which leases had which addresses before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use domain::ids::{AddressId, CustomerId, LeaseId};
use domain::journal::{Entry, Event};
use domain::replace::Replacement;
use rusqlite::{Connection, OptionalExtension as _};

use super::journal;
use super::statements::statements;
use crate::encoding::corrupt;
use crate::{Result, encoding};

statements! {
    ADD = "INSERT INTO replacement (lease_id, entry_id, from_address_id, to_address_id)
        VALUES (?1, ?2, ?3, ?4)";
    LIST = concat!(
        "SELECT ", journal::entry_columns!(), ", before.ip, since.ip FROM replacement
         CROSS JOIN entry ON entry.id = replacement.entry_id AND entry.customer_id = ?2
         CROSS JOIN address AS before ON before.id = replacement.from_address_id
         CROSS JOIN address AS since ON since.id = replacement.to_address_id
         WHERE replacement.lease_id = ?1 ORDER BY replacement.entry_id"
    );
    EXIT = "SELECT ip FROM address WHERE id = ?1";
}

/// Notes the replacements among new entries of the journal.
pub(super) fn add(connection: &Connection, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        let Event::Replacement { leases, .. } = &entry.event else { continue };
        let mut statement = connection.prepare_cached(ADD)?;
        for it in leases {
            statement.execute((it.lease.0, entry.id.0, it.from.0, it.to.0))?;
        }
    }
    Ok(())
}

/// See [`crate::Store::replacements`].
pub(super) fn list(
    connection: &Connection,
    customer: CustomerId,
    lease: LeaseId,
) -> Result<Vec<Replacement>> {
    let mut statement = connection.prepare_cached(LIST)?;
    let mut rows = statement.query((lease.0, customer.0))?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let entry = journal::entry(row)?;
        let ip = |index: usize| -> Result<IpAddr> {
            let text = row.get_ref(index)?.as_str().map_err(rusqlite::Error::from)?;
            encoding::ip("address.ip", text)
        };
        let (from, to) = (ip(journal::ENTRY_COLUMNS)?, ip(journal::ENTRY_COLUMNS + 1)?);
        let id = entry.id.0;
        let replacement = Replacement::of(entry, from, to);
        list.push(replacement.ok_or_else(|| corrupt("replacement.entry_id", id))?);
    }
    Ok(list)
}

/// See [`crate::Store::exits`].
pub(super) fn exits(
    connection: &Connection,
    ids: &BTreeSet<AddressId>,
) -> Result<BTreeMap<AddressId, IpAddr>> {
    let mut statement = connection.prepare_cached(EXIT)?;
    let mut exits = BTreeMap::new();
    for id in ids {
        let ip: Option<String> = statement.query_row([id.0], |row| row.get(0)).optional()?;
        if let Some(ip) = ip {
            exits.insert(*id, encoding::ip("address.ip", &ip)?);
        }
    }
    Ok(exits)
}
