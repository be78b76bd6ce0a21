//! How much leases may use where that is not as the catalogue says.

use std::collections::BTreeMap;

use domain::ids::{CustomerId, LeaseId};
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::{Result, encoding};

/// What [`collect`] reads.
macro_rules! columns {
    () => {
        "limit_exception.customer_id, limit_exception.lease_id, limit_exception.connections,
         limit_exception.new_connections_per_second, limit_exception.bytes_per_second"
    };
}

statements! {
    ALL = concat!("SELECT ", columns!(), " FROM limit_exception");
    /// Of customers that are named.
    OF = concat!(
        "SELECT ", columns!(), " FROM unnest(CAST($1 AS BIGINT[])) AS wanted (customer_id)
         JOIN limit_exception ON limit_exception.customer_id = wanted.customer_id"
    );
    ONE = concat!(
        "SELECT ", columns!(), " FROM limit_exception WHERE customer_id = $1 AND lease_id = $2"
    );
    OWNER = "SELECT customer_id, state FROM lease WHERE id = $1";
    CUSTOMER = "SELECT id FROM customer WHERE id = $1";
    SET = "INSERT INTO limit_exception (customer_id, lease_id, connections,
        new_connections_per_second, bytes_per_second) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (customer_id, lease_id) DO UPDATE SET connections = excluded.connections,
        new_connections_per_second = excluded.new_connections_per_second,
        bytes_per_second = excluded.bytes_per_second";
    CLEAR = "DELETE FROM limit_exception WHERE customer_id = $1 AND lease_id = $2";
}

/// Finds the exceptions of customers that are named; [`collect`] reads what it finds.
pub(super) const OF_CUSTOMERS: &str = OF;

/// What stands where a lease is named if all of a customer are meant.
const EVERY: i64 = 0;

/// See [`crate::Store::exceptions`].
pub(super) fn all(
    tx: &Tx<'_>,
    customer: Option<CustomerId>,
) -> Result<BTreeMap<CustomerId, Exceptions>> {
    collect(&match customer {
        None => tx.rows(ALL, &[])?,
        Some(id) => tx.rows(OF, &[&vec![id.0]])?,
    })
}

/// The exceptions in these rows, by customer.
pub(super) fn collect(rows: &[Row]) -> Result<BTreeMap<CustomerId, Exceptions>> {
    let mut found: BTreeMap<CustomerId, Exceptions> = BTreeMap::new();
    for row in rows {
        let of_customer = found.entry(CustomerId(row.int(0)?)).or_default();
        match row.int(1)? {
            EVERY => of_customer.customer = exception(row)?,
            lease => drop(of_customer.leases.insert(LeaseId(lease), exception(row)?)),
        }
    }
    Ok(found)
}

fn exception(row: &Row) -> Result<Exception> {
    let number = |column, name| -> Result<Option<u32>> {
        row.optional_int(column)?.map(|number| encoding::small(name, number)).transpose()
    };
    let bytes = row.optional_int(4)?;
    let bytes = bytes.map(|it| encoding::small("limit_exception.bytes_per_second", it));
    Ok(Exception {
        connections: number(2, "limit_exception.connections")?,
        new_connections_per_second: number(3, "limit_exception.new_connections_per_second")?,
        bytes_per_second: bytes.transpose()?,
    })
}

/// See [`crate::Store::change_exception`]. The caller has raised the number of the keys, which
/// keeps others from changing one at the same time.
pub(super) fn change(
    tx: &Tx<'_>,
    whose: ExceptionFor,
    change: ExceptionChange,
) -> Result<Option<Exception>> {
    let (owner, lease) = match whose {
        ExceptionFor::Customer(id) => (tx.row(CUSTOMER, &[&id.0])?, EVERY),
        ExceptionFor::Lease(id) => {
            let Some(owner) = tx.row(OWNER, &[&id.0])? else { return Ok(None) };
            let state = encoding::state("lease.state", owner.int(1)?)?;
            (change.fits(state).then_some(owner), id.0)
        }
    };
    let Some(owner) = owner else { return Ok(None) };
    let customer = owner.int(0)?;
    let before = tx.row(ONE, &[&customer, &lease])?;
    let before = before.as_ref().map(exception).transpose()?.unwrap_or_default();
    let now = before.changed(change);
    if now.is_empty() {
        tx.execute(CLEAR, &[&customer, &lease])?;
    } else {
        let bytes = now.bytes_per_second.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let connections = now.connections.map(i64::from);
        let new = now.new_connections_per_second.map(i64::from);
        tx.execute(SET, &[&customer, &lease, &connections, &new, &bytes])?;
    }
    Ok(Some(now))
}
