//! All rows of a store in maps, how a batch's world is taken from them and put back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::{Access, Login};
use domain::address::{Address, Pool, Prefix};
use domain::api_key::ApiKey;
use domain::authorisation::Authorisation;
use domain::auto_top_up::AutoTopUp;
use domain::card::Card;
use domain::catalogue::Catalogue;
use domain::customer::Customer;
use domain::idempotency::Remembered;
use domain::ids::{
    AddressId, AuthorisationId, CardId, CustomerId, EntryId, KeyId, LeaseId, OrderId, PaymentId,
    PrefixId, PromoId, RotationId,
};
use domain::journal::Entry;
use domain::lease::Lease;
use domain::ledger::Wallet;
use domain::limits::Exceptions;
use domain::needs::Needs;
use domain::order::Order;
use domain::payment::Payment;
use domain::product::ProductKey;
use domain::promo::Promo;
use domain::rotation::{Dialer, Rotation};
use domain::time::{Span, Time};
use domain::usage::{Day, Meter, MeterReading, Used};
use domain::world::{Changes, Loaded, NextIds};

use crate::nodes::{GatewayIdentity, Node};
use crate::records::{Installation, OperatorToken};

/// Everything.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) installation: Installation,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) catalogue_text: Option<String>,
    pub(super) sales_locked: bool,
    pub(super) customers: BTreeMap<CustomerId, Customer>,
    pub(super) wallets: BTreeMap<CustomerId, Wallet>,
    pub(super) keys: BTreeMap<KeyId, ([u8; 32], ApiKey)>,
    pub(super) keys_version: i64,
    pub(super) exceptions: BTreeMap<CustomerId, Exceptions>,
    pub(super) tokens: BTreeMap<i64, ([u8; 32], OperatorToken)>,
    pub(super) gateway_identity: Option<GatewayIdentity>,
    pub(super) nodes: BTreeMap<i64, ([u8; 32], Node)>,
    pub(super) promos: BTreeMap<PromoId, Promo>,
    pub(super) promo_uses: BTreeMap<(PromoId, CustomerId), u32>,
    pub(super) addresses: BTreeMap<AddressId, Exit>,
    pub(super) prefixes: BTreeMap<PrefixId, Prefix>,
    pub(super) next_ports: BTreeMap<String, u16>,
    pub(super) orders: BTreeMap<OrderId, Arc<Order>>,
    pub(super) authorisations: BTreeMap<AuthorisationId, Authorisation>,
    pub(super) usual_logins: BTreeMap<CustomerId, Login>,
    pub(super) leases: BTreeMap<LeaseId, Lease>,
    pub(super) entries: BTreeMap<EntryId, Entry>,
    pub(super) remembered: BTreeMap<(CustomerId, [u8; 16]), Remembered>,
    pub(super) payments: BTreeMap<PaymentId, Payment>,
    pub(super) cards: BTreeMap<CardId, Card>,
    pub(super) top_ups: BTreeMap<CustomerId, AutoTopUp>,
    pub(super) usage: BTreeMap<(Day, LeaseId), Used>,
    pub(super) meters: BTreeMap<Meter, MeterReading>,
    pub(super) rotations: BTreeMap<RotationId, Rotation>,
    pub(super) next_rotation: i64,
    /// By name, with the number that was when something was last to be noticed of them.
    pub(super) dialers: BTreeMap<String, (Dialer, i64)>,
    /// That number now.
    pub(super) exit_number: i64,
    /// How often links were replaced.
    pub(super) reboot_epochs: BTreeMap<LeaseId, u32>,
    pub(super) next: NextIds,
    /// Answers to entries from this one on may not have reached their customers.
    pub(super) quiet: i64,
}

/// An address, and how it was added by hand, if it was.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) address: Address,
    /// Which of the leases that share it; `None` if it was drawn from a prefix.
    pub(super) slot: Option<u32>,
    /// The modem that it is behind.
    pub(super) modem: Option<String>,
}

