//! Leases, by themselves and by their orders. They change under the locks of their owners' wallets
//! alone, and need none of their own.

use domain::kind::ProxyKind;
use domain::needs::Needs;
use domain::world::Loaded;

use crate::postgres::leases::{lease, lease_columns};
use crate::postgres::session::Answer;
use crate::postgres::statements::statements;
use crate::postgres::value::Value;
use crate::{Result, encoding};

statements! {
    BY_ID = concat!("SELECT ", lease_columns!(), " FROM lease WHERE id = ANY($1)");
    BY_ORDER = concat!("SELECT ", lease_columns!(), " FROM lease WHERE order_id = ANY($1)");
    /// All that were bought with one of these, where their kind is of those that are extended by
    /// whole orders.
    SIBLINGS = concat!(
        "SELECT ", lease_columns!(), " FROM lease WHERE order_id = ANY(ARRAY(
            SELECT DISTINCT named.order_id FROM lease AS named
            WHERE named.id = ANY($1) AND named.kind = ANY($2)))"
    );
}

/// The leases of a batch.
pub(super) struct Leases {
    leases: Vec<i64>,
    siblings: Vec<i64>,
    orders: Vec<i64>,
    whole_kinds: Vec<i64>,
}

impl Leases {
    pub(super) fn new(needs: &Needs) -> Leases {
        let whole = ProxyKind::ALL.into_iter().filter(|kind| kind.extends_whole_orders());
        Leases {
            leases: needs.leases.union(&needs.siblings).map(|id| id.0).collect(),
            siblings: needs.siblings.iter().map(|id| id.0).collect(),
            orders: needs.orders.iter().map(|id| id.0).collect(),
            whole_kinds: whole.map(encoding::kind_number).collect(),
        }
    }

    pub(super) fn ask<'a>(&'a self, asks: &mut Vec<(&'static str, Vec<&'a dyn Value>)>) {
        if !self.leases.is_empty() {
            asks.push((BY_ID, vec![&self.leases]));
        }
        if !self.siblings.is_empty() {
            asks.push((SIBLINGS, vec![&self.siblings, &self.whole_kinds]));
        }
        if !self.orders.is_empty() {
            asks.push((BY_ORDER, vec![&self.orders]));
        }
    }

    /// A lease may be there more than once.
    pub(super) fn read(&self, answers: &[Answer], loaded: &mut Loaded) -> Result<()> {
        for row in answers.iter().flat_map(|answer| &answer.rows) {
            loaded.leases.push(lease(row, 0)?);
        }
        Ok(())
    }
}
