//! Standing instructions to extend.

use crate::ids::{CardId, CustomerId, EntryId, LeaseId};
use crate::journal::Event;
use crate::kind::ProxyKind;
use crate::lease::{Lease, Standing};
use crate::needs::Needs;
use crate::period::PeriodWish;
use crate::refusal::Refusal;
use crate::select::{Among, Selection};
use crate::time::Time;
use crate::world::World;

/// A wish to turn automatic extension on or off. Charges nothing and does not look at the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAutoExtend {
    /// Whose leases.
    pub customer: CustomerId,
    /// What kind of proxy he takes them for; `None` if it could not be read.
    pub kind: Option<ProxyKind>,
    /// Which.
    pub leases: Selection,
    /// Which they have to be, of the leases of the kind.
    pub among: Among,
    /// By which period each time; it need not be said to turn this off.
    pub period: PeriodWish,
    /// On or off; `None` if it could not be read.
    pub on: Option<bool>,
    /// The card that is to pay for it; `None` is the wallet.
    pub card: Option<CardId>,
}

impl SetAutoExtend {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { customers: [self.customer].into(), ..Needs::default() };
        self.leases.add_needs(&mut needs);
        if self.card.is_some() {
            needs.means.insert(self.customer);
        }
        needs
    }

    /// The leases that are meant, in the order in which they were named, if there is no problem with
    /// them.
    fn leases<'w>(&self, world: &'w World, now: Time) -> Result<Vec<&'w Lease>, Refusal> {
        let kind = self.kind.ok_or(Refusal::UnknownKind)?;
        let live = |standing| standing == Standing::Live;
        self.leases.leases(world, self.customer, (kind, self.among), live, now)
    }

    /// Gives or takes back the instruction for every lease, or for none. Says which, in the order
    /// in which they were named, and where that is written; repeating it is harmless and writes
    /// nothing.
    pub(crate) fn apply(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<(Option<EntryId>, Event), Refusal> {
        world.spender(self.customer)?;
        let kind = self.kind.ok_or(Refusal::UnknownKind)?;
        let period = match (self.on, self.period) {
            (Some(false), PeriodWish::Missing) => None,
            _ => Some(crate::extend::checked_period(world, kind, self.period)?),
        };
        let leases = self.leases(world, now)?;
        let period = if self.on.ok_or(Refusal::UnknownSwitch)? { period } else { None };
        let card = match (period, self.card) {
            (Some(_), Some(card)) => Some(world.usable_card(self.customer, card, now)?.id),
            _ => None,
        };
        let instruction = |lease: &Lease| (lease.auto_extend, lease.renew_card);
        let changed = leases.iter().any(|lease| instruction(lease) != (period, card));
        let leases: Vec<LeaseId> = leases.iter().map(|lease| lease.id).collect();
        for id in &leases {
            world.change_lease(*id, |lease| {
                if instruction(lease) != (period, card) {
                    lease.auto_extend = period;
                    lease.renew_card = card;
                    lease.retry_at = None;
                }
            });
        }
        let event = Event::AutoExtend { leases, period, card };
        let entry = changed.then(|| world.record(self.customer, event.clone(), now));
        Ok((entry, event))
    }
}
