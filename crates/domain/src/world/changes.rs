//! What a batch changes.

use std::collections::{BTreeMap, BTreeSet};

use super::NextIds;
use crate::access::Login;
use crate::address::Address;
use crate::authorisation::Authorisation;
use crate::auto_top_up::AutoTopUp;
use crate::card::Card;
use crate::idempotency::Remembered;
use crate::ids::{
    AddressId, AuthorisationId, CardId, CustomerId, LeaseId, PaymentId, PrefixId, PromoId,
};
use crate::journal::Entry;
use crate::lease::Lease;
use crate::ledger::Wallet;
use crate::order::Order;
use crate::payment::Payment;
use crate::time::Time;

/// What has changed and must be saved in the same transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// New entries of the journal, with their postings.
    pub entries: Vec<Entry>,
    /// Wallets as they are now.
    pub wallets: BTreeMap<CustomerId, Wallet>,
    /// New orders.
    pub orders: Vec<Order>,
    /// New leases.
    pub leases_new: Vec<Lease>,
    /// Leases as they are now, and how far each has changed.
    pub leases: BTreeMap<LeaseId, (Lease, LeaseChange)>,
    /// New authorisations.
    pub authorisations_new: BTreeMap<AuthorisationId, Authorisation>,
    /// Authorisations as they are now.
    pub authorisations: BTreeMap<AuthorisationId, Authorisation>,
    /// Authorisations that were deleted.
    pub authorisations_gone: BTreeSet<AuthorisationId>,
    /// The pairs that customers have begun to use as their usual ones.
    pub usual_logins: BTreeMap<CustomerId, Login>,
    /// Addresses that were let.
    pub addresses_taken: BTreeMap<AddressId, LeaseId>,
    /// Addresses that were drawn from a prefix and let.
    pub addresses_new: Vec<Address>,
    /// Addresses that went back, and from when on they may be let again.
    pub addresses_freed: BTreeMap<AddressId, Time>,
    /// How many addresses of each prefix have been drawn.
    pub prefixes: BTreeMap<PrefixId, i64>,
    /// The next free port of gateways' shared hosts.
    pub next_ports: BTreeMap<String, u16>,
    /// Uses of promo codes: in all, and by this customer.
    pub promo_uses: BTreeMap<(PromoId, CustomerId), (u32, u32)>,
    /// Answers to be remembered.
    pub remembered: Vec<Remembered>,
    /// Payments as they are now, new ones among them.
    pub payments: BTreeMap<PaymentId, Payment>,
    /// Cards as they are now, new ones among them.
    pub cards: BTreeMap<CardId, Card>,
    /// Instructions to top up as they are now, new ones among them.
    pub top_ups: BTreeMap<CustomerId, AutoTopUp>,
    /// The ids after these changes.
    pub next: NextIds,
}

/// How far a lease has changed, so that a store need not touch indexes for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaseChange {
    /// Its end alone.
    End,
    /// Anything that was promised to its customer, but not whether he sees it.
    Terms,
    /// Its state, too.
    State,
    /// Anything at all, such as its address.
    Whole,
}

impl Changes {
    /// Whether there is nothing to save. Ids that were handed out and not used are no change.
    pub fn is_nothing(&self, before: NextIds) -> bool {
        // Every change of the books but these comes with an entry.
        self.entries.is_empty()
            && self.leases.is_empty()
            && self.remembered.is_empty()
            && self.payments.is_empty()
            && self.cards.is_empty()
            && self.top_ups.is_empty()
            && self.next == before
    }
}
