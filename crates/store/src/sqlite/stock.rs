//! Addresses and prefixes in stock.

use std::collections::{BTreeMap, BTreeSet};

use domain::address::{Address, Pool, Prefix};
use domain::catalogue::Catalogue;
use domain::ids::{AddressId, LeaseId, PrefixId};
use domain::product::ProductKey;
use domain::time::Time;
use domain::world::Changes;
use rusqlite::{Connection, Row};

use super::failure::missing;
use super::statements::statements;
use super::{rotations, state};
use crate::records::{NewAddress, NewPrefix, StockLine, Stocked};
use crate::stock_lines::StockLines;
use crate::stocking::Stocking;
use crate::{Result, encoding};

statements! {
    FREE = "SELECT id, ip, gateway, port, rank, free_at_ms FROM address
        WHERE product = ?1 AND lease_id IS NULL AND free_at_ms <= ?2 ORDER BY rank, id LIMIT ?3";
    PREFIXES = "SELECT id, base, length, gateway, drawn FROM prefix WHERE product = ?1 ORDER BY id";
    ALL_PREFIXES = "SELECT id, base, length, gateway, drawn, product FROM prefix ORDER BY id";
    PORTS = "SELECT gateway, next_port FROM gateway_port";
    SET_PORT = "INSERT INTO gateway_port (gateway, next_port) VALUES (?1, ?2)
        ON CONFLICT (gateway) DO UPDATE SET next_port = excluded.next_port";
    /// Only one that is free: an address has one lease at a time.
    TAKE = "UPDATE address SET lease_id = ?2 WHERE id = ?1 AND lease_id IS NULL";
    GIVE_BACK = "UPDATE address SET lease_id = NULL, free_at_ms = ?2 WHERE id = ?1";
    ADD = "INSERT INTO address (id, product, ip, slot, drawn, gateway, port, rank, lease_id,
        free_at_ms, modem) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    KNOWN = "SELECT EXISTS (SELECT 1 FROM address WHERE ip = ?1 AND slot = ?2 AND drawn = 0)";
    SET_DRAWN = "UPDATE prefix SET drawn = ?2 WHERE id = ?1 AND drawn < ?2";
    ADD_PREFIX = "INSERT INTO prefix (id, product, base, length, gateway, drawn)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM prefix), ?1, ?2, ?3, ?4, 0)
        ON CONFLICT (base, length) DO NOTHING";
    LINES = "SELECT product, gateway,
        COUNT(*) FILTER (WHERE lease_id IS NULL AND free_at_ms <= ?1),
        COUNT(*) FILTER (WHERE lease_id IS NOT NULL),
        COUNT(*) FILTER (WHERE lease_id IS NULL AND free_at_ms > ?1)
        FROM address GROUP BY product, gateway";
}

/// What a pool can give to orders of `quantity` in all: more addresses than that, so that they can
/// be spread over networks, or all there are.
pub(super) fn pool(
    connection: &Connection,
    product: &ProductKey,
    quantity: u32,
    now: Time,
) -> Result<Pool> {
    let name = product.to_string();
    let enough = i64::from(quantity) * 4 + 64;
    let mut statement = connection.prepare_cached(FREE)?;
    let mut rows = statement.query((&name, now.millis(), enough.max(128)))?;
    let mut free = Vec::new();
    while let Some(row) = rows.next()? {
        free.push(Address {
            id: AddressId(row.get(0)?),
            pool: product.clone(),
            ip: encoding::ip(
                "address.ip",
                row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?,
            )?,
            gateway: row.get(2)?,
            port: row.get(3)?,
            rank: row.get(4)?,
            lease: None,
            free_at: Time::from_millis(row.get(5)?),
        });
    }
    let mut statement = connection.prepare_cached(PREFIXES)?;
    let mut rows = statement.query([&name])?;
    let mut prefixes = Vec::new();
    while let Some(row) = rows.next()? {
        let prefix = prefix(row, product.clone())?;
        if prefix.drawn < prefix.capacity() {
            prefixes.push(prefix);
        }
    }
    Ok(Pool { free, prefixes })
}

fn prefix(row: &Row<'_>, pool: ProductKey) -> Result<Prefix> {
    let base = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Prefix {
        id: PrefixId(row.get(0)?),
        pool,
        base: encoding::ip("prefix.base", base)?,
        length: row.get(2)?,
        gateway: row.get(3)?,
        drawn: row.get(4)?,
    })
}

