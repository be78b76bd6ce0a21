//! What a batch has loaded, what it decides, and what has changed by it.

mod access;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::access::Known;
use crate::access::{Entropy, Login};
use crate::address::{Address, Pool};
use crate::authorisation::Authorisation;
use crate::auto_top_up::AutoTopUp;
use crate::card::Card;
use crate::catalogue::Catalogue;
use crate::customer::Customer;
use crate::idempotency::Remembered;
use crate::ids::{
    AddressId, AuthorisationId, CardId, CustomerId, EntryId, LeaseId, OrderId, PaymentId, PrefixId,
    PromoId,
};
use crate::journal::{Entry, Event};
use crate::lease::{Lease, Standing};
use crate::ledger::{House, Posting, Wallet};
use crate::money::Money;
use crate::order::Order;
use crate::payment::Payment;
use crate::product::ProductKey;
use crate::promo::{Promo, PromoOutcome, Purchase, normal_code};
use crate::refusal::Refusal;
use crate::stock;
use crate::time::{Span, Time};

/// Everything that was loaded for a batch.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The catalogue that is valid at the commit.
    pub catalogue: Arc<Catalogue>,
    /// The customers.
    pub customers: Vec<Customer>,
    /// Their wallets.
    pub wallets: Vec<Wallet>,
    /// The promo codes.
    pub promos: Vec<Promo>,
    /// How often which customer has used which code; none is never.
    pub promo_uses: Vec<(PromoId, CustomerId, u32)>,
    /// The pools.
    pub pools: Vec<(ProductKey, Pool)>,
    /// The next free port of each gateway's shared host, where any was given out.
    pub next_ports: BTreeMap<String, u16>,
    /// The leases.
    pub leases: Vec<Lease>,
    /// The authorisations.
    pub authorisations: Vec<Authorisation>,
    /// The pairs that customers usually use; of some who have one.
    pub usual_logins: Vec<(CustomerId, Login)>,
    /// Who has which login: an authorisation, or a customer as his usual one. None is nobody.
    pub logins: Vec<(String, CustomerId, Option<AuthorisationId>)>,
    /// The answers that are remembered.
    pub remembered: Vec<Remembered>,
    /// The payments.
    pub payments: Vec<Payment>,
    /// The cards of customers, those that were removed among them.
    pub cards: Vec<Card>,
    /// Their instructions to top up.
    pub top_ups: Vec<AutoTopUp>,
    /// The next ids.
    pub next: NextIds,
    /// Whether new orders are stopped after a restore.
    pub sales_locked: bool,
}

/// The ids that the next new things get. A store hands them out in blocks that it will not hand out
/// again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextIds {
    /// Of the journal.
    pub entry: i64,
    /// Of orders, payments and cards.
    pub order: i64,
    /// Of leases.
    pub lease: i64,
    /// Of addresses, which are drawn from prefixes.
    pub address: i64,
    /// Of authorisations.
    pub authorisation: i64,
}

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

/// How far a customer's money had come, to go back to where a purchase is refused for which money
/// had come in already.
pub(crate) struct Mark {
    wallet: Wallet,
    changed: Option<Wallet>,
    payment: Payment,
    payment_changed: bool,
    entries: usize,
    next: NextIds,
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

    /// How many addresses of `pool` can be had, up to `most`.
    pub(crate) fn available(&self, pool: &ProductKey, most: u32) -> u32 {
        let Some(stock) = self.pools.get(pool) else { return 0 };
        let mut found = u32::try_from(stock.free.len()).map_or(most, |free| free.min(most));
        let mut ports = self.next_ports.clone();
        for prefix in &stock.prefixes {
            for _ in prefix.drawn..prefix.capacity() {
                if found == most || self.take_port(&mut ports, &prefix.gateway, pool).is_none() {
                    break;
                }
                found += 1;
            }
        }
        found
    }

    /// Whether so many addresses can be had of each of these pools, which are all different.
    pub(crate) fn has_stock_for<'p>(
        &self,
        pools: impl IntoIterator<Item = (&'p ProductKey, usize)>,
    ) -> bool {
        let mut ports = self.next_ports.clone();
        pools.into_iter().all(|(pool, quantity)| {
            let Some(stock) = self.pools.get(pool) else { return false };
            let mut missing = quantity.saturating_sub(stock.free.len());
            for prefix in &stock.prefixes {
                for _ in prefix.drawn..prefix.capacity() {
                    if missing == 0 || self.take_port(&mut ports, &prefix.gateway, pool).is_none() {
                        break;
                    }
                    missing -= 1;
                }
            }
            missing == 0
        })
    }

