//! What a customer has bought: orders and extensions, as the journal has them.

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{CustomerId, EntryId, LeaseId, OrderId};
use domain::journal::{Bill, Entry, Event};
use domain::lease::LeaseState;
use domain::money::Money;
use domain::needs::Needs;
use domain::product::ProductKey;
use domain::time::Time;
use domain::world::World;
use store::Store;
use store::records::EntryFilter;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How many entries are read at once. Each may have thousands of leases.
const CHUNK: u32 = 200;

/// Which purchases are wanted. All are by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PurchaseFilter {
    /// Only those of one of these things.
    pub of: Option<PurchaseOf>,
    /// Only those from then on.
    pub from: Option<Time>,
    /// Only those before then.
    pub before: Option<Time>,
    /// Only extensions, or only orders.
    pub extension: Option<bool>,
    /// Only those of whose leases one is extended automatically, or none.
    pub auto_extends: Option<bool>,
}

/// What purchases are looked for by: whatever of it matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurchaseOf {
    /// An order: it and its extensions.
    pub order: Option<OrderId>,
    /// An extension.
    pub entry: Option<EntryId>,
}

/// A purchase that was found; small, because there may be very many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its entry in the journal.
    pub entry: EntryId,
    /// When.
    pub at: Time,
    /// What it cost.
    pub total: Money,
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Its entry in the journal.
    pub entry: EntryId,
    /// When.
    pub at: Time,
    /// What it cost.
    pub total: Money,
    /// Whether it was an extension.
    pub is_extension: bool,
    /// When its first lease ended from then on.
    pub ends_at: Time,
    /// Whether any of its orders' leases is extended automatically now.
    pub auto_extends: bool,
    /// What it was for, by orders and products, the order of its first lease first. Never empty.
    pub parts: Vec<PurchasePart>,
}

/// A part of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchasePart {
    /// Of which order.
    pub order: OrderId,
    /// Of which product.
    pub product: ProductKey,
    /// How many leases.
    pub quantity: u32,
    /// Its share of what the purchase cost.
    pub price: Money,
}

impl Engine {
    /// The purchases of a customer that are wanted, oldest first.
    pub async fn purchases(
        &self,
        customer: CustomerId,
        filter: PurchaseFilter,
    ) -> Result<Vec<Found>, Fault> {
        let now = self.now();
        let told = |error| told(&error, "looking for purchases");
        let mut of_order = BTreeSet::new();
        if let Some(order) = filter.of.and_then(|of| of.order) {
            let needs = Needs { orders: [order].into(), ..Needs::default() };
            let leases = self.read_slow(move |store| {
                let world = store.load(&needs, now)?;
                Ok(world.leases_of(order).map(|lease| lease.id).collect())
            });
            of_order = leases.await.map_err(told)?;
        }
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (filter, of_order) = (filter.clone(), of_order.clone());
            let step = self.read_slow(move |store| {
                // Whatever is bought moves money, be it nothing; the rest is not even read.
                let by = EntryFilter { customer: Some(customer), moved_money: true };
                let entries = store.entries(&by, after, CHUNK)?;
                let more = entries.len() >= CHUNK as usize;
                let next = entries.last().filter(|_| more).map(|entry| entry.id);
                let mut bought: Vec<Bought> = entries.into_iter().filter_map(Bought::of).collect();
                bought.retain(|bought| bought.passes(&filter, &of_order));
                if let Some(wanted) = filter.auto_extends {
                    let world = leases_and_orders(store, &bought, now)?;
                    bought.retain(|bought| bought.auto_extends(&world) == wanted);
                }
                Ok((bought.iter().map(Bought::found).collect::<Vec<_>>(), next))
            });
            let (some, next) = step.await.map_err(told)?;
            found.extend(some);
            match next {
                Some(_) => after = next,
                None => return Ok(found),
            }
        }
    }

    /// Purchases of a customer by their entries, in the order in which they are named; what is none
    /// of his is left out.
    pub async fn purchases_of(
        &self,
        customer: CustomerId,
        entries: Vec<EntryId>,
    ) -> Result<Vec<Purchase>, Fault> {
        let now = self.now();
        let purchases = self.read_slow(move |store| {
            let mut found = entries_of(store, customer, &entries)?;
            let bought: Vec<Bought> =
                entries.iter().filter_map(|id| found.remove(id)).filter_map(Bought::of).collect();
            let world = leases_and_orders(store, &bought, now)?;
            Ok(bought.iter().map(|bought| bought.purchase(&world)).collect())
        });
        purchases.await.map_err(|error| told(&error, "reading purchases"))
    }
}

/// Entries of a customer by their ids. Neighbours are read at once.
fn entries_of(
    store: &dyn Store,
    customer: CustomerId,
    ids: &[EntryId],
) -> Result<BTreeMap<EntryId, Entry>, store::error::Error> {
    let filter = EntryFilter { customer: Some(customer), moved_money: true };
    let mut missing: BTreeSet<EntryId> = ids.iter().copied().collect();
    let mut found = BTreeMap::new();
    while let Some(next) = missing.pop_first() {
        let before = EntryId(next.0 - 1);
        let limit = u32::try_from(missing.len() + 1).unwrap_or(CHUNK).min(CHUNK);
        let chunk = store.entries(&filter, Some(before), limit)?;
        for entry in chunk {
            if entry.id == next || missing.remove(&entry.id) {
                found.insert(entry.id, entry);
            }
        }
    }
    Ok(found)
}

