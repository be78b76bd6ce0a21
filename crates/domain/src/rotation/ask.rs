//! Who may have a modem dial, and when.

use super::{Cause, Dialer, INTERVAL, Rotation, SOON, State, TRIES_MAX};
use crate::catalogue::Catalogue;
use crate::ids::{AddressId, CustomerId, LeaseId, RotationId};
use crate::kind::ProxyKind;
use crate::lease::LeaseState;
use crate::time::{Span, Time};

/// A wish to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What.
    pub whose: Whose,
    /// Who asks.
    pub cause: Cause,
    /// How many tries there may be until the exit is another one: 1 to [`TRIES_MAX`].
    pub tries: u32,
}

/// What is to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The modem of a lease.
    Lease {
        /// Which.
        lease: LeaseId,
        /// Only if it is this customer's.
        customer: Option<CustomerId>,
        /// Only if its link has been replaced so often.
        epoch: Option<u32>,
    },
    /// This modem.
    Modem(String),
}

/// What has to be known of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Whose it is.
    pub customer: CustomerId,
    /// Its kind.
    pub kind: ProxyKind,
    /// How far the books have come with it.
    pub state: LeaseState,
    /// When it began.
    pub starts_at: Time,
    /// When it ends.
    pub ends_at: Time,
    /// After how many seconds it rotates by itself; none, and 0, is never.
    pub rotation_seconds: Option<u32>,
    /// Its modem.
    pub modem: Option<String>,
    /// How often its link was replaced.
    pub epoch: u32,
}

/// Why nothing rotates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRotated {
    /// There is no such lease or modem, or not for those who ask.
    Unknown,
    /// The lease has ended.
    Ended,
    /// It has no exit that can be changed.
    NotRotatable,
    /// It has just been done, or is being done.
    TooSoon {
        /// When to ask again.
        wait: Span,
    },
}

impl Ask {
    /// The name of the modem that is to dial, given the lease for which it is asked.
    pub fn modem<'r>(
        &'r self,
        lease: Option<&'r Rotated>,
        catalogue: &Catalogue,
        now: Time,
    ) -> Result<&'r str, NotRotated> {
        let name = match &self.whose {
            Whose::Modem(name) => name,
            Whose::Lease { customer, epoch, .. } => {
                let lease = lease
                    .filter(|it| customer.is_none_or(|customer| customer == it.customer))
                    .filter(|it| epoch.is_none_or(|epoch| epoch == it.epoch))
                    .ok_or(NotRotated::Unknown)?;
                if lease.state != LeaseState::Active || lease.ends_at <= now {
                    return Err(NotRotated::Ended);
                }
                let modem = lease.modem.as_ref().filter(|_| lease.kind == ProxyKind::Mobile);
                modem.ok_or(NotRotated::NotRotatable)?
            }
        };
        let is_known = catalogue.modems.contains_key(name);
        is_known.then_some(name.as_str()).ok_or(match self.whose {
            Whose::Modem(_) => NotRotated::Unknown,
            Whose::Lease { .. } => NotRotated::NotRotatable,
        })
    }

    /// Whether the modem may dial now.
    pub fn may(
        &self,
        lease: Option<&Rotated>,
        dialer: &Dialer,
        catalogue: &Catalogue,
        now: Time,
    ) -> Result<(), NotRotated> {
        let interval = catalogue.modems.get(&dialer.name).map_or(INTERVAL, |modem| modem.interval);
        let rests_until = dialer.asked_at.map_or(now, |at| at + interval);
        if dialer.open.is_some() {
            return Err(NotRotated::TooSoon { wait: rests_until.since(now).max(SOON) });
        }
        let due = match (self.cause, lease) {
            (Cause::Operator, _) => now,
            (Cause::Timer, Some(lease)) => {
                let due = due(lease.rotation_seconds, lease.starts_at, dialer.asked_at);
                due.map_or(Time::FAR, |due| due.max(rests_until))
            }
            _ => rests_until,
        };
        match now < due {
            true => Err(NotRotated::TooSoon { wait: due.since(now) }),
            false => Ok(()),
        }
    }

    /// The job that it becomes.
    pub fn job(&self, id: RotationId, modem: &str, now: Time) -> Rotation {
        let lease = match self.whose {
            Whose::Lease { lease, .. } => Some(lease),
            Whose::Modem(_) => None,
        };
        Rotation {
            id,
            modem: modem.to_owned(),
            lease,
            cause: self.cause,
            tries: self.tries.clamp(1, TRIES_MAX),
            state: State::Queued,
            asked_at: now,
            begun_at: None,
            ended_at: None,
            claim: 0,
        }
    }
}

/// When a lease is to rotate by itself, given when its modem was last asked to.
pub fn due(seconds: Option<u32>, starts_at: Time, asked_at: Option<Time>) -> Option<Time> {
    let seconds = seconds.filter(|seconds| 0 < *seconds)?;
    let since = asked_at.map_or(starts_at, |at| at.max(starts_at));
    Some(since + Span::from_seconds(seconds))
}

/// A lease that rotates by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its modem.
    pub modem: String,
    /// Its address.
    pub address: AddressId,
    /// Which.
    pub lease: LeaseId,
    /// When it is to rotate next.
    pub due: Time,
}