    /// Takes `quantity` addresses of `pool`, which has them, one for each of the leases from
    /// `first` on.
    pub(crate) fn take_stock(
        &mut self,
        pool: &ProductKey,
        quantity: u32,
        first: LeaseId,
    ) -> Vec<AddressId> {
        let leases: Vec<LeaseId> = (first.0..first.0 + i64::from(quantity)).map(LeaseId).collect();
        self.take_stock_for(pool, &leases)
    }

    /// Takes an address of `pool`, which has as many, for each of these leases.
    pub(crate) fn take_stock_for(
        &mut self,
        pool: &ProductKey,
        leases: &[LeaseId],
    ) -> Vec<AddressId> {
        let mut stock = self.pools.remove(pool).expect("the caller has seen that it has enough");
        let quantity = leases.len();
        let chosen = stock::choose(&stock.free, quantity);
        let mut taken: Vec<AddressId> = chosen.iter().map(|index| stock.free[*index].id).collect();
        for (address, lease) in taken.iter().zip(leases) {
            self.changes.addresses_taken.insert(*address, *lease);
        }
        let mut kept: Vec<Option<Address>> = stock.free.into_iter().map(Some).collect();
        for index in chosen {
            kept[index] = None;
        }
        stock.free = kept.into_iter().flatten().collect();
        for prefix in &mut stock.prefixes {
            while taken.len() < quantity && prefix.drawn < prefix.capacity() {
                let mut ports = std::mem::take(&mut self.next_ports);
                let port = self.take_port(&mut ports, &prefix.gateway, pool);
                self.next_ports = ports;
                let Some(port) = port else { break };
                let ip = prefix.address(prefix.drawn).expect("it is within the capacity").into();
                prefix.drawn += 1;
                self.changes.prefixes.insert(prefix.id, prefix.drawn);
                let id = AddressId(self.next.address);
                self.next.address += 1;
                self.changes.addresses_new.push(Address {
                    id,
                    pool: pool.clone(),
                    ip,
                    gateway: prefix.gateway.clone(),
                    port,
                    rank: stock::rank(ip, 0),
                    lease: Some(leases[taken.len()]),
                    free_at: Time::EPOCH,
                });
                taken.push(id);
            }
        }
        if pool.kind.shares_host() {
            self.changes.next_ports = self.next_ports.clone();
        }
        self.pools.insert(pool.clone(), stock);
        assert_eq!(taken.len(), quantity, "the caller has seen that there are enough");
        taken
    }

    /// The next pair of ports of a gateway's shared host, or 0 where an address needs none.
    fn take_port(
        &self,
        ports: &mut BTreeMap<String, u16>,
        gateway: &str,
        pool: &ProductKey,
    ) -> Option<u16> {
        if !pool.kind.shares_host() {
            return Some(0);
        }
        let (first, last) = self.catalogue.gateways.get(gateway)?.shared_ports;
        let next = ports.get(gateway).copied().unwrap_or(first).max(first);
        if next >= last {
            return None;
        }
        // Past the last port there is is past the last one of any gateway.
        ports.insert(gateway.to_owned(), next.saturating_add(2));
        Some(next)
    }

