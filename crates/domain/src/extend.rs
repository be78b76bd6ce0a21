//! Extending: the customer pays, the ends of his leases move.

use std::collections::BTreeMap;

use crate::ids::{CustomerId, EntryId, LeaseId};
use crate::journal::{Bill, Event, Moved};
use crate::kind::ProxyKind;
use crate::lease::{HORIZON, Lease, LeaseState, Standing};
use crate::ledger::House;
use crate::needs::Needs;
use crate::period::{Period, PeriodWish};
use crate::pricing::{Basket, Quote, quote};
use crate::promo::{PromoOutcome, Purchase, normal_code};
use crate::refusal::Refusal;
use crate::select::{Among, Selection};
use crate::time::Time;
use crate::world::World;

/// A wish to extend some leases, in no dialect's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extend {
    /// Who pays.
    pub customer: CustomerId,
    /// What kind of proxy he takes them for; `None` if it could not be read.
    pub kind: Option<ProxyKind>,
    /// Which.
    pub leases: Selection,
    /// Which they have to be, of the leases of the kind.
    pub among: Among,
    /// For how long.
    pub period: PeriodWish,
    /// A promo code; a blank one is none.
    pub promo: Option<String>,
}

impl Extend {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { customers: [self.customer].into(), ..Needs::default() };
        if let Some(code) = self.promo.as_deref().and_then(normal_code) {
            needs.promos.insert((code, self.customer));
        }
        self.leases.add_needs(&mut needs);
        needs
    }

    /// What it would cost. Sees the same problems as the extension would.
    pub fn quote(&self, world: &World, now: Time) -> Result<Quote, Refusal> {
        self.planned(world, now).map(|plan| plan.quote)
    }

    /// The leases that would be extended, in the order in which they were named, if there is no
    /// problem with them.
    pub fn leases<'w>(&self, world: &'w World, now: Time) -> Result<Vec<&'w Lease>, Refusal> {
        let kind = self.kind.ok_or(Refusal::UnknownKind)?;
        let stands = |standing| matches!(standing, Standing::Live | Standing::InReserve);
        self.leases.leases(world, self.customer, (kind, self.among), stands, now)
    }

    /// Charges the wallet and moves the end of every lease, or does neither.
    ///
    /// First all that may refuse, then all that changes.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let plan = self.planned(world, now)?;
        self.charge(world, plan, now)
    }

    /// The same, but a promo code that cannot be used refuses it: nobody pays the full price who
    /// meant not to.
    pub(crate) fn apply_with_promo(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let Plan { quote, period, leases } = self.planned(world, now)?;
        self.charge(world, Plan { quote: quote.with_promo()?, period, leases }, now)
    }

    fn charge(&self, world: &mut World, plan: Plan, now: Time) -> Result<EntryId, Refusal> {
        if let Some(missing) = plan.quote.shortfall() {
            return Err(Refusal::InsufficientFunds { missing });
        }
        Ok(carry_out(world, self.customer, plan, false, now))
    }

    fn planned(&self, world: &World, now: Time) -> Result<Plan, Refusal> {
        let kind = self.kind.ok_or(Refusal::UnknownKind)?;
        let period = checked_period(world, kind, self.period)?;
        let leases = self.leases(world, now)?;
        let promo =
            world.promo(self.promo.as_deref(), self.customer, kind, Purchase::Extension, now);
        plan(world, &leases, period, promo, now)
    }
}

/// An extension that can be carried out if there is money.
pub(crate) struct Plan {
    pub(crate) quote: Quote,
    period: Period,
    leases: Vec<LeaseId>,
}

/// The period that is meant, if it is on sale for `kind`.
pub(crate) fn checked_period(
    world: &World,
    kind: ProxyKind,
    wish: PeriodWish,
) -> Result<Period, Refusal> {
    wish.among(world.catalogue.periods(kind)).ok_or(Refusal::PeriodNotOnSale)
}

/// Prices extending `leases`, which are of one customer and kind, and at least one.
pub(crate) fn plan(
    world: &World,
    leases: &[&Lease],
    period: Period,
    promo: PromoOutcome,
    now: Time,
) -> Result<Plan, Refusal> {
    let first = leases.first().ok_or(Refusal::UnknownLease)?;
    if leases.iter().any(|lease| now + HORIZON < lease.end_after(period, now)) {
        return Err(Refusal::EndTooFar);
    }
    let mut items = BTreeMap::new();
    for lease in leases {
        match items.get_mut(&lease.product) {
            Some(quantity) => *quantity += 1,
            None => {
                items.insert(lease.product.clone(), 1);
            }
        }
    }
    let basket = Basket { items: &items, kind: first.product.kind, period, promo };
    let quote = quote(&world.catalogue, basket, world.balance(first.customer)?)?;
    Ok(Plan { quote, period, leases: leases.iter().map(|lease| lease.id).collect() })
}

/// Charges for a plan that the wallet covers, and moves the ends.
pub(crate) fn carry_out(
    world: &mut World,
    customer: CustomerId,
    plan: Plan,
    automatic: bool,
    now: Time,
) -> EntryId {
    let Plan { quote, period, leases } = plan;
    let mut moved = Vec::with_capacity(leases.len());
    for id in leases {
        let lease = world.lease(id).expect("the plan was made with it");
        let (from, to) = (lease.ends_at, lease.end_after(period, now));
        moved.push(Moved { lease: id, from, to });
        world.change_lease(id, |lease| {
            lease.state = LeaseState::Active;
            lease.ends_at = to;
            lease.reserved_until = None;
            lease.retry_at = None;
        });
    }
    world.use_promo(customer, quote.promo);
    let total = quote.total;
    world.transfer(customer, total, House::Revenue, now, |balance_after| {
        let bill = Bill { quote, balance_after, payment: None };
        Event::Extension { bill, period, leases: moved, automatic }
    })
}
