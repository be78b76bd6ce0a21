//! What has to be known to decide a command.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{CustomerId, LeaseId, OrderId, PaymentId};
use crate::product::ProductKey;

/// What a batch of commands touches. A store locks and loads it set-wise, in the order of the
/// fields; what does not exist is simply missing from the world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Customers with their wallets.
    pub customers: BTreeSet<CustomerId>,
    /// Promo codes in their normal form, with the uses of this customer.
    pub promos: BTreeSet<(String, CustomerId)>,
    /// Pools from which so many addresses may be taken.
    pub stock: BTreeMap<ProductKey, u32>,
    /// Leases.
    pub leases: BTreeSet<LeaseId>,
    /// Of these, those whose orders are to be loaded whole where their kind is extended by whole
    /// orders.
    pub siblings: BTreeSet<LeaseId>,
    /// Orders, with all their leases.
    pub orders: BTreeSet<OrderId>,
    /// Idempotency keys.
    pub remembered: BTreeSet<(CustomerId, [u8; 16])>,
    /// Payments.
    pub payments: BTreeSet<PaymentId>,
    /// Customers with their cards and their instruction to top up.
    pub means: BTreeSet<CustomerId>,
}

impl Needs {
    /// Adds what `other` needs. Quantities of stock add up.
    pub fn merge(&mut self, other: Needs) {
        self.customers.extend(other.customers);
        self.promos.extend(other.promos);
        for (pool, quantity) in other.stock {
            let sum = self.stock.entry(pool).or_default();
            *sum = sum.saturating_add(quantity);
        }
        self.leases.extend(other.leases);
        self.siblings.extend(other.siblings);
        self.orders.extend(other.orders);
        self.remembered.extend(other.remembered);
        self.payments.extend(other.payments);
        self.means.extend(other.means);
    }
}
