//! What the edges may look up. Reads go around the batcher.
//!
//! What a store answers from memory within microseconds is asked on the spot; what may touch many
//! rows is asked on a thread for blocking work.

use domain::authorisation::Authorised;
use domain::ids::{AddressId, AuthorisationId, CustomerId, EntryId, LeaseId, OrderId};
use domain::journal::Entry;
use domain::kind::ProxyKind;
use domain::limits::Exceptions;
use domain::money::Money;
use domain::needs::Needs;
use domain::product::ProductKey;
use domain::promo::Promo;
use domain::proxy::Proxy;
use domain::replace::Replacement;
use domain::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use store::Store;
use store::records::{EntryFilter, ProxyFilter};

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many leases are looked up on the spot.
pub(crate) const FEW: usize = 16;

/// Which leases of a customer are listed.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Only of this kind.
    pub kind: Option<ProxyKind>,
    /// Those in reserve instead of the live ones.
    pub in_reserve: bool,
    /// Only those behind this one.
    pub after: Option<LeaseId>,
    /// At most so many.
    pub limit: u32,
}

/// A walk through the live leases of a customer, kind by kind and within a kind by id, so that the
/// leases of an order come together.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    customer: CustomerId,
    /// The kinds that are left, the present one first.
    kinds: &'static [ProxyKind],
    after: Option<LeaseId>,
    now: Time,
}

/// One page of the live leases of a customer, counted through kind by kind.
#[derive(Clone, Debug)]
pub struct Page {
    /// The leases.
    pub proxies: Vec<Proxy>,
    /// How many there are on all pages.
    pub total: u64,
}

impl Engine {
    /// What is in a customer's wallet; `None` if there is no such customer.
    pub fn balance(&self, customer: CustomerId) -> Result<Option<Money>, Fault> {
        let found = self.read(|store| store.customer(customer))?;
        Ok(found.map(|(_, wallet)| wallet.balance))
    }

