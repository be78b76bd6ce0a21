//! Leases, by themselves and by their orders. They change under the locks of their owners' wallets
//! alone, and need none of their own.

use std::collections::BTreeSet;

use domain::ids::LeaseId;
use domain::needs::Needs;
use domain::world::Loaded;

use crate::Result;
use crate::postgres::leases::{lease, lease_columns};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::transaction::Tx;
use crate::postgres::value::Value;

statements! {
    BY_ID = concat!("SELECT ", lease_columns!(), " FROM lease WHERE id = ANY($1)");
    /// The leases of an order follow each other.
    BY_ORDER = concat!(
        "SELECT ", lease_columns!(), " FROM customer_order AS bought
         CROSS JOIN LATERAL (SELECT * FROM lease WHERE bought.first_lease_id <= lease.id
            ORDER BY lease.id LIMIT bought.quantity) AS lease
         WHERE bought.id = ANY($1)"
    );
}

/// The leases of a batch.
pub(super) struct Leases<'n> {
    leases: Vec<i64>,
    siblings: &'n BTreeSet<LeaseId>,
    orders: Vec<i64>,
}

impl<'n> Leases<'n> {
    pub(super) fn new(needs: &'n Needs) -> Leases<'n> {
        Leases {
            leases: needs.leases.union(&needs.siblings).map(|id| id.0).collect(),
            siblings: &needs.siblings,
            orders: needs.orders.iter().map(|id| id.0).collect(),
        }
    }

    pub(super) fn ask<'a>(&'a self, asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>) {
        if !self.leases.is_empty() {
            asks.push((BY_ID, vec![&self.leases]));
        }
        if !self.orders.is_empty() {
            asks.push((BY_ORDER, vec![&self.orders]));
        }
    }

    /// A lease may be there more than once.
    pub(super) fn read(&self, tx: &Tx<'_>, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        for row in answers.iter().flat_map(|answer| &answer.rows) {
            loaded.leases.push(lease(row, 0)?);
        }
        // Of what kind a lease is, is not known before.
        let whole = loaded.leases.iter().filter(|lease| {
            lease.product.extends_whole_orders() && self.siblings.contains(&lease.id)
        });
        let whole: BTreeSet<i64> = whole.map(|lease| lease.order.0).collect();
        if !whole.is_empty() {
            let whole: Vec<i64> = whole.into_iter().collect();
            for row in tx.rows(BY_ORDER, &[&whole])? {
                loaded.leases.push(lease(&row, 0)?);
            }
        }
        Ok(())
    }
}