/// The next free port of each gateway's shared host.
pub(super) fn next_ports(connection: &Connection) -> Result<BTreeMap<String, u16>> {
    let mut statement = connection.prepare_cached(PORTS)?;
    let ports = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(ports.collect::<rusqlite::Result<_>>()?)
}

fn set_ports(connection: &Connection, ports: &BTreeMap<String, u16>) -> Result<()> {
    let mut statement = connection.prepare_cached(SET_PORT)?;
    for (gateway, port) in ports {
        statement.execute((gateway, port))?;
    }
    Ok(())
}

/// Adds the addresses that were drawn. Their leases are added behind them.
pub(super) fn save_new(connection: &Connection, changes: &Changes) -> Result<()> {
    for address in &changes.addresses_new {
        add(connection, address, 0, true, None)?;
    }
    Ok(())
}

/// Writes what else became of addresses.
pub(super) fn save(connection: &Connection, changes: &Changes) -> Result<()> {
    let mut statement = connection.prepare_cached(GIVE_BACK)?;
    for (id, free_at) in &changes.addresses_freed {
        if statement.execute((id.0, free_at.millis()))? != 1 {
            return Err(missing("address", id.0));
        }
    }
    let mut statement = connection.prepare_cached(TAKE)?;
    for (id, lease) in &changes.addresses_taken {
        if statement.execute((id.0, lease.0))? != 1 {
            return Err(missing("address", id.0));
        }
    }
    let mut statement = connection.prepare_cached(SET_DRAWN)?;
    for (id, drawn) in &changes.prefixes {
        if statement.execute((id.0, drawn))? != 1 {
            return Err(missing("prefix", id.0));
        }
    }
    set_ports(connection, &changes.next_ports)
}

fn add(
    connection: &Connection,
    address: &Address,
    slot: u32,
    drawn: bool,
    modem: Option<&str>,
) -> Result<()> {
    connection.prepare_cached(ADD)?.execute((
        address.id.0,
        address.pool.to_string(),
        address.ip.to_string(),
        slot,
        drawn,
        &address.gateway,
        address.port,
        address.rank,
        address.lease.map(|LeaseId(id)| id),
        address.free_at.millis(),
        modem,
    ))?;
    Ok(())
}

/// See [`crate::Store::add_addresses`].
pub(super) fn add_addresses(
    connection: &Connection,
    catalogue: &Catalogue,
    new: &[NewAddress],
    now: Time,
) -> Result<Stocked> {
    let mut next = state::read(connection)?.next;
    let mut stocking = Stocking {
        catalogue,
        now,
        next_address: next.address,
        next_ports: next_ports(connection)?,
        stocked: Stocked::default(),
    };
    let mut moved = BTreeSet::new();
    for it in new {
        let place = (it.ip.to_string(), it.slot);
        let known: bool = connection.prepare_cached(KNOWN)?.query_row(place, |row| row.get(0))?;
        if !known {
            add(connection, &stocking.add(it)?, it.slot, false, it.modem.as_deref())?;
            continue;
        }
        stocking.pass_over();
        if let Some(modem) = &it.modem
            && rotations::set_modem(connection, it.ip, it.slot, modem)?
        {
            moved.insert(modem.as_str());
        }
    }
    if !moved.is_empty() {
        rotations::note_changed(connection, moved)?;
    }
    next.address = stocking.next_address;
    set_ports(connection, &stocking.next_ports)?;
    state::write_next(connection, next)?;
    Ok(stocking.stocked)
}

/// See [`crate::Store::add_prefix`].
pub(super) fn add_prefix(connection: &Connection, new: &NewPrefix) -> Result<bool> {
    let values = (new.pool.to_string(), new.base.to_string(), new.length, &new.gateway);
    Ok(connection.prepare_cached(ADD_PREFIX)?.execute(values)? == 1)
}

/// See [`crate::Store::stock`]. Reads every address.
pub(super) fn lines(connection: &Connection, now: Time) -> Result<Vec<StockLine>> {
    let mut lines = StockLines::default();
    let mut statement = connection.prepare_cached(LINES)?;
    let mut rows = statement.query([now.millis()])?;
    while let Some(row) = rows.next()? {
        let product = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let count = |index: usize| -> Result<u64> {
            Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
        };
        let line = lines.at(encoding::product("address.product", product)?, row.get(1)?);
        line.free = count(2)?;
        line.leased = count(3)?;
        line.cooling = count(4)?;
    }
    let mut statement = connection.prepare_cached(ALL_PREFIXES)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let product = row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?;
        lines.add_undrawn(prefix(row, encoding::product("prefix.product", product)?)?);
    }
    Ok(lines.into_lines())
}
