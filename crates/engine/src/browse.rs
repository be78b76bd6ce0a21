//! Walks through the leases of a customer part by part, and only through those that are wanted.
//!
//! However many there are, a step reads a bounded number of them.

use std::collections::{BTreeSet, VecDeque};

use domain::country::Country;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::lease::Lease;
use domain::needs::Needs;
use domain::proxy::Proxy;
use domain::time::{Span, Time};
use store::Store;
use store::records::ProxyFilter;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many leases are read at once, at least: where the last one is looked for, or a short page.
const NEIGHBOURS: u32 = 64;

/// A part of what a customer has: the leases of a kind that belong to packages, or those that do
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The kind.
    pub kind: ProxyKind,
    /// Whether they were bought in packages.
    pub in_packages: bool,
}

/// How leases stand that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// Live.
    #[default]
    Live,
    /// Live, but not for longer than this; or over, while the address is still kept.
    Lapsing(Span),
    /// Over, while the address is still kept.
    InReserve,
}

/// Which leases are wanted. Nothing but the parts and their order is asked by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of these parts, one after another; within a part by id.
    pub parts: Vec<Part>,
    /// How they stand.
    pub stand: Stand,
    /// Only those of these orders.
    pub orders: Option<BTreeSet<OrderId>>,
    /// Only those in this country.
    pub country: Option<Country>,
    /// So many of them are passed over first.
    pub skip: u64,
    /// At most so many.
    pub take: Option<u64>,
}

/// A walk through leases that are wanted.
#[derive(Clone, Debug)]
pub struct Browse {
    customer: CustomerId,
    wanted: Wanted,
    /// What is left to be read, the present one first.
    legs: VecDeque<Leg>,
    after: Option<LeaseId>,
    /// Whether the present leg has met leases that the other part of the same kind has.
    met_others: bool,
    /// The first and last lease that can be among those wanted.
    bounds: Option<(LeaseId, LeaseId)>,
    now: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Leg {
    part: Part,
    in_reserve: bool,
}

impl Engine {
    /// Begins a walk through the leases of a customer that are wanted.
    pub async fn browse(&self, customer: CustomerId, wanted: Wanted) -> Result<Browse, Fault> {
        let now = self.now();
        let mut bounds = None;
        if let Some(orders) = &wanted.orders {
            let needs = Needs { orders: orders.clone(), ..Needs::default() };
            let orders = orders.clone();
            let found = self.read_slow(move |store| {
                let world = store.load(&needs, now)?;
                let leases = orders.iter().flat_map(|order| world.leases_of(*order));
                let own = leases.filter(|lease| lease.customer == customer).map(|lease| lease.id);
                Ok(own.collect::<BTreeSet<_>>())
            });
            let found = found.await.map_err(|error| told(&error, "looking up orders"))?;
            bounds = found.first().copied().zip(found.last().copied());
        }
        let legs = match (&wanted.orders, bounds) {
            (Some(_), None) => VecDeque::new(),
            _ => wanted.legs(),
        };
        Ok(Browse { customer, wanted, legs, after: None, met_others: false, bounds, now })
    }

    /// Goes on with a walk by about `limit` leases, of which not all need be wanted; `None` when its
    /// end is reached.
    pub async fn browse_on(
        &self,
        browse: Browse,
        limit: u32,
    ) -> Result<(Vec<Proxy>, Option<Browse>), Fault> {
        let stepped = self.read_slow(move |store| browse.step(store, limit)).await;
        stepped.map_err(|error| told(&error, "browsing leases"))
    }