impl Books {
    pub(super) fn new(sandbox: bool) -> Books {
        Books {
            // The same key in every one, so that a test gives the same ids each time.
            installation: Installation { sandbox, clock_offset: Span::ZERO, id_key: [7; 16] },
            catalogue: Arc::default(),
            catalogue_text: None,
            sales_locked: false,
            customers: BTreeMap::new(),
            wallets: BTreeMap::new(),
            keys: BTreeMap::new(),
            keys_version: 0,
            exceptions: BTreeMap::new(),
            tokens: BTreeMap::new(),
            gateway_identity: None,
            nodes: BTreeMap::new(),
            promos: BTreeMap::new(),
            promo_uses: BTreeMap::new(),
            addresses: BTreeMap::new(),
            prefixes: BTreeMap::new(),
            next_ports: BTreeMap::new(),
            orders: BTreeMap::new(),
            authorisations: BTreeMap::new(),
            usual_logins: BTreeMap::new(),
            leases: BTreeMap::new(),
            entries: BTreeMap::new(),
            remembered: BTreeMap::new(),
            payments: BTreeMap::new(),
            cards: BTreeMap::new(),
            top_ups: BTreeMap::new(),
            usage: BTreeMap::new(),
            meters: BTreeMap::new(),
            rotations: BTreeMap::new(),
            next_rotation: 1,
            dialers: BTreeMap::new(),
            exit_number: 0,
            reboot_epochs: BTreeMap::new(),
            next: NextIds { entry: 1, order: 1, lease: 1, address: 1, authorisation: 1 },
            quiet: 1,
        }
    }

    /// What `needs` names, as far as it exists.
    pub(super) fn load(&self, needs: &Needs, now: Time) -> Loaded {
        let needs = &*needs.resolved(&self.catalogue);
        let of = |customer: &CustomerId| needs.customers.contains(customer);
        let codes: BTreeSet<&str> = needs.promos.iter().map(|(code, _)| code.as_str()).collect();
        let promos: Vec<Promo> =
            self.promos.values().filter(|it| codes.contains(it.code.as_str())).cloned().collect();
        let mut uses = Vec::new();
        for promo in &promos {
            for (_, customer) in needs.promos.iter().filter(|(code, _)| *code == promo.code) {
                if let Some(count) = self.promo_uses.get(&(promo.id, *customer)) {
                    uses.push((promo.id, *customer, *count));
                }
            }
        }
        let whole: BTreeSet<OrderId> = needs
            .siblings
            .iter()
            .filter_map(|id| self.leases.get(id))
            .filter(|lease| lease.product.extends_whole_orders())
            .map(|lease| lease.order)
            .chain(needs.orders.iter().copied())
            .collect();
        let wanted = |lease: &&Lease| {
            needs.leases.contains(&lease.id)
                || needs.siblings.contains(&lease.id)
                || whole.contains(&lease.order)
        };
        let paid = |payment: &Payment| needs.payments.contains(&payment.id);
        let means = |customer: &CustomerId| needs.means.contains(customer);
        Loaded {
            catalogue: Arc::clone(&self.catalogue),
            customers: self.customers.values().filter(|it| of(&it.id)).cloned().collect(),
            wallets: self.wallets.values().filter(|it| of(&it.customer)).copied().collect(),
            promos,
            promo_uses: uses,
            pools: needs
                .stock
                .iter()
                .map(|(key, quantity)| (key.clone(), self.pool(key, *quantity, now)))
                .collect(),
            next_ports: self.next_ports.clone(),
            leases: self.leases.values().filter(wanted).cloned().collect(),
            authorisations: self
                .authorisations
                .values()
                .filter(|it| {
                    needs.authorisations.contains(&it.id)
                        || needs.authorised.contains(&(it.customer, it.order))
                })
                .cloned()
                .collect(),
            usual_logins: needs
                .usual_logins
                .iter()
                .filter_map(|id| self.usual_logins.get(id).map(|usual| (*id, usual.clone())))
                .collect(),
            logins: self.logins().filter(|(it, ..)| needs.logins.contains(it)).collect(),
            remembered: needs
                .remembered
                .iter()
                .filter_map(|key| self.remembered.get(key))
                .cloned()
                .collect(),
            payments: self.payments.values().filter(|it| paid(it)).cloned().collect(),
            cards: self.cards.values().filter(|it| means(&it.customer)).cloned().collect(),
            top_ups: self.top_ups.values().filter(|it| means(&it.customer)).cloned().collect(),
            next: self.next,
            sales_locked: self.sales_locked,
        }
    }