    /// Sends an address back to stock. If it was taken in this batch, that is as if it never was.
    pub(crate) fn free_address(&mut self, address: AddressId, free_at: Time) {
        self.changes.addresses_taken.remove(&address);
        let new = self.changes.addresses_new.iter_mut().find(|new| new.id == address);
        if let Some(new) = new {
            (new.lease, new.free_at) = (None, free_at);
            return;
        }
        self.changes.addresses_freed.insert(address, free_at);
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

    /// Moves `amount` from a wallet that has it to the house's revenue, or the other way round if
    /// it is negative, and writes the event that `event` makes of the balance afterwards.
    pub(crate) fn transfer(
        &mut self,
        customer: CustomerId,
        amount: Money,
        house: House,
        now: Time,
        event: impl FnOnce(Money) -> Event,
    ) -> EntryId {
        let wallet = self.wallets.get_mut(&customer).expect("the caller has looked at it");
        let currency = wallet.balance.currency();
        assert_eq!(amount.currency(), currency, "the quote was made for this wallet");
        let after =
            wallet.balance.minor().checked_sub(amount.minor()).expect("amounts are bounded");
        assert!(after >= 0, "the caller has checked the balance");
        wallet.balance = Money::from_minor(after, currency);
        wallet.version += 1;
        let wallet = *wallet;
        self.changes.wallets.insert(customer, wallet);
        let postings = vec![
            Posting {
                account: wallet.account,
                version: wallet.version,
                amount: -amount.minor(),
                balance_after: Some(after),
            },
            Posting {
                account: house.account(currency),
                version: self.next.entry,
                amount: amount.minor(),
                balance_after: None,
            },
        ];
        self.record_with(customer, event(wallet.balance), postings, now)
    }

    /// Where the money of a payment and of its customer is.
    pub(crate) fn mark(&self, payment: PaymentId) -> Mark {
        let payment = self.payments[&payment].clone();
        Mark {
            wallet: self.wallets[&payment.customer],
            changed: self.changes.wallets.get(&payment.customer).copied(),
            payment_changed: self.changes.payments.contains_key(&payment.id),
            payment,
            entries: self.changes.entries.len(),
            next: self.next,
        }
    }

    /// Goes back to where the money was. Nothing may have happened since but that the payment was
    /// settled.
    pub(crate) fn go_back(&mut self, mark: Mark) {
        let customer = mark.wallet.customer;
        self.wallets.insert(customer, mark.wallet);
        match mark.changed {
            Some(wallet) => self.changes.wallets.insert(customer, wallet),
            None => self.changes.wallets.remove(&customer),
        };
        match mark.payment_changed {
            true => self.changes.payments.insert(mark.payment.id, mark.payment.clone()),
            false => self.changes.payments.remove(&mark.payment.id),
        };
        self.payments.insert(mark.payment.id, mark.payment);
        self.changes.entries.truncate(mark.entries);
        self.next = mark.next;
    }

    /// The customer's payment; another's is not found.
    pub(crate) fn payment(&self, customer: CustomerId, id: PaymentId) -> Result<&Payment, Refusal> {
        let payment = self.payments.get(&id).filter(|it| it.customer == customer);
        payment.ok_or(Refusal::UnknownPayment)
    }

    /// Keeps a payment as it is now.
    pub(crate) fn put_payment(&mut self, payment: Payment) {
        self.changes.payments.insert(payment.id, payment.clone());
        self.payments.insert(payment.id, payment);
    }

    /// The cards of a customer that were not removed, by id.
    pub fn cards(&self, customer: CustomerId) -> impl Iterator<Item = &Card> {
        let range = (customer, CardId(i64::MIN))..=(customer, CardId(i64::MAX));
        self.cards.range(range).map(|(_, card)| card).filter(|card| !card.removed)
    }

    /// A card of a customer that can be paid with.
    pub fn usable_card(
        &self,
        customer: CustomerId,
        id: CardId,
        now: Time,
    ) -> Result<&Card, Refusal> {
        let card = self.cards.get(&(customer, id)).filter(|card| !card.removed);
        let card = card.ok_or(Refusal::NoCard)?;
        if card.is_expired(now) { Err(Refusal::CardExpired) } else { Ok(card) }
    }

    /// Keeps a card as it is now.
    pub(crate) fn put_card(&mut self, card: Card) {
        self.changes.cards.insert(card.id, card.clone());
        self.cards.insert((card.customer, card.id), card);
    }

    /// A customer's instruction to top up.
    pub fn auto_top_up(&self, customer: CustomerId) -> Option<&AutoTopUp> {
        self.top_ups.get(&customer)
    }

    /// Keeps an instruction to top up as it is now.
    pub(crate) fn put_top_up(&mut self, top_up: AutoTopUp) {
        self.changes.top_ups.insert(top_up.customer, top_up.clone());
        self.top_ups.insert(top_up.customer, top_up);
    }

    /// The number of the next payment or card.
    pub(crate) fn next_number(&mut self) -> i64 {
        self.next_order().0
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
