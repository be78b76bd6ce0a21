//! What a batch has loaded, what it decides, and what has changed by it.

mod access;
mod changes;
mod loaded;
mod money;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::access::Known;
pub use self::changes::{Changes, LeaseChange};
pub use self::loaded::{Loaded, NextIds};
use crate::access::Entropy;
use crate::address::Pool;
use crate::auto_top_up::AutoTopUp;
use crate::card::Card;
use crate::catalogue::Catalogue;
use crate::customer::Customer;
use crate::idempotency::Remembered;
use crate::ids::{CardId, CustomerId, EntryId, LeaseId, OrderId, PaymentId, PromoId};
use crate::journal::{Entry, Event};
use crate::lease::{Lease, Standing};
use crate::ledger::{Posting, Wallet};
use crate::money::Money;
use crate::order::Order;
use crate::payment::Payment;
use crate::product::ProductKey;
use crate::promo::{Promo, PromoOutcome, Purchase, normal_code};
use crate::refusal::Refusal;
use crate::time::{Span, Time};

/// What a batch knows and does. Commands are decided on it one after another; each sees what the
/// ones before it have done.
#[derive(Debug)]
pub struct World {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) sales_locked: bool,
    customers: BTreeMap<CustomerId, Customer>,
    wallets: BTreeMap<CustomerId, Wallet>,
    promos: BTreeMap<String, Promo>,
    promo_uses: BTreeMap<(PromoId, CustomerId), u32>,
    pools: BTreeMap<ProductKey, Pool>,
    next_ports: BTreeMap<String, u16>,
    leases: BTreeMap<LeaseId, Lease>,
    by_order: BTreeSet<(OrderId, LeaseId)>,
    known: Known,
    remembered: BTreeMap<(CustomerId, [u8; 16]), Remembered>,
    payments: BTreeMap<PaymentId, Payment>,
    cards: BTreeMap<(CustomerId, CardId), Card>,
    top_ups: BTreeMap<CustomerId, AutoTopUp>,
    next: NextIds,
    changes: Changes,
}

impl World {
    /// The world of what was loaded.
    pub fn new(loaded: Loaded) -> World {
        let by_order = loaded.leases.iter().map(|lease| (lease.order, lease.id)).collect();
        World {
            catalogue: loaded.catalogue,
            sales_locked: loaded.sales_locked,
            customers: loaded.customers.into_iter().map(|it| (it.id, it)).collect(),
            wallets: loaded.wallets.into_iter().map(|it| (it.customer, it)).collect(),
            promos: loaded.promos.into_iter().map(|it| (it.code.clone(), it)).collect(),
            promo_uses: loaded.promo_uses.into_iter().map(|(p, c, n)| ((p, c), n)).collect(),
            pools: loaded.pools.into_iter().collect(),
            next_ports: loaded.next_ports,
            leases: loaded.leases.into_iter().map(|it| (it.id, it)).collect(),
            by_order,
            known: Known {
                authorisations: loaded.authorisations.into_iter().map(|it| (it.id, it)).collect(),
                usual: loaded.usual_logins.into_iter().collect(),
                logins: loaded.logins.into_iter().map(|(it, c, id)| (it, (c, id))).collect(),
            },
            remembered: loaded
                .remembered
                .into_iter()
                .map(|it| ((it.customer, it.key), it))
                .collect(),
            payments: loaded.payments.into_iter().map(|it| (it.id, it)).collect(),
            cards: loaded.cards.into_iter().map(|it| ((it.customer, it.id), it)).collect(),
            top_ups: loaded.top_ups.into_iter().map(|it| (it.customer, it)).collect(),
            next: loaded.next,
            changes: Changes { next: loaded.next, ..Changes::default() },
        }
    }

    /// The ids of the leases that were loaded.
    pub fn lease_ids(&self) -> Vec<LeaseId> {
        self.leases.keys().copied().collect()
    }

    /// The catalogue in force.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// What has changed.
    pub fn into_changes(self) -> Changes {
        Changes { next: self.next, ..self.changes }
    }

    /// The customer, unless he is suspended. He must have been loaded.
    pub(crate) fn spender(&self, id: CustomerId) -> Result<&Customer, Refusal> {
        let customer = self.customers.get(&id).ok_or(Refusal::Suspended)?;
        if customer.suspended { Err(Refusal::Suspended) } else { Ok(customer) }
    }

    /// The customer's wallet; `None` if there is no such customer.
    pub fn wallet(&self, customer: CustomerId) -> Option<&Wallet> {
        self.wallets.get(&customer)
    }

    /// What is in the customer's wallet.
    pub(crate) fn balance(&self, customer: CustomerId) -> Result<Money, Refusal> {
        self.wallet(customer).map(|wallet| wallet.balance).ok_or(Refusal::Suspended)
    }

    /// The lease, whoever's it is.
    pub fn lease(&self, id: LeaseId) -> Option<&Lease> {
        self.leases.get(&id)
    }

    /// The loaded leases of an order, by id.
    pub fn leases_of(&self, order: OrderId) -> impl Iterator<Item = &Lease> {
        let range = (order, LeaseId(i64::MIN))..=(order, LeaseId(i64::MAX));
        self.by_order.range(range).filter_map(|(_, id)| self.leases.get(id))
    }

    /// What `lease` is worth at `now`, by the terms of its product.
    pub fn standing(&self, lease: &Lease, now: Time) -> Standing {
        lease.standing(now, self.catalogue.reserve(&lease.product))
    }

    /// When something is next to be done about `lease`.
    pub(crate) fn next_due(&self, lease: &Lease) -> Option<Time> {
        let terms = self.catalogue.terms(lease.product.kind);
        lease.next_due(terms.map_or(Span::DAY, |terms| terms.renew_lead))
    }