    fn pool(&self, key: &ProductKey, quantity: u32, now: Time) -> Pool {
        let rests = |address: &Address| now < address.free_at;
        let mut free: Vec<Address> = self
            .addresses
            .values()
            .map(|exit| &exit.address)
            .filter(|it| it.pool == *key && it.lease.is_none() && !rests(it))
            .cloned()
            .collect();
        free.sort_by_key(|address| (address.rank, address.id));
        free.truncate(usize::try_from(quantity).expect("it fits"));
        let prefixes = self.prefixes.values().filter(|prefix| prefix.pool == *key);
        Pool { free, prefixes: prefixes.cloned().collect() }
    }

    /// Puts back what a batch has changed. Panics on what only a bug could ask for.
    pub(super) fn save(&mut self, changes: Changes) {
        for entry in changes.entries {
            let again = self.entries.insert(entry.id, entry);
            assert!(again.is_none(), "entry {again:?} is written once");
        }
        self.wallets.extend(changes.wallets);
        for order in changes.orders {
            let again = self.orders.insert(order.id, Arc::new(order));
            assert!(again.is_none(), "order {again:?} is placed once");
        }
        for id in changes.authorisations_gone {
            assert!(self.authorisations.remove(&id).is_some(), "authorisation {} exists", id.0);
        }
        self.usual_logins.extend(changes.usual_logins);
        for (id, changed) in changes.authorisations {
            assert!(self.authorisations.insert(id, changed).is_some(), "{} exists", id.0);
        }
        for (id, new) in changes.authorisations_new {
            let again = self.authorisations.insert(id, new);
            assert!(again.is_none(), "authorisation {again:?} is added once");
        }
        let chosen = self.authorisations.values().filter(|it| it.chosen);
        let mut logins = BTreeSet::new();
        chosen.for_each(|it| {
            let Access::Login(pair) = &it.access else { return };
            assert!(logins.insert(&pair.login), "no two have chosen one login");
        });
        for lease in changes.leases_new {
            let again = self.leases.insert(lease.id, lease);
            assert!(again.is_none(), "lease {again:?} is granted once");
        }
        for (id, (lease, _)) in changes.leases {
            assert!(self.leases.insert(id, lease).is_some(), "lease {} exists", id.0);
        }
        for address in changes.addresses_new {
            let again =
                self.addresses.insert(address.id, Exit { address, slot: None, modem: None });
            assert!(again.is_none(), "address {again:?} is drawn once");
        }
        for (id, lease) in changes.addresses_taken {
            let address = &mut self.addresses.get_mut(&id).expect("it was in its pool").address;
            assert_eq!(address.lease.replace(lease), None, "address {} has one lease", id.0);
        }
        for (id, free_at) in changes.addresses_freed {
            let address = &mut self.addresses.get_mut(&id).expect("it was let").address;
            address.lease = None;
            address.free_at = free_at;
        }
        for (id, drawn) in changes.prefixes {
            self.prefixes.get_mut(&id).expect("it was in its pool").drawn = drawn;
        }
        self.next_ports.extend(changes.next_ports);
        for ((promo, customer), (in_all, by_customer)) in changes.promo_uses {
            let row = self.promos.get_mut(&promo).expect("it was loaded");
            // A batch may hold uses by several customers: the highest count is the last one.
            row.uses = row.uses.max(in_all);
            self.promo_uses.insert((promo, customer), by_customer);
        }
        for remembered in changes.remembered {
            self.remembered.insert((remembered.customer, remembered.key), remembered);
        }
        self.payments.extend(changes.payments);
        self.cards.extend(changes.cards);
        self.top_ups.extend(changes.top_ups);
        self.next = changes.next;
    }
}
