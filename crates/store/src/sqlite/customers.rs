//! Customers and their wallets.

use std::collections::BTreeSet;

use domain::customer::Customer;
use domain::ids::{AccountId, CustomerId};
use domain::ledger::{FIRST_WALLET, Wallet};
use domain::money::Money;
use domain::time::Time;
use rusqlite::{Connection, Row};

use super::failure::missing;
use super::statements::statements;
use crate::records::NewCustomer;
use crate::{Result, encoding};

/// What [`customer`] reads, from the first column on.
macro_rules! customer_columns {
    () => {
        "customer.id, customer.name, customer.email, customer.currency, customer.suspended,
         customer.created_at_ms"
    };
}

pub(super) use customer_columns;

/// How many columns [`customer`] reads.
const CUSTOMER_COLUMNS: usize = 6;

/// What [`with_wallet`] reads, from the first column on.
macro_rules! customer_and_wallet_columns {
    () => {
        concat!(
            $crate::sqlite::customers::customer_columns!(),
            ", wallet.account_id, wallet.balance_minor, wallet.version"
        )
    };
}

pub(super) use customer_and_wallet_columns;

/// How many columns [`with_wallet`] reads.
pub(super) const CUSTOMER_AND_WALLET_COLUMNS: usize = CUSTOMER_COLUMNS + 3;

statements! {
    GET = concat!(
        "SELECT ", customer_and_wallet_columns!(), "
         FROM customer JOIN wallet ON wallet.customer_id = customer.id WHERE customer.id = ?1"
    );
    LIST = concat!(
        "SELECT ", customer_and_wallet_columns!(), "
         FROM customer JOIN wallet ON wallet.customer_id = customer.id
         WHERE customer.id > ?1 ORDER BY customer.id LIMIT ?2"
    );
    ADD = "INSERT INTO customer (id, name, email, currency, suspended, created_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM customer), ?1, ?2, ?3, 0, ?4) RETURNING id";
    ADD_WALLET = "INSERT INTO wallet (customer_id, account_id, balance_minor, version)
        VALUES (?1, ?2, 0, 0)";
    SUSPEND = "UPDATE customer SET suspended = ?2 WHERE id = ?1";
    SUSPENDED = "SELECT id FROM customer WHERE suspended = 1";
    SET_WALLET = "UPDATE wallet SET balance_minor = ?2, version = ?3
        WHERE customer_id = ?1 AND version < ?3";
}

/// Reads [`customer_columns`], which begin at `first`.
pub(super) fn customer(row: &Row<'_>, first: usize) -> Result<Customer> {
    let currency = row.get_ref(first + 3)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Customer {
        id: CustomerId(row.get(first)?),
        name: row.get(first + 1)?,
        email: row.get(first + 2)?,
        currency: encoding::currency("customer.currency", currency)?,
        suspended: row.get(first + 4)?,
        created_at: Time::from_millis(row.get(first + 5)?),
    })
}

/// Reads [`customer_and_wallet_columns`], which begin at `first`.
pub(super) fn with_wallet(row: &Row<'_>, first: usize) -> Result<(Customer, Wallet)> {
    let customer = customer(row, first)?;
    let first = first + CUSTOMER_COLUMNS;
    let wallet = Wallet {
        account: AccountId(row.get(first)?),
        customer: customer.id,
        balance: Money::from_minor(row.get(first + 1)?, customer.currency),
        version: row.get(first + 2)?,
    };
    Ok((customer, wallet))
}

/// See [`crate::Store::customer`].
pub(super) fn get(connection: &Connection, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(|row| with_wallet(row, 0)).transpose()
}

/// See [`crate::Store::customers`].
pub(super) fn list(
    connection: &Connection,
    after: Option<CustomerId>,
    limit: u32,
) -> Result<Vec<(Customer, Wallet)>> {
    let mut statement = connection.prepare_cached(LIST)?;
    let mut rows = statement.query((after.map_or(0, |id| id.0), limit))?;
    let mut customers = Vec::new();
    while let Some(row) = rows.next()? {
        customers.push(with_wallet(row, 0)?);
    }
    Ok(customers)
}

/// See [`crate::Store::create_customer`].
pub(super) fn create(connection: &Connection, new: &NewCustomer, now: Time) -> Result<CustomerId> {
    let values = (&new.name, &new.email, new.currency.code(), now.millis());
    let id: i64 = connection.prepare_cached(ADD)?.query_row(values, |row| row.get(0))?;
    connection.prepare_cached(ADD_WALLET)?.execute((id, FIRST_WALLET.0 + id))?;
    Ok(CustomerId(id))
}

/// See [`crate::Store::suspend_customer`].
pub(super) fn suspend(connection: &Connection, id: CustomerId, suspended: bool) -> Result<bool> {
    Ok(connection.prepare_cached(SUSPEND)?.execute((id.0, suspended))? == 1)
}

/// See [`crate::Store::suspended_customers`].
pub(super) fn suspended(connection: &Connection) -> Result<BTreeSet<CustomerId>> {
    let mut statement = connection.prepare_cached(SUSPENDED)?;
    let ids = statement.query_map([], |row| row.get(0).map(CustomerId))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// Writes a wallet as it is now.
pub(super) fn set_wallet(connection: &Connection, wallet: &Wallet) -> Result<()> {
    let values = (wallet.customer.0, wallet.balance.minor(), wallet.version);
    match connection.prepare_cached(SET_WALLET)?.execute(values)? {
        1 => Ok(()),
        _ => Err(missing("wallet", wallet.customer.0)),
    }
}