    /// The order of these parts that a customer has placed last, among those that have live leases.
    pub async fn latest_order(
        &self,
        customer: CustomerId,
        parts: Vec<Part>,
    ) -> Result<Option<OrderId>, Fault> {
        let now = self.now();
        let found = self.read_slow(move |store| {
            let mut latest = None;
            for part in parts {
                let last = last_of(store, customer, part, now)?;
                latest = latest.max(last.map(|lease| lease.order));
            }
            Ok(latest)
        });
        found.await.map_err(|error| told(&error, "looking for the latest order"))
    }
}

/// The last live lease of a part. Orders and their leases are numbered together, so it is of the
/// last order.
fn last_of(
    store: &dyn Store,
    customer: CustomerId,
    part: Part,
    now: Time,
) -> Result<Option<Lease>, store::error::Error> {
    let mut end = store.count_proxies(customer, part.kind)?;
    while end > 0 {
        let start = end.saturating_sub(NEIGHBOURS.into());
        let limit = u32::try_from(end - start).expect("it is no more than a chunk");
        let chunk = store.proxies_at(customer, part.kind, start, limit, now)?;
        let mut last = chunk.into_iter().rev().map(|proxy| proxy.lease);
        if let Some(lease) = last.find(|lease| part.has(lease) && now < lease.ends_at) {
            return Ok(Some(lease));
        }
        end = start;
    }
    Ok(None)
}

impl Part {
    /// Whether a lease of this kind belongs to it.
    fn has(self, lease: &Lease) -> bool {
        lease.product.package.is_some() == self.in_packages
    }
}

impl Wanted {
    fn legs(&self) -> VecDeque<Leg> {
        let stands: &[bool] = match self.stand {
            Stand::Live => &[false],
            Stand::Lapsing(_) => &[false, true],
            Stand::InReserve => &[true],
        };
        let of = |part: &Part| {
            let part = *part;
            stands.iter().map(move |in_reserve| Leg { part, in_reserve: *in_reserve })
        };
        self.parts.iter().flat_map(of).collect()
    }
}

impl Browse {
    fn step(
        mut self,
        store: &dyn Store,
        limit: u32,
    ) -> Result<(Vec<Proxy>, Option<Browse>), store::error::Error> {
        let left = self.wanted.take.map(|take| take.saturating_add(self.wanted.skip));
        let left = left.and_then(|left| u32::try_from(left).ok());
        let limit = left.map_or(limit, |left| limit.min(left.max(NEIGHBOURS)));
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut found, mut read) = (Vec::new(), 0);
        while let Some(leg) = self.legs.front().copied() {
            let filter = ProxyFilter { kind: Some(leg.part.kind), in_reserve: leg.in_reserve };
            let before_first = self.bounds.map(|(first, _)| LeaseId(first.0 - 1));
            let after = self.after.max(before_first);
            let mut chunk = store.proxies(self.customer, &filter, after, limit, self.now)?;
            read += chunk.len().max(1);
            let last = chunk.last().map(|proxy| proxy.lease.id);
            let beyond = self.bounds.zip(last).is_some_and(|((_, end), last)| end <= last);
            let more = chunk.len() >= size && !beyond;
            chunk.retain(|proxy| self.takes(leg, &proxy.lease));
            if found.is_empty() {
                found = chunk;
            } else {
                found.append(&mut chunk);
            }
            if self.wanted.take == Some(0) {
                return Ok((found, None));
            }
            if more {
                self.after = last;
            } else {
                self.leave(leg);
            }
            if read >= size {
                break;
            }
        }
        let rest = (!self.legs.is_empty()).then_some(self);
        Ok((found, rest))
    }

    /// Whether a lease is wanted; counts it if it is.
    fn takes(&mut self, leg: Leg, lease: &Lease) -> bool {
        if !leg.part.has(lease) {
            self.met_others = true;
            return false;
        }
        let wanted = &mut self.wanted;
        let ends = match wanted.stand {
            Stand::Lapsing(within) => leg.in_reserve || lease.ends_at <= self.now + within,
            Stand::Live | Stand::InReserve => true,
        };
        let ordered = wanted.orders.as_ref().is_none_or(|orders| orders.contains(&lease.order));
        let there = wanted.country.is_none_or(|country| lease.product.country == country);
        if !(ends && ordered && there) {
            return false;
        }
        if wanted.skip > 0 {
            wanted.skip -= 1;
            return false;
        }
        match &mut wanted.take {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }

    /// Goes to the next leg. The other part of the same kind need not be read if nothing of it was
    /// met on the way.
    fn leave(&mut self, leg: Leg) {
        self.legs.pop_front();
        if !self.met_others {
            let same = |other: &Leg| {
                other.part.kind == leg.part.kind && other.in_reserve == leg.in_reserve
            };
            self.legs.retain(|other| !same(other));
        }
        (self.after, self.met_others) = (None, false);
    }
}
