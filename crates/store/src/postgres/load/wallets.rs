//! Wallets, and whose they are.

use std::collections::BTreeMap;

use domain::ids::CustomerId;
use domain::needs::Needs;
use domain::world::Loaded;

use super::stock::Locks;
use crate::Result;
use crate::postgres::customers::{customer, customer_columns, wallet};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;

statements! {
    GET = "SELECT customer_id, account_id, balance_minor, version FROM wallet
        WHERE customer_id = ANY($1) ORDER BY customer_id";
    /// Who has these locks may do anything with what is their owners'.
    LOCK = "SELECT customer_id, account_id, balance_minor, version FROM wallet
        WHERE customer_id = ANY($1) ORDER BY customer_id FOR NO KEY UPDATE";
    OWNERS = concat!(
        "SELECT ", customer_columns!(), " FROM customer WHERE id = ANY($1) ORDER BY id"
    );
}

/// The customers of a batch.
pub(super) struct Wallets {
    customers: Vec<i64>,
}

impl Wallets {
    pub(super) fn new(needs: &Needs) -> Wallets {
        Wallets { customers: needs.customers.iter().map(|id| id.0).collect() }
    }

    pub(super) fn ask<'a>(
        &'a self,
        locks: Locks,
        asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>,
    ) {
        if !self.customers.is_empty() {
            let sql = if locks == Locks::None { GET } else { LOCK };
            asks.push((sql, vec![&self.customers]));
            asks.push((OWNERS, vec![&self.customers]));
        }
    }

    pub(super) fn read(&self, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        let [wallets, owners] = answers else { return Ok(()) };
        let mut rows = BTreeMap::new();
        for row in &wallets.rows {
            rows.insert(CustomerId(row.int(0)?), row);
        }
        for row in &owners.rows {
            let customer = customer(row, 0)?;
            if let Some(row) = rows.get(&customer.id) {
                loaded.wallets.push(wallet(row, 1, &customer)?);
                loaded.customers.push(customer);
            }
        }
        Ok(())
    }
}
