//! What happens to leases because time passes: automatic extension, the end, the end of the
//! reserve.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Outcome;
use crate::extend::{carry_out, plan};
use crate::ids::{CardId, CustomerId, LeaseId, OrderId};
use crate::journal::Event;
use crate::lease::{Lease, LeaseState};
use crate::money::Money;
use crate::needs::Needs;
use crate::period::Period;
use crate::promo::PromoOutcome;
use crate::refusal::Refusal;
use crate::renew::{Renew, is_due};
use crate::time::{Span, Time};
use crate::world::World;

/// Does whatever is due for some leases of a customer.
///
/// Running it twice, late, or on several nodes does nothing twice: what is due is decided by the
/// leases as they are when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Whose leases.
    pub customer: CustomerId,
    /// Which. Leases of one order that are due together are extended together.
    pub leases: Vec<LeaseId>,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Leases that were extended.
    pub renewed: u32,
    /// Leases that could not be extended.
    pub failed: u32,
    /// Leases that ended.
    pub ended: u32,
    /// Addresses that went back to stock.
    pub released: u32,
}

/// What is extended as one: what ends together, of one order, by one card or from the wallet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Unit {
    ends_at: Time,
    period: Period,
    order: OrderId,
    card: Option<CardId>,
}

impl Swept {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Swept) -> Swept {
        Swept {
            renewed: self.renewed + other.renewed,
            failed: self.failed + other.failed,
            ended: self.ended + other.ended,
            released: self.released + other.released,
        }
    }
}

impl Sweep {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let leases: BTreeSet<LeaseId> = self.leases.iter().copied().collect();
        Needs {
            customers: [self.customer].into(),
            siblings: leases.clone(),
            leases,
            ..Needs::default()
        }
    }

    /// Does what is due at `now`, but for what cards are to pay for.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Outcome {
        let mut swept = Swept::default();
        let mut by_card = Vec::new();
        for (Unit { period, card, .. }, leases) in self.due_renewals(world, now) {
            if let Some(card) = card {
                by_card.push(Renew { customer: self.customer, card, leases });
                continue;
            }
            let done = renew(world, self.customer, &leases, period, now);
            swept.renewed += done.renewed;
            swept.failed += done.failed;
        }
        swept.ended = self.end(world, &by_card, now);
        swept.released = self.release(world, now);
        for id in &self.leases {
            if world.lease(*id).is_some_and(|lease| lease.customer == self.customer) {
                world.settle_lease(*id);
            }
        }
        match by_card.is_empty() {
            true => Outcome::Swept(swept),
            false => Outcome::SweptButCards { swept, by_card },
        }
    }

    /// The renewals that are due, leases of one order and end together; earliest end first.
    fn due_renewals(&self, world: &World, now: Time) -> BTreeMap<Unit, Vec<LeaseId>> {
        let mut units: BTreeMap<Unit, Vec<LeaseId>> = BTreeMap::new();
        let mut add = |lease: &Lease| {
            let due = lease.customer == self.customer && is_due(world, lease, now);
            // A card that did not pay until the end has had its last try.
            let over = lease.renew_card.is_some() && lease.retry_at.is_some();
            if let (true, Some(period)) =
                (due && !(over && lease.ends_at <= now), lease.auto_extend)
            {
                let (ends_at, order, card) = (lease.ends_at, lease.order, lease.renew_card);
                let unit = units.entry(Unit { ends_at, period, order, card }).or_default();
                if !unit.contains(&lease.id) {
                    unit.push(lease.id);
                }
            }
        };
        let mut whole = None;
        for id in &self.leases {
            let Some(lease) = world.lease(*id) else { continue };
            if lease.product.extends_whole_orders() {
                // All of the order, even where only some of it was found to be due yet.
                if whole.replace(lease.order) != Some(lease.order) {
                    world.leases_of(lease.order).for_each(&mut add);
                }
            } else {
                add(lease);
            }
        }
        units
    }

    /// Ends the leases whose time is over. Those that a card has yet to be asked for wait.
    fn end(&self, world: &mut World, by_card: &[Renew], now: Time) -> u32 {
        let waits: BTreeSet<LeaseId> =
            by_card.iter().flat_map(|renew| &renew.leases).copied().collect();
        let mut ended = Vec::new();
        for id in self.leases.iter().filter(|id| !waits.contains(id)) {
            let Some(lease) = world.lease(*id) else { continue };
            let over = lease.state == LeaseState::Active && lease.ends_at <= now;
            if !over || lease.customer != self.customer {
                continue;
            }
            let reserve = world.catalogue.reserve(&lease.product);
            let until = (reserve > Span::ZERO).then(|| lease.ends_at + reserve);
            ended.push((*id, until));
            world.change_lease(*id, |lease| {
                lease.state = LeaseState::Reserved;
                lease.reserved_until = until;
                lease.retry_at = None;
            });
        }
        let count = u32::try_from(ended.len()).unwrap_or(u32::MAX);
        if count > 0 {
            world.record(self.customer, Event::Ended { leases: ended }, now);
        }
        count
    }

    /// Sends the addresses back whose reserve is over.
    fn release(&self, world: &mut World, now: Time) -> u32 {
        let mut released = Vec::new();
        for id in &self.leases {
            let Some(lease) = world.lease(*id) else { continue };
            let until = lease.reserved_until.unwrap_or(lease.ends_at);
            let over = lease.state == LeaseState::Reserved && until <= now;
            if !over || lease.customer != self.customer {
                continue;
            }
            let address = lease.address;
            let terms = world.catalogue.terms(lease.product.kind);
            let cooling = terms.map_or(Span::DAY, |terms| terms.cooling);
            released.push(*id);
            world.change_lease(*id, |lease| {
                lease.state = LeaseState::Over;
                lease.auto_extend = None;
                lease.renew_card = None;
            });
            world.free_address(address, now + cooling);
        }
        let count = u32::try_from(released.len()).unwrap_or(u32::MAX);
        if count > 0 {
            world.record(self.customer, Event::Released { leases: released }, now);
        }
        count
    }
}

