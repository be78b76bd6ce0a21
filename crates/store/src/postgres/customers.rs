//! Customers and their wallets.

use domain::customer::Customer;
use domain::ids::{AccountId, CustomerId};
use domain::ledger::Wallet;
use domain::money::Money;

use super::row::Row;
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
