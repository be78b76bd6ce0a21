//! How much leases may use where that is not as the catalogue says.

use std::collections::BTreeMap;

use domain::ids::{CustomerId, LeaseId};
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::{Result, encoding};

statements! {
    /// Of customers that follow each other: those of a page are looked up together.
    BETWEEN = "SELECT customer_id, lease_id, connections, new_connections_per_second,
        bytes_per_second FROM limit_exception WHERE customer_id BETWEEN ?1 AND ?2
        ORDER BY customer_id, lease_id";
    ONE = "SELECT customer_id, lease_id, connections, new_connections_per_second,
        bytes_per_second FROM limit_exception WHERE customer_id = ?1 AND lease_id = ?2";
    OWNER = "SELECT customer_id, state FROM lease WHERE id = ?1";
    CUSTOMER = "SELECT id FROM customer WHERE id = ?1";
    SET = "INSERT INTO limit_exception (customer_id, lease_id, connections,
        new_connections_per_second, bytes_per_second) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (customer_id, lease_id) DO UPDATE SET connections = excluded.connections,
        new_connections_per_second = excluded.new_connections_per_second,
        bytes_per_second = excluded.bytes_per_second";
    CLEAR = "DELETE FROM limit_exception WHERE customer_id = ?1 AND lease_id = ?2";
}

/// What stands where a lease is named if all of a customer are meant.
const ALL: i64 = 0;

/// See [`crate::Store::exceptions`].
pub(super) fn all(
    connection: &Connection,
    customer: Option<CustomerId>,
) -> Result<BTreeMap<CustomerId, Exceptions>> {
    let (first, last) = customer.map_or((0, i64::MAX), |id| (id.0, id.0));
    between(connection, CustomerId(first), CustomerId(last))
}

/// The exceptions of the customers from `first` to `last`.
pub(super) fn between(
    connection: &Connection,
    first: CustomerId,
    last: CustomerId,
) -> Result<BTreeMap<CustomerId, Exceptions>> {
    let mut statement = connection.prepare_cached(BETWEEN)?;
    let mut rows = statement.query((first.0, last.0))?;
    let mut found: BTreeMap<CustomerId, Exceptions> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let of_customer = found.entry(CustomerId(row.get(0)?)).or_default();
        match row.get(1)? {
            ALL => of_customer.customer = exception(row)?,
            lease => drop(of_customer.leases.insert(LeaseId(lease), exception(row)?)),
        }
    }
    Ok(found)
}

fn exception(row: &Row<'_>) -> Result<Exception> {
    let bytes = row.get::<_, Option<i64>>(4)?;
    let bytes = bytes.map(|it| encoding::small("limit_exception.bytes_per_second", it));
    Ok(Exception {
        connections: row.get(2)?,
        new_connections_per_second: row.get(3)?,
        bytes_per_second: bytes.transpose()?,
    })
}

/// See [`crate::Store::change_exception`].
pub(super) fn change(
    connection: &Connection,
    whose: ExceptionFor,
    change: ExceptionChange,
) -> Result<Option<Exception>> {
    let (customer, lease) = match whose {
        ExceptionFor::Customer(id) => {
            let mut customer = connection.prepare_cached(CUSTOMER)?;
            let found = customer.query_row([id.0], |row| row.get::<_, i64>(0)).optional()?;
            (found, ALL)
        }
        ExceptionFor::Lease(id) => {
            let mut owner = connection.prepare_cached(OWNER)?;
            let found = owner.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((customer, state)) = found else { return Ok(None) };
            let state = encoding::state("lease.state", state)?;
            (change.fits(state).then_some(customer), id.0)
        }
    };
    let Some(customer) = customer else { return Ok(None) };
    let mut statement = connection.prepare_cached(ONE)?;
    let mut rows = statement.query((customer, lease))?;
    let before = rows.next()?.map(exception).transpose()?.unwrap_or_default();
    drop(rows);
    let now = before.changed(change);
    if now.is_empty() {
        connection.prepare_cached(CLEAR)?.execute((customer, lease))?;
    } else {
        let bytes = now.bytes_per_second.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let values = (customer, lease, now.connections, now.new_connections_per_second, bytes);
        connection.prepare_cached(SET)?.execute(values)?;
    }
    Ok(Some(now))
}