/// Extends `leases`, which are of one order and end, as one; or, where the money does not reach
/// and the product allows it, as many one by one as it does.
fn renew(
    world: &mut World,
    customer: CustomerId,
    leases: &[LeaseId],
    period: Period,
    now: Time,
) -> Swept {
    let mut swept = Swept::default();
    let count = |leases: &[LeaseId]| u32::try_from(leases.len()).unwrap_or(u32::MAX);
    let missing = match try_renew(world, customer, leases, period, now) {
        Ok(()) => {
            swept.renewed = count(leases);
            return swept;
        }
        Err(missing) => missing,
    };
    let whole = world.lease(leases[0]).is_some_and(|lease| lease.product.extends_whole_orders());
    let mut failed = Vec::new();
    let mut wanting = missing;
    if whole || leases.len() == 1 || missing.is_none() {
        failed.extend_from_slice(leases);
    } else {
        for id in leases {
            match try_renew(world, customer, &[*id], period, now) {
                Ok(()) => swept.renewed += 1,
                Err(missing) => {
                    wanting = missing;
                    failed.push(*id);
                }
            }
        }
    }
    swept.failed = count(&failed);
    note_failure(world, customer, &failed, wanting, now);
    swept
}

/// Extends `leases` together if the wallet covers it. Says how much is missing if that is why not.
fn try_renew(
    world: &mut World,
    customer: CustomerId,
    leases: &[LeaseId],
    period: Period,
    now: Time,
) -> Result<(), Option<Money>> {
    let planned = world.spender(customer).and_then(|_| {
        let leases: Vec<&Lease> = leases.iter().filter_map(|id| world.lease(*id)).collect();
        plan(world, &leases, period, PromoOutcome::Absent, now)
    });
    match planned {
        Ok(plan) => match plan.quote.shortfall() {
            None => {
                carry_out(world, customer, plan, true, now);
                Ok(())
            }
            missing => Err(missing),
        },
        Err(Refusal::InsufficientFunds { missing }) => Err(Some(missing)),
        Err(_) => Err(None),
    }
}

/// Sets the next try, and tells of the failure once per lease and end.
pub(crate) fn note_failure(
    world: &mut World,
    customer: CustomerId,
    failed: &[LeaseId],
    missing: Option<Money>,
    now: Time,
) {
    let mut news = Vec::new();
    for id in failed {
        let lease = world.lease(*id).expect("it was found to be due");
        let terms = world.catalogue.terms(lease.product.kind);
        let retry = terms.map_or(Span::HOUR, |terms| terms.renew_retry);
        if lease.retry_at.is_none() {
            news.push(*id);
        }
        world.change_lease(*id, |lease| lease.retry_at = Some(now + retry));
    }
    if !news.is_empty() {
        world.record(customer, Event::RenewalFailed { leases: news, missing }, now);
    }
}