/// The leases of these purchases, with all others of their orders.
fn leases_and_orders(
    store: &dyn Store,
    bought: &[Bought],
    now: Time,
) -> Result<World, store::error::Error> {
    let orders: BTreeSet<OrderId> = bought.iter().filter_map(|bought| bought.order).collect();
    let extended = bought.iter().filter(|bought| bought.order.is_none());
    // The leases of one order follow each other: where the first and the last are of one, all are.
    let ends = extended.clone().flat_map(|bought| {
        [bought.leases.iter().min(), bought.leases.iter().max()].into_iter().flatten()
    });
    let needs = Needs { leases: ends.copied().collect(), ..Needs::default() };
    let world = store.load(&needs, now)?;
    let order = |lease: &LeaseId| world.lease(*lease).map(|lease| lease.order);
    let (mut orders, mut leases) = (orders, BTreeSet::new());
    for bought in extended {
        let (first, last) = (bought.leases.iter().min(), bought.leases.iter().max());
        let (first, last) = (first.and_then(order), last.and_then(order));
        orders.extend(first.into_iter().chain(last));
        if first != last {
            leases.extend(&bought.leases);
        }
    }
    if !leases.is_empty() {
        let needs = Needs { leases, ..Needs::default() };
        let world = store.load(&needs, now)?;
        let needed = needs.leases.iter().filter_map(|lease| world.lease(*lease));
        orders.extend(needed.map(|lease| lease.order));
    }
    store.load(&Needs { orders, ..Needs::default() }, now)
}

/// A purchase as the journal has it.
struct Bought {
    entry: EntryId,
    at: Time,
    bill: Bill,
    /// The order, if it was one.
    order: Option<OrderId>,
    leases: Vec<LeaseId>,
    ends_at: Time,
}

impl Bought {
    /// `None` if the entry is of another kind.
    fn of(entry: Entry) -> Option<Bought> {
        let (id, at) = (entry.id, entry.at);
        let (bill, order, leases, ends_at) = match entry.event {
            Event::Order { order, bill, leases, .. } => {
                let ends_at = leases.first()?.ends_at;
                (bill, Some(order), leases.iter().map(|it| it.lease).collect(), ends_at)
            }
            Event::Extension { bill, leases, .. } => {
                let ends_at = leases.first()?.to;
                (bill, None, leases.iter().map(|it| it.lease).collect(), ends_at)
            }
            _ => return None,
        };
        Some(Bought { entry: id, at, bill, order, leases, ends_at })
    }

    fn found(&self) -> Found {
        Found { entry: self.entry, at: self.at, total: self.bill.quote.total }
    }

    /// Whether it is wanted, as far as the journal tells.
    fn passes(&self, filter: &PurchaseFilter, of_order: &BTreeSet<LeaseId>) -> bool {
        let named = |of: PurchaseOf| {
            self.order.is_some() && self.order == of.order
                || self.order.is_none() && Some(self.entry) == of.entry
                || self.leases.iter().any(|lease| of_order.contains(lease))
        };
        filter.of.is_none_or(named)
            && filter.from.is_none_or(|from| from <= self.at)
            && filter.before.is_none_or(|before| self.at < before)
            && filter.extension.is_none_or(|extension| extension == self.order.is_none())
    }

    /// The orders that it was for, that of its first lease first.
    fn orders(&self, world: &World) -> Vec<OrderId> {
        let mut orders: Vec<OrderId> = Vec::new();
        for lease in self.leases.iter().filter_map(|lease| world.lease(*lease)) {
            if orders.last() != Some(&lease.order) && !orders.contains(&lease.order) {
                orders.push(lease.order);
            }
        }
        orders
    }

    fn auto_extends(&self, world: &World) -> bool {
        let mut leases = self.orders(world).into_iter().flat_map(|order| world.leases_of(order));
        leases.any(|lease| lease.auto_extend.is_some() && lease.state != LeaseState::Over)
    }

    fn purchase(&self, world: &World) -> Purchase {
        let mut counts: BTreeMap<(usize, &ProductKey), u32> = BTreeMap::new();
        let orders = self.orders(world);
        for lease in self.leases.iter().filter_map(|lease| world.lease(*lease)) {
            let at = orders.iter().position(|order| *order == lease.order).unwrap_or(0);
            *counts.entry((at, &lease.product)).or_default() += 1;
        }
        let groups: Vec<(&ProductKey, u32)> =
            counts.iter().map(|((_, product), count)| (*product, *count)).collect();
        let shares = self.bill.quote.shares(&groups);
        let parts = counts.iter().zip(shares).map(|(((at, product), quantity), price)| {
            let (product, quantity) = ((*product).clone(), *quantity);
            PurchasePart { order: orders[*at], product, quantity, price }
        });
        Purchase {
            entry: self.entry,
            at: self.at,
            total: self.bill.quote.total,
            is_extension: self.order.is_none(),
            ends_at: self.ends_at,
            auto_extends: self.auto_extends(world),
            parts: parts.collect(),
        }
    }
}