    /// What becomes of the promo code that `customer` named for this.
    pub(crate) fn promo(
        &self,
        code: Option<&str>,
        customer: CustomerId,
        kind: crate::kind::ProxyKind,
        purchase: Purchase,
        now: Time,
    ) -> PromoOutcome {
        let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
            return PromoOutcome::Absent;
        };
        let Some(promo) = normal_code(code).and_then(|code| self.promos.get(&code)) else {
            return PromoOutcome::NotApplicable;
        };
        let used = self.promo_uses.get(&(promo.id, customer)).copied().unwrap_or(0);
        if promo.applies(customer, used, kind, purchase, now) {
            PromoOutcome::Applied { promo: promo.id, discount: promo.discount }
        } else {
            PromoOutcome::NotApplicable
        }
    }

    /// The id of the next order.
    pub(crate) fn next_order(&mut self) -> OrderId {
        self.next.order += 1;
        OrderId(self.next.order - 1)
    }

    /// The first of the ids of the next `count` leases.
    pub(crate) fn next_leases(&mut self, count: u32) -> LeaseId {
        self.next.lease += i64::from(count);
        LeaseId(self.next.lease - i64::from(count))
    }

    /// Adds an order with its leases.
    pub(crate) fn add_order(&mut self, order: Order, leases: Vec<Lease>) {
        for lease in &leases {
            self.by_order.insert((lease.order, lease.id));
            self.leases.insert(lease.id, lease.clone());
        }
        self.changes.orders.push(order);
        self.changes.leases_new.extend(leases);
    }

    /// Changes a lease that was loaded, and notes how far.
    pub(crate) fn change_lease(&mut self, id: LeaseId, change: impl FnOnce(&mut Lease)) {
        let lease = self.leases.get_mut(&id).expect("the caller has looked at it");
        let before = lease.clone();
        change(lease);
        let after = lease.clone();
        let due = self.next_due(&after);
        let lease = self.leases.get_mut(&id).expect("it was there a moment ago");
        // Only ever earlier: a time that is too early is put right by the next sweep, for nothing.
        lease.look_at = due.map_or(Time::FAR, |due| due.min(before.look_at));
        self.note_lease(id, &before);
    }

    /// Notes that nothing is due for a lease before its time, after it was looked at.
    pub(crate) fn settle_lease(&mut self, id: LeaseId) {
        let before = self.leases[&id].clone();
        let due = self.next_due(&before).unwrap_or(Time::FAR);
        self.leases.get_mut(&id).expect("it was there a moment ago").look_at = due;
        self.note_lease(id, &before);
    }

    fn note_lease(&mut self, id: LeaseId, before: &Lease) {
        let after = &self.leases[&id];
        if after == before {
            return;
        }
        // New leases get ascending ids, and a batch may have thousands.
        let new = &mut self.changes.leases_new;
        if let Ok(at) = new.binary_search_by_key(&id, |lease| lease.id) {
            new[at].clone_from(after);
            return;
        }
        let only_end = Lease { ends_at: before.ends_at, ..after.clone() } == *before;
        let same_place = (after.address, after.replaced_at, &after.comment)
            == (before.address, before.replaced_at, &before.comment);
        let change = match () {
            () if !same_place => LeaseChange::Whole,
            () if after.state != before.state => LeaseChange::State,
            () if only_end => LeaseChange::End,
            () => LeaseChange::Terms,
        };
        let noted = self.changes.leases.entry(id).or_insert((after.clone(), change));
        noted.0.clone_from(after);
        noted.1 = noted.1.max(change);
    }

    /// Writes `event` into the journal.
    pub(crate) fn record(&mut self, customer: CustomerId, event: Event, now: Time) -> EntryId {
        self.record_with(customer, event, Vec::new(), now)
    }

    /// Writes `event` and its postings into the journal.
    fn record_with(
        &mut self,
        customer: CustomerId,
        event: Event,
        postings: Vec<Posting>,
        at: Time,
    ) -> EntryId {
        let id = EntryId(self.next.entry);
        self.next.entry += 1;
        self.changes.entries.push(Entry { id, at, customer, event, postings, fingerprint: None });
        id
    }

    /// Counts a use of the promo code of a quote that is being charged.
    pub(crate) fn use_promo(&mut self, customer: CustomerId, outcome: PromoOutcome) {
        let PromoOutcome::Applied { promo: id, .. } = outcome else { return };
        let used = self.promo_uses.entry((id, customer)).or_default();
        *used += 1;
        let promo = self.promos.values_mut().find(|promo| promo.id == id);
        let promo = promo.expect("the quote was made with it");
        promo.uses += 1;
        self.changes.promo_uses.insert((id, customer), (promo.uses, *used));
    }

    /// The answer that is remembered under a key, if it has not been forgotten by `now`.
    pub(crate) fn remembered(
        &self,
        customer: CustomerId,
        key: [u8; 16],
        now: Time,
    ) -> Option<&Remembered> {
        self.remembered.get(&(customer, key)).filter(|remembered| now < remembered.until)
    }

    /// Remembers an answer.
    pub(crate) fn remember(&mut self, remembered: Remembered) {
        self.remembered.insert((remembered.customer, remembered.key), remembered.clone());
        self.changes.remembered.push(remembered);
    }

    /// The entry that was just written.
    pub(crate) fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.changes.entries.iter_mut().rev().find(|entry| entry.id == id)
    }

    /// Randomness for a decision, from the seed that came with its command.
    pub(crate) fn entropy(seed: [u8; 16]) -> Entropy {
        Entropy::new(seed)
    }
}
