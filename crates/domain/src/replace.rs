//! Replacing addresses that are of no use to their customers.
//!
//! The lease stays what it is: its order, its end, who may use it. Only the address is another one
//! of the same pool, and the old one rests before it is let again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::comment::checked;
use crate::ids::{CustomerId, EntryId, LeaseId};
use crate::journal::{Entry, Event, Replaced};
use crate::lease::{Lease, Standing};
use crate::needs::Needs;
use crate::product::ProductKey;
use crate::refusal::Refusal;
use crate::select::named;
use crate::time::{Span, Time};
use crate::world::World;

/// How long the address of a lease is not replaced again.
pub const REPLACED_AGAIN: Span = Span::DAY;

/// Why an address is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceReason {
    /// It does not work.
    NotWork,
    /// It is somewhere else than it should be.
    IncorrectLocation,
    /// The customer wants one of another network.
    CantChangeNetwork,
    /// It is slow.
    LowSpeed,
    /// The customer says it in his own words.
    Custom,
}

impl ReplaceReason {
    /// Every reason.
    pub const ALL: [ReplaceReason; 5] = [
        ReplaceReason::NotWork,
        ReplaceReason::IncorrectLocation,
        ReplaceReason::CantChangeNetwork,
        ReplaceReason::LowSpeed,
        ReplaceReason::Custom,
    ];

    /// The name: `NOT_WORK`, `INCORRECT_LOCATION`, `CANT_CHANGE_NETWORK`, `LOW_SPEED` or `CUSTOM`.
    pub fn name(self) -> &'static str {
        match self {
            ReplaceReason::NotWork => "NOT_WORK",
            ReplaceReason::IncorrectLocation => "INCORRECT_LOCATION",
            ReplaceReason::CantChangeNetwork => "CANT_CHANGE_NETWORK",
            ReplaceReason::LowSpeed => "LOW_SPEED",
            ReplaceReason::Custom => "CUSTOM",
        }
    }

    /// The reason with this name, in any letter case.
    pub fn from_name(name: &str) -> Option<ReplaceReason> {
        Self::ALL.into_iter().find(|reason| reason.name().eq_ignore_ascii_case(name))
    }
}

/// A wish for other addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Whose leases.
    pub customer: CustomerId,
    /// Which, of whatever kinds; `None` if nothing was named or a name cannot be one of ours.
    pub leases: Option<Vec<LeaseId>>,
    /// The pools of these leases, and how many of each there are. Whoever wishes has looked it up,
    /// because it says what is to be loaded; a lease that was not found is left out, and refused.
    pub pools: BTreeMap<ProductKey, u32>,
    /// Why; `None` if it could not be read.
    pub reason: Option<ReplaceReason>,
    /// The customer's own words. [`ReplaceReason::Custom`] needs some.
    pub comment: Option<String>,
}

/// A lease had another address before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The entry of the journal.
    pub entry: EntryId,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: ReplaceReason,
    /// The customer's own words.
    pub comment: Option<String>,
    /// The exit before.
    pub from: IpAddr,
    /// The exit since.
    pub to: IpAddr,
}

impl Replacement {
    /// What an entry of the journal tells, between these exits; `None` if it is of another event.
    pub fn of(entry: Entry, from: IpAddr, to: IpAddr) -> Option<Replacement> {
        let Entry { id, at, event, .. } = entry;
        match event {
            Event::Replacement { reason, comment, .. } => {
                Some(Replacement { entry: id, at, reason, comment, from, to })
            }
            _ => None,
        }
    }
}

impl Replace {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            leases: self.leases.iter().flatten().copied().collect(),
            stock: self.pools.clone(),
            ..Needs::default()
        }
    }

    /// Replaces all addresses or none.
    ///
    /// First all that may refuse, then all that changes.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        world.spender(self.customer)?;
        let reason = self.reason.ok_or(Refusal::UnknownReason)?;
        let comment = checked(self.comment.as_deref())?;
        if reason == ReplaceReason::Custom && comment.is_none() {
            return Err(Refusal::BadComment);
        }
        let live = |standing| standing == Standing::Live;
        let leases = named(world, self.customer, self.leases.as_deref(), live, now)?;
        let recent = |lease: &&&Lease| {
            lease.replaced_at.is_some_and(|replaced_at| now < replaced_at + REPLACED_AGAIN)
        };
        let recent: Vec<LeaseId> = leases.iter().filter(recent).map(|lease| lease.id).collect();
        if !recent.is_empty() {
            return Err(Refusal::ReplacedRecently { leases: recent });
        }
        if world.sales_locked {
            return Err(Refusal::SalesLocked);
        }
        let old: Vec<(LeaseId, ProductKey)> =
            leases.iter().map(|lease| (lease.id, lease.product.pool())).collect();
        let mut pools: BTreeMap<&ProductKey, Vec<LeaseId>> = BTreeMap::new();
        for (lease, product) in &old {
            pools.entry(product).or_default().push(*lease);
        }
        for (pool, leases) in &pools {
            let quantity = u32::try_from(leases.len()).unwrap_or(u32::MAX);
            // What was not loaded cannot be said to be sold out.
            if self.pools.get(*pool).is_none_or(|loaded| *loaded < quantity) {
                return Err(Refusal::UnknownLease);
            }
        }
        if !world.has_stock_for(pools.iter().map(|(pool, leases)| (*pool, leases.len()))) {
            return Err(Refusal::OutOfStock);
        }

        let mut new = BTreeMap::new();
        for (pool, leases) in &pools {
            new.extend(leases.iter().copied().zip(world.take_stock_for(pool, leases)));
        }
        let mut replaced = Vec::with_capacity(old.len());
        for (id, product) in &old {
            let from = world.lease(*id).expect("it was found a moment ago").address;
            let to = new[id];
            let cooling = world.catalogue.terms(product.kind).map_or(Span::DAY, |it| it.cooling);
            world.free_address(from, now + cooling);
            world.change_lease(*id, |lease| {
                lease.address = to;
                lease.replaced_at = Some(now);
            });
            replaced.push(Replaced { lease: *id, from, to });
        }
        let event = Event::Replacement { leases: replaced, reason, comment };
        Ok(world.record(self.customer, event, now))
    }
}
