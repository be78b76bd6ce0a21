//! Wallets.

use std::collections::BTreeMap;

use domain::ids::CustomerId;
use domain::ledger::Wallet;

use super::{Plan, rows};
use crate::postgres::statements::statements;

statements! {
    SET = "UPDATE wallet SET balance_minor = new.balance_minor, version = new.version
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (customer_id, balance_minor, version)
        WHERE wallet.customer_id = ANY($1)
        AND wallet.customer_id = new.customer_id AND wallet.version < new.version";
}

rows!(
    Wallets, SET, Some("wallet"),
    customer_id: i64,
    balance_minor: i64,
    version: i64,
);

/// Writes wallets as they are now.
pub(super) fn set(wallets: &BTreeMap<CustomerId, Wallet>, plan: &mut Plan) {
    let mut rows = Wallets::default();
    for wallet in wallets.values() {
        rows.customer_id.push(wallet.customer.0);
        rows.balance_minor.push(wallet.balance.minor());
        rows.version.push(wallet.version);
    }
    plan.push(Box::new(rows));
}
