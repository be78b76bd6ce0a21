//! Rotation: another exit for a mobile lease, by having its modem dial anew.
//!
//! It is asked for over the API, by a link, by a timer or by the operator; whoever drives the modem
//! takes the job and tells what has come of it. A modem has at most one open job, and leases that
//! share a modem share its rotations.

mod ask;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use self::ask::{Ask, NotRotated, Rotated, Timer, Whose, due};
use crate::ids::{LeaseId, RotationId};
use crate::time::{Span, Time};

/// The shortest time between two rotations that customers ask for, unless the modem's differs.
pub const INTERVAL: Span = Span::from_millis_const(60_000);

/// How long one try may take, unless the modem's deadline differs.
pub const DEADLINE: Span = Span::from_millis_const(60_000);

/// The most tries of one job.
pub const TRIES_MAX: u32 = 5;

/// How long it is remembered what has become of jobs.
pub const KEPT: Span = Span::from_millis_const(90 * 86_400_000);

/// How long a job waits for somebody who does it.
pub const PATIENCE: Span = Span::from_millis_const(300_000);

/// How long after their deadline those who have taken a job may still tell what has come of it.
const GRACE: Span = Span::from_millis_const(5_000);

/// How often a job is taken again from those who do not tell what has come of it.
const CLAIMS_MAX: i64 = 3;

/// When to ask again while a modem dials, if nothing else is known.
const SOON: Span = Span::from_millis_const(5_000);

/// Who has asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Somebody with the link.
    Link,
    /// The customer, over the API.
    Api,
    /// The time for it had come.
    Timer,
    /// The operator.
    Operator,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 4] = [Cause::Link, Cause::Api, Cause::Timer, Cause::Operator];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Link => "link",
            Cause::Api => "api",
            Cause::Timer => "timer",
            Cause::Operator => "operator",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// A job: a modem is to dial anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The id.
    pub id: RotationId,
    /// Which modem.
    pub modem: String,
    /// For which lease it was asked; none if the operator asks.
    pub lease: Option<LeaseId>,
    /// Who has asked.
    pub cause: Cause,
    /// How many tries there may be until the exit is another one.
    pub tries: u32,
    /// How far it has come.
    pub state: State,
    /// When it was asked for.
    pub asked_at: Time,
    /// When somebody has last taken it.
    pub begun_at: Option<Time>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// How often it was taken. Only who has taken it last is believed.
    pub claim: i64,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for somebody who does it.
    Queued,
    /// Somebody does it, and has told by then what has come of it.
    Dialing {
        /// By when.
        until: Time,
    },
    /// It is over.
    Ended(Outcome),
}

/// What has come of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The exit is another one.
    Changed {
        /// The one before, if that was told.
        old: Option<IpAddr>,
        /// The one now, if that was told.
        new: Option<IpAddr>,
    },
    /// The modem has dialed, and was given the same exit.
    Same {
        /// Which.
        ip: IpAddr,
    },
    /// It was not done.
    Failed(Failure),
}

impl Outcome {
    /// What it means that there was `old` before and is `new` now. What is not told is taken for
    /// another exit: to cut what may be dead harms less than to let it hang.
    pub fn of(old: Option<IpAddr>, new: Option<IpAddr>) -> Outcome {
        match (old, new) {
            (Some(old), Some(new)) if old == new => Outcome::Same { ip: new },
            _ => Outcome::Changed { old, new },
        }
    }
}

/// Why a job was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody who drives the modem was there.
    NotTaken,
    /// Those who had taken it have gone.
    Abandoned,
    /// It took too long.
    TimedOut,
    /// The modem, or who drives it, is not there.
    Unreachable,
    /// The modem, or who drives it, says no.
    Refused,
    /// What the driver needs is missing on its machine.
    Misconfigured,
}

impl Failure {
    /// All of them.
    pub const ALL: [Failure; 6] = [
        Failure::NotTaken,
        Failure::Abandoned,
        Failure::TimedOut,
        Failure::Unreachable,
        Failure::Refused,
        Failure::Misconfigured,
    ];

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Failure::NotTaken => "not_taken",
            Failure::Abandoned => "abandoned",
            Failure::TimedOut => "timed_out",
            Failure::Unreachable => "unreachable",
            Failure::Refused => "refused",
            Failure::Misconfigured => "misconfigured",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Failure> {
        Failure::ALL.into_iter().find(|failure| failure.name() == name)
    }
}

/// What became of asking to take a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is taken: it is to be done.
    Yes,
    /// Somebody else does it.
    No,
    /// It was given up: too many have taken it and gone.
    GivenUp,
}

impl Rotation {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Takes it, if nobody does it, for a modem whose tries may take `deadline` each.
    pub fn take(&mut self, deadline: Span, now: Time) -> Taken {
        match self.state {
            State::Queued => {}
            State::Dialing { until } if until <= now && self.claim < CLAIMS_MAX => {}
            State::Dialing { until } if until <= now => {
                self.end(Outcome::Failed(Failure::Abandoned), now);
                return Taken::GivenUp;
            }
            State::Dialing { .. } | State::Ended(_) => return Taken::No,
        }
        self.claim += 1;
        self.begun_at = Some(now);
        let tries = i64::from(self.tries.clamp(1, TRIES_MAX));
        let until = now + Span::from_millis(deadline.millis() * tries) + GRACE;
        self.state = State::Dialing { until };
        Taken::Yes
    }

    /// Notes what has come of it, if that is told by who has taken it last. Says whether it was.
    pub fn tell(&mut self, claim: i64, outcome: Outcome, now: Time) -> bool {
        let believed = claim == self.claim && matches!(self.state, State::Dialing { .. });
        if believed {
            self.end(outcome, now);
        }
        believed
    }

    /// Gives it up if nobody does it, or if who does it has long gone. Says whether it was.
    pub fn give_up(&mut self, now: Time) -> bool {
        let failure = match self.state {
            State::Queued if self.asked_at + PATIENCE <= now => Failure::NotTaken,
            State::Dialing { until } if until + PATIENCE <= now => Failure::Abandoned,
            _ => return false,
        };
        self.end(Outcome::Failed(failure), now);
        true
    }

    fn end(&mut self, outcome: Outcome, now: Time) {
        self.state = State::Ended(outcome);
        self.ended_at = Some(now);
    }
}

/// A modem as the books know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialer {
    /// What the catalogue calls it.
    pub name: String,
    /// The exit that it has, if it was told.
    pub exit: Option<IpAddr>,
    /// How many exits it has had.
    pub exits: u32,
    /// Whether it is dialing.
    pub dialing: bool,
    /// When a rotation was last asked for.
    pub asked_at: Option<Time>,
    /// The job that is open.
    pub open: Option<RotationId>,
}

impl Dialer {
    /// One of which nothing is known.
    pub fn new(name: &str) -> Dialer {
        let name = name.to_owned();
        Dialer { name, exit: None, exits: 0, dialing: false, asked_at: None, open: None }
    }

    /// Notes how far its open job has come.
    pub fn follow(&mut self, rotation: &Rotation) {
        match rotation.state {
            State::Queued => {
                (self.asked_at, self.open) = (Some(rotation.asked_at), Some(rotation.id));
            }
            State::Dialing { .. } => self.dialing = true,
            State::Ended(outcome) => {
                (self.dialing, self.open) = (false, None);
                match outcome {
                    Outcome::Changed { new, .. } => {
                        self.exit = new;
                        self.exits = self.exits.wrapping_add(1);
                    }
                    Outcome::Same { ip } => self.exit = Some(ip),
                    Outcome::Failed(_) => {}
                }
            }
        }
    }
}