    /// The promo codes that a customer can use now, with how often he has used each.
    pub fn promos(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>, Fault> {
        let now = self.now();
        let mut promos = self.read(|store| store.promos_of(customer))?;
        promos.retain(|(promo, used)| promo.is_open_to(customer, *used, now));
        Ok(promos)
    }

    /// What the operator has said of how much a customer's leases may use.
    pub async fn exceptions(&self, customer: CustomerId) -> Result<Exceptions, Fault> {
        let found = self.read_slow(move |store| store.exceptions(Some(customer))).await;
        let found = found.map_err(|error| told(&error, "reading limits"))?;
        Ok(found.into_values().next().unwrap_or_default())
    }

    /// The kind of a lease that a customer has, or has in reserve; `None` if he has no such lease.
    pub fn kind_of(
        &self,
        customer: CustomerId,
        lease: LeaseId,
    ) -> Result<Option<ProxyKind>, Fault> {
        let needs = Needs { leases: BTreeSet::from([lease]), ..Needs::default() };
        let world = self.read(|store| store.load(&needs, self.now()))?;
        let lease = world.lease(lease).filter(|lease| lease.customer == customer);
        Ok(lease.map(|lease| lease.product.kind))
    }

    /// Some leases of a customer, by id.
    pub async fn proxies(
        &self,
        customer: CustomerId,
        listing: Listing,
    ) -> Result<Vec<Proxy>, Fault> {
        let now = self.now();
        let Listing { kind, in_reserve, after, limit } = listing;
        let filter = ProxyFilter { kind, in_reserve };
        let found = self.read_slow(move |it| it.proxies(customer, &filter, after, limit, now));
        found.await.map_err(|error| told(&error, "listing leases"))
    }

    /// Leases of a customer by their ids, live ones and those in reserve, in the order in which they
    /// are named; what is not his is left out.
    pub async fn proxies_of(
        &self,
        customer: CustomerId,
        leases: &[LeaseId],
    ) -> Result<Vec<Proxy>, Fault> {
        let now = self.now();
        let found = if leases.len() <= FEW {
            self.read(|store| store.proxies_of(customer, leases, now))?
        } else {
            let named = leases.to_vec();
            let found = self.read_slow(move |store| store.proxies_of(customer, &named, now)).await;
            found.map_err(|error| told(&error, "looking leases up"))?
        };
        let mut found: BTreeMap<LeaseId, Proxy> =
            found.into_iter().map(|proxy| (proxy.lease.id, proxy)).collect();
        Ok(leases.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The orders of some leases of a customer, in the order in which they are named, each once.
    pub fn orders_of(
        &self,
        customer: CustomerId,
        leases: impl IntoIterator<Item = LeaseId>,
    ) -> Result<Vec<OrderId>, Fault> {
        let leases: Vec<LeaseId> = leases.into_iter().collect();
        let needs = Needs { leases: leases.iter().copied().collect(), ..Needs::default() };
        let world = self.read(|store| store.load(&needs, self.now()))?;
        let mut orders = Vec::new();
        for lease in leases.into_iter().filter_map(|id| world.lease(id)) {
            if lease.customer == customer && !orders.contains(&lease.order) {
                orders.push(lease.order);
            }
        }
        Ok(orders)
    }

    /// Begins a walk through the live leases of `kind`, or of all kinds.
    pub fn walk(&self, customer: CustomerId, kind: Option<ProxyKind>) -> Walk {
        let all: &'static [ProxyKind] = &ProxyKind::ALL;
        let kinds = match kind {
            Some(kind) => all.iter().position(|it| *it == kind).map_or(all, |at| &all[at..=at]),
            None => all,
        };
        Walk { customer, kinds, after: None, now: self.now() }
    }

    /// Goes on with a walk by about `limit` leases; `None` when its end is reached.
    pub async fn step(&self, walk: Walk, limit: u32) -> Result<(Vec<Proxy>, Option<Walk>), Fault> {
        let stepped = self.read_slow(move |store| walk.step(store, limit)).await;
        stepped.map_err(|error| told(&error, "listing leases"))
    }

    /// The live leases of `kind`, or of all kinds, from the `offset`-th on; at most `limit`.
    pub async fn page(
        &self,
        customer: CustomerId,
        kind: Option<ProxyKind>,
        offset: u64,
        limit: u32,
    ) -> Result<Page, Fault> {
        let walk = self.walk(customer, kind);
        let page = self.read_slow(move |store| walk.page(store, offset, limit)).await;
        page.map_err(|error| told(&error, "listing a page of leases"))
    }

    /// The authorisations of a customer's orders that are not over, or of one of them, by order and
    /// then by id, from behind `after`; at most `limit`.
    pub async fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>, Fault> {
        let found = self.read_slow(move |it| it.authorisations(customer, order, after, limit));
        found.await.map_err(|error| told(&error, "listing authorisations"))
    }

    /// An authorisation of a customer's order that is not over; `None` if he has no such one.
    pub async fn authorisation(
        &self,
        customer: CustomerId,
        id: AuthorisationId,
    ) -> Result<Option<Authorised>, Fault> {
        let needs = Needs { authorisations: BTreeSet::from([id]), ..Needs::default() };
        let now = self.now();
        let found = self.read_slow(move |store| {
            let world = store.load(&needs, now)?;
            let Some(known) = world.authorisation(id) else { return Ok(Vec::new()) };
            let before = id.0.checked_sub(1).map(|before| (known.order, AuthorisationId(before)));
            store.authorisations(customer, Some(known.order), before, 1)
        });
        let found = found.await.map_err(|error| told(&error, "reading an authorisation"))?;
        Ok(found.into_iter().find(|it| it.authorisation.id == id))
    }

    /// How the addresses of a customer's lease were replaced, oldest first.
    pub async fn replacements(
        &self,
        customer: CustomerId,
        lease: LeaseId,
    ) -> Result<Vec<Replacement>, Fault> {
        let found = self.read_slow(move |store| store.replacements(customer, lease)).await;
        found.map_err(|error| told(&error, "listing replacements"))
    }

    /// The exits that these addresses are.
    pub async fn exits(
        &self,
        addresses: BTreeSet<AddressId>,
    ) -> Result<BTreeMap<AddressId, IpAddr>, Fault> {
        let found = self.read_slow(move |store| store.exits(&addresses)).await;
        found.map_err(|error| told(&error, "looking up addresses"))
    }

    /// The pools that serve these leases of a customer, and how many of them each serves: what a
    /// replacement has to know. A lease that he has not is left out.
    pub async fn pools_of(
        &self,
        customer: CustomerId,
        leases: &[LeaseId],
    ) -> Result<BTreeMap<ProductKey, u32>, Fault> {
        let leases: BTreeSet<LeaseId> = leases.iter().copied().collect();
        let needs = Needs { leases: leases.clone(), ..Needs::default() };
        let now = self.now();
        let world = self.read_slow(move |store| store.load(&needs, now)).await;
        let world = world.map_err(|error| told(&error, "looking up leases"))?;
        let mut pools = BTreeMap::new();
        for lease in leases.iter().filter_map(|id| world.lease(*id)) {
            if lease.customer == customer {
                *pools.entry(lease.product.pool()).or_default() += 1;
            }
        }
        Ok(pools)
    }

    /// Entries of a customer's journal, oldest first, from behind `after`; at most `limit`.
    pub async fn entries(
        &self,
        customer: CustomerId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault> {
        let filter = EntryFilter { customer: Some(customer), ..EntryFilter::default() };
        let found = self.read_slow(move |store| store.entries(&filter, after, limit)).await;
        found.map_err(|error| told(&error, "reading the journal"))
    }

    /// An entry of a customer's journal; `None` if he has no such entry.
    pub async fn entry(&self, customer: CustomerId, id: EntryId) -> Result<Option<Entry>, Fault> {
        let Some(before) = id.0.checked_sub(1) else { return Ok(None) };
        let found = self.entries(customer, Some(EntryId(before)), 1).await?;
        Ok(found.into_iter().find(|entry| entry.id == id))
    }

    /// Whether commands are taken and the store answers.
    pub async fn check_ready(&self) -> Result<(), Fault> {
        if self.is_closing() {
            return Err(Fault::Closing);
        }
        let answered = self.read_slow(|store| store.next_due()).await;
        answered.map(drop).map_err(|error| told(&error, "looking whether the database answers"))
    }
}

impl Walk {
    fn step(
        mut self,
        store: &dyn Store,
        limit: u32,
    ) -> Result<(Vec<Proxy>, Option<Walk>), store::error::Error> {
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        while let Some(kind) = self.kinds.first() {
            let filter = ProxyFilter { kind: Some(*kind), in_reserve: false };
            let chunk = store.proxies(self.customer, &filter, self.after, limit, self.now)?;
            let full = chunk.len() >= size;
            let last = chunk.last().map(|proxy| proxy.lease.id);
            found.extend(chunk);
            if full {
                self.after = last;
            } else {
                self.after = None;
                self.kinds = &self.kinds[1..];
            }
            if found.len() >= size {
                break;
            }
        }
        let rest = (!self.kinds.is_empty()).then_some(self);
        Ok((found, rest))
    }

    fn page(self, store: &dyn Store, offset: u64, limit: u32) -> Result<Page, store::error::Error> {
        let (mut total, mut proxies) = (0_u64, Vec::new());
        for kind in self.kinds {
            let count = store.count_proxies(self.customer, *kind)?;
            let taken = u32::try_from(proxies.len()).unwrap_or(u32::MAX);
            if taken < limit && offset < total.saturating_add(count) {
                let skipped = offset.saturating_sub(total);
                let of_kind =
                    store.proxies_at(self.customer, *kind, skipped, limit - taken, self.now)?;
                proxies.extend(of_kind);
            }
            total = total.saturating_add(count);
        }
        // What has just ended may not have been swept yet.
        proxies.retain(|proxy| self.now < proxy.lease.ends_at);
        Ok(Page { proxies, total })
    }
}
