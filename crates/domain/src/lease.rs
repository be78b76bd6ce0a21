//! A customer's right to an address.

use crate::ids::{AddressId, CardId, CustomerId, LeaseId, OrderId};
use crate::period::Period;
use crate::product::ProductKey;
use crate::time::{Span, Time};

/// One customer's right to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The id. Survives extensions.
    pub id: LeaseId,
    /// What it was bought with.
    pub order: OrderId,
    /// Whose it is.
    pub customer: CustomerId,
    /// What it is, and what its extensions cost.
    pub product: ProductKey,
    /// The address.
    pub address: AddressId,
    /// How far the books have come with it; see [`Lease::standing`] for what it is worth now.
    pub state: LeaseState,
    /// When it began.
    pub starts_at: Time,
    /// When it ends. From that moment on nothing passes.
    pub ends_at: Time,
    /// Until when the address is kept after the end.
    pub reserved_until: Option<Time>,
    /// The standing instruction: extend by this before the end.
    pub auto_extend: Option<Period>,
    /// The card that pays for that; `None` is the wallet.
    pub renew_card: Option<CardId>,
    /// When a failed automatic extension is tried again.
    pub retry_at: Option<Time>,
    /// When its address was last replaced by another one.
    pub replaced_at: Option<Time>,
    /// What its customer has written beside it.
    pub comment: Option<String>,
    /// Nothing is due before this. May be too early, never too late: an extension need not move
    /// it, so that it costs no index.
    pub look_at: Time,
}

/// How far the books have come with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// It has not been ended.
    Active,
    /// It has ended; the address is kept for its customer.
    Reserved,
    /// It is over; the address is not its any more.
    Over,
}

/// What a lease is worth at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Traffic passes.
    Live,
    /// It has ended, but can be restored.
    InReserve,
    /// It has ended for good.
    Over,
}

/// How far ahead a lease can be paid for.
pub const HORIZON: Span = Span::from_millis_const(3_660 * 86_400_000);

impl Lease {
    /// What it is worth at `now`. Decided by the clock alone, even if the books have not yet noted
    /// the end; `reserve` is how long its address would be kept.
    pub fn standing(&self, now: Time, reserve: Span) -> Standing {
        match self.state {
            LeaseState::Active if now < self.ends_at => Standing::Live,
            LeaseState::Active if now < self.ends_at + reserve => Standing::InReserve,
            LeaseState::Reserved if self.reserved_until.is_some_and(|until| now < until) => {
                Standing::InReserve
            }
            _ => Standing::Over,
        }
    }

    /// When the lease would end if extended by `period` at `now`.
    ///
    /// A live lease is extended from its end, so that nobody loses days by paying early. A lapsed
    /// one starts again at `now`, so that nobody pays for days already gone.
    pub fn end_after(&self, period: Period, now: Time) -> Time {
        self.ends_at.max(now) + period.span()
    }

    /// When something is next to be done about it; `None` once it is over.
    pub fn next_due(&self, lead: Span) -> Option<Time> {
        match self.state {
            LeaseState::Active => {
                let Some(period) = self.auto_extend else { return Some(self.ends_at) };
                let first = self.ends_at - lead.min(period.span().half());
                Some(first.max(self.retry_at.unwrap_or(first)).min(self.ends_at))
            }
            LeaseState::Reserved => Some(self.reserved_until.unwrap_or(self.ends_at)),
            LeaseState::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            id: LeaseId(1),
            order: OrderId(1),
            customer: CustomerId(1),
            product: ProductKey::parse("IPv4/USA").unwrap(),
            address: AddressId(1),
            state: LeaseState::Active,
            starts_at: day(0),
            ends_at: day(30),
            reserved_until: None,
            auto_extend: None,
            renew_card: None,
            retry_at: None,
            replaced_at: None,
            comment: None,
            look_at: day(30),
        }
    }

    fn day(day: u32) -> Time {
        Time::EPOCH + Span::from_days(day)
    }

    #[test]
    fn the_end_is_exclusive_and_the_reserve_follows_it() {
        let lease = lease();
        let just_before = day(30) - Span::from_millis(1);
        assert_eq!(lease.standing(just_before, Span::DAY), Standing::Live);
        assert_eq!(lease.standing(day(30), Span::DAY), Standing::InReserve);
        assert_eq!(lease.standing(day(30), Span::ZERO), Standing::Over);
        assert_eq!(lease.standing(day(31), Span::DAY), Standing::Over);
    }

    #[test]
    fn nobody_loses_days_by_paying_early_or_pays_for_days_gone() {
        let period = Period::from_days(30).unwrap();
        assert_eq!(lease().end_after(period, day(10)), day(60));
        assert_eq!(lease().end_after(period, day(31)), day(61));
    }

    #[test]
    fn automatic_extension_is_due_a_lead_before_the_end_then_at_retries_then_at_the_end() {
        let mut lease = lease();
        assert_eq!(lease.next_due(Span::DAY), Some(day(30)));
        lease.auto_extend = Period::from_days(30);
        assert_eq!(lease.next_due(Span::DAY), Some(day(29)));
        lease.retry_at = Some(day(29) + Span::HOUR);
        assert_eq!(lease.next_due(Span::DAY), Some(day(29) + Span::HOUR));
        lease.retry_at = Some(day(31));
        assert_eq!(lease.next_due(Span::DAY), Some(day(30)));
        lease.auto_extend = Period::from_days(1);
        lease.retry_at = None;
        assert_eq!(lease.next_due(Span::DAY), Some(day(30) - Span::from_hours(12)));
    }
}
