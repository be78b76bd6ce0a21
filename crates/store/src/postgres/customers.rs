//! Customers and their wallets.

use std::collections::BTreeSet;

use domain::customer::Customer;
use domain::ids::{AccountId, CustomerId};
use domain::ledger::{FIRST_WALLET, Wallet};
use domain::money::Money;
use domain::time::Time;

use super::ids;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
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
pub(super) const CUSTOMER_COLUMNS: usize = 6;

statements! {
    GET = concat!(
        "SELECT ", customer_columns!(), ", wallet.account_id, wallet.balance_minor, wallet.version
         FROM customer JOIN wallet ON wallet.customer_id = customer.id WHERE customer.id = $1"
    );
    LIST = concat!(
        "SELECT ", customer_columns!(), ", wallet.account_id, wallet.balance_minor, wallet.version
         FROM customer JOIN wallet ON wallet.customer_id = customer.id
         WHERE customer.id > $1 AND wallet.customer_id > $1 ORDER BY customer.id LIMIT $2"
    );
    ADD = "INSERT INTO customer (id, name, email, currency, suspended, created_at_ms)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM customer), $1, $2, $3, 0, $4) RETURNING id";
    ADD_WALLET = "INSERT INTO wallet (customer_id, account_id, balance_minor, version)
        VALUES ($1, $2, 0, 0)";
    SUSPEND = "UPDATE customer SET suspended = $2 WHERE id = $1";
    SUSPENDED = "SELECT id FROM customer WHERE suspended = 1";
}

/// Reads [`customer_columns`], which begin at `first`.
pub(super) fn customer(row: &Row, first: usize) -> Result<Customer> {
    Ok(Customer {
        id: CustomerId(row.int(first)?),
        name: row.text(first + 1)?.to_owned(),
        email: row.optional_text(first + 2)?.map(str::to_owned),
        currency: encoding::currency("customer.currency", row.text(first + 3)?)?,
        suspended: row.flag(first + 4)?,
        created_at: row.time(first + 5)?,
    })
}

/// Reads the account, the balance and the version of the wallet of `customer` from `first` on.
pub(super) fn wallet(row: &Row, first: usize, customer: &Customer) -> Result<Wallet> {
    Ok(Wallet {
        account: AccountId(row.int(first)?),
        customer: customer.id,
        balance: Money::from_minor(row.int(first + 1)?, customer.currency),
        version: row.int(first + 2)?,
    })
}

fn with_wallet(row: &Row) -> Result<(Customer, Wallet)> {
    let customer = customer(row, 0)?;
    let wallet = wallet(row, CUSTOMER_COLUMNS, &customer)?;
    Ok((customer, wallet))
}

/// See [`crate::Store::customer`].
pub(super) fn get(tx: &Tx<'_>, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
    tx.row(GET, &[&id.0])?.as_ref().map(with_wallet).transpose()
}

/// See [`crate::Store::customers`].
pub(super) fn list(
    tx: &Tx<'_>,
    after: Option<CustomerId>,
    limit: u32,
) -> Result<Vec<(Customer, Wallet)>> {
    let rows = tx.rows(LIST, &[&after.map_or(0, |id| id.0), &i64::from(limit)])?;
    rows.iter().map(with_wallet).collect()
}

/// See [`crate::Store::create_customer`].
pub(super) fn create(tx: &Tx<'_>, new: &NewCustomer, now: Time) -> Result<CustomerId> {
    ids::lock(tx)?;
    let added = tx.row(ADD, &[&new.name, &new.email, &new.currency.code(), &now.millis()])?;
    let id = ids::made(added)?;
    tx.execute(ADD_WALLET, &[&id, &(FIRST_WALLET.0 + id)])?;
    Ok(CustomerId(id))
}

/// See [`crate::Store::suspend_customer`].
pub(super) fn suspend(tx: &Tx<'_>, id: CustomerId, suspended: bool) -> Result<bool> {
    Ok(tx.execute(SUSPEND, &[&id.0, &i64::from(suspended)])? == 1)
}

/// See [`crate::Store::suspended_customers`].
pub(super) fn suspended(tx: &Tx<'_>) -> Result<BTreeSet<CustomerId>> {
    tx.rows(SUSPENDED, &[])?.iter().map(|row| row.int(0).map(CustomerId)).collect()
}
