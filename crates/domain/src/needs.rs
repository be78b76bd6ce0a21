//! What has to be known to decide a command.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalogue::Catalogue;
use crate::ids::{AuthorisationId, CustomerId, LeaseId, OrderId, PaymentId};
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
    /// Packages by tag and number of addresses, and how often each may be ordered. Which pools
    /// serve them is in the catalogue: see [`Needs::resolved`].
    pub packages: BTreeMap<(String, u32), u32>,
    /// Leases.
    pub leases: BTreeSet<LeaseId>,
    /// Of these, those whose orders are to be loaded whole where their product is extended by
    /// whole orders.
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
        for (package, times) in other.packages {
            let sum = self.packages.entry(package).or_default();
            *sum = sum.saturating_add(times);
        }
        self.leases.extend(other.leases);
        self.siblings.extend(other.siblings);
        self.orders.extend(other.orders);
        self.authorisations.extend(other.authorisations);
        self.authorised.extend(other.authorised);
        self.usual_logins.extend(other.usual_logins);
        self.logins.extend(other.logins);
        self.remembered.extend(other.remembered);
        self.payments.extend(other.payments);
        self.means.extend(other.means);
    }

    /// The same, with the pools of `catalogue` that serve the packages: each may have to give all
    /// addresses of an order, where the others have none. What cannot be ordered needs nothing.
    pub fn resolved(&self, catalogue: &Catalogue) -> Cow<'_, Needs> {
        if self.packages.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut resolved = self.clone();
        for ((tag, quantity), times) in &self.packages {
            let Some(package) = catalogue.packages.get(tag) else { continue };
            if !package.quantities.contains(quantity) {
                continue;
            }
            for part in package.parts() {
                let sum = resolved.stock.entry(part.pool()).or_default();
                *sum = sum.saturating_add(quantity.saturating_mul(*times));
            }
        }
        Cow::Owned(resolved)
    }
}
