//! Automatic extension that a card pays for.
//!
//! A sweep finds what is due and leaves it to whoever talks to the provider; what comes back is
//! this, with the payment around it, or that the card did not pay.

use crate::extend::{Plan, carry_out, plan};
use crate::ids::{CardId, CustomerId, EntryId, LeaseId};
use crate::lease::{Lease, LeaseState};
use crate::needs::Needs;
use crate::pricing::Quote;
use crate::promo::PromoOutcome;
use crate::refusal::Refusal;
use crate::sweep::note_failure;
use crate::time::Time;
use crate::world::World;

/// Leases of one order and end whose automatic extension a card pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renew {
    /// Whose they are.
    pub customer: CustomerId,
    /// The card.
    pub card: CardId,
    /// The leases, together.
    pub leases: Vec<LeaseId>,
}

impl Renew {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            leases: self.leases.iter().copied().collect(),
            siblings: self.leases.iter().copied().collect(),
            ..Needs::default()
        }
    }

    /// What it costs now.
    pub fn quote(&self, world: &World, now: Time) -> Result<Quote, Refusal> {
        self.planned(world, now).map(|plan| plan.quote)
    }

    /// Extends the leases, whose price has come in.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let plan = self.planned(world, now)?;
        if let Some(missing) = plan.quote.shortfall() {
            return Err(Refusal::InsufficientFunds { missing });
        }
        Ok(carry_out(world, self.customer, plan, true, now))
    }

    /// Notes that the card did not pay; says for how many leases.
    pub(crate) fn fail(&self, world: &mut World, now: Time) -> u32 {
        let due: Vec<LeaseId> = self.due(world, now).iter().map(|lease| lease.id).collect();
        note_failure(world, self.customer, &due, None, now);
        u32::try_from(due.len()).unwrap_or(u32::MAX)
    }

    fn planned(&self, world: &World, now: Time) -> Result<Plan, Refusal> {
        let leases = self.due(world, now);
        let period = leases.first().and_then(|lease| lease.auto_extend);
        let period = period.ok_or(Refusal::UnknownLease)?;
        if leases.iter().any(|lease| lease.auto_extend != Some(period)) {
            return Err(Refusal::UnknownLease);
        }
        plan(world, &leases, period, PromoOutcome::Absent, now)
    }

    /// Those of the leases that are still to be extended with the card.
    fn due<'w>(&self, world: &'w World, now: Time) -> Vec<&'w Lease> {
        let leases = self.leases.iter().filter_map(|id| world.lease(*id));
        let his = leases.filter(|lease| lease.customer == self.customer);
        let by_card = his.filter(|lease| lease.renew_card == Some(self.card));
        by_card.filter(|lease| is_due(world, lease, now)).collect()
    }
}

/// Whether a lease is to be extended automatically by now.
pub(crate) fn is_due(world: &World, lease: &Lease, now: Time) -> bool {
    lease.state == LeaseState::Active
        && lease.auto_extend.is_some()
        && world.next_due(lease).is_some_and(|due| due <= now)
}
