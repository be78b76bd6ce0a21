//! What has to be known to decide a command.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{AuthorisationId, CustomerId, LeaseId, OrderId};
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
    /// Authorisations.
    pub authorisations: BTreeSet<AuthorisationId>,
    /// Orders, by their customers, with all their authorisations.
    pub authorised: BTreeSet<(CustomerId, OrderId)>,
    /// Customers with the pairs of login and password that they usually use.
    pub usual_logins: BTreeSet<CustomerId>,
    /// Logins that somebody may have.
    pub logins: BTreeSet<String>,
    /// Idempotency keys.
    pub remembered: BTreeSet<(CustomerId, [u8; 16])>,
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
        self.authorisations.extend(other.authorisations);
        self.authorised.extend(other.authorised);
        self.usual_logins.extend(other.usual_logins);
        self.logins.extend(other.logins);
        self.remembered.extend(other.remembered);
    }
}
