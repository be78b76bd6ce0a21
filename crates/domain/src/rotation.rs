//! Rotation: another exit for a mobile lease, by having its modem dial anew.
//!
//! It is asked for over the API, by a link, by a timer or by the operator; whoever drives the modem
//! takes the job and tells what has come of it. A modem has at most one open job, and leases that
//! share a modem share its rotations.

use std::net::IpAddr;

use crate::catalogue::Catalogue;
use crate::ids::{AddressId, CustomerId, LeaseId, RotationId};
use crate::kind::ProxyKind;
use crate::lease::LeaseState;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modem::{Driver, Modem, ModemExit, Simulated};

    fn at(seconds: u32) -> Time {
        Time::EPOCH + Span::from_seconds(1_000_000) + Span::from_seconds(seconds)
    }

    fn catalogue() -> Catalogue {
        let simulated = Simulated {
            exits: vec!["127.0.0.2".parse().unwrap()],
            takes: Span::ZERO,
            fails_every: 0,
        };
        let modem = Modem {
            name: "m1".into(),
            gateway: "main".into(),
            exit: ModemExit::Told,
            interval: Span::from_seconds(60),
            deadline: Span::from_seconds(10),
            driver: Driver::Simulator(simulated),
        };
        Catalogue { modems: [("m1".to_owned(), modem)].into(), ..Catalogue::default() }
    }

    fn lease() -> Rotated {
        Rotated {
            customer: CustomerId(1),
            kind: ProxyKind::Mobile,
            state: LeaseState::Active,
            starts_at: at(0),
            ends_at: at(10_000),
            rotation_seconds: Some(300),
            modem: Some("m1".into()),
            epoch: 2,
        }
    }

    fn ask(cause: Cause) -> Ask {
        let whose = Whose::Lease { lease: LeaseId(1), customer: None, epoch: None };
        Ask { whose, cause, tries: 1 }
    }

    #[test]
    fn only_a_live_mobile_lease_with_a_known_modem_rotates_and_only_for_those_who_may() {
        let check =
            |ask: &Ask, lease: Option<&Rotated>, now, expected: Result<&str, NotRotated>| {
                assert_eq!(ask.modem(lease, &catalogue(), now), expected);
            };
        let ask = ask(Cause::Api);
        check(&ask, Some(&lease()), at(5), Ok("m1"));
        check(&ask, None, at(5), Err(NotRotated::Unknown));
        check(&ask, Some(&lease()), at(10_000), Err(NotRotated::Ended));
        let reserved = Rotated { state: LeaseState::Reserved, ..lease() };
        check(&ask, Some(&reserved), at(5), Err(NotRotated::Ended));
        for fixed in [
            Rotated { kind: ProxyKind::Ipv4, ..lease() },
            Rotated { modem: None, ..lease() },
            Rotated { modem: Some("gone".into()), ..lease() },
        ] {
            check(&ask, Some(&fixed), at(5), Err(NotRotated::NotRotatable));
        }
        let by = |customer, epoch| {
            let whose = Whose::Lease { lease: LeaseId(1), customer, epoch };
            Ask { whose, ..ask.clone() }
        };
        check(&by(Some(CustomerId(1)), None), Some(&lease()), at(5), Ok("m1"));
        check(&by(Some(CustomerId(2)), None), Some(&lease()), at(5), Err(NotRotated::Unknown));
        check(&by(None, Some(2)), Some(&lease()), at(5), Ok("m1"));
        check(&by(None, Some(1)), Some(&lease()), at(5), Err(NotRotated::Unknown));
        let modem = |name: &str| Ask { whose: Whose::Modem(name.into()), ..ask.clone() };
        check(&modem("m1"), None, at(5), Ok("m1"));
        check(&modem("m2"), None, at(5), Err(NotRotated::Unknown));
    }

    #[test]
    fn a_modem_rests_between_rotations_and_a_timer_waits_for_its_time() {
        let wait = |cause, dialer: &Dialer, now| match ask(cause).may(
            Some(&lease()),
            dialer,
            &catalogue(),
            now,
        ) {
            Ok(()) => 0,
            Err(NotRotated::TooSoon { wait }) => wait.millis() / 1000,
            Err(other) => panic!("{other:?}"),
        };
        let fresh = Dialer::new("m1");
        let rested = Dialer { asked_at: Some(at(100)), ..fresh.clone() };
        let busy = Dialer { open: Some(RotationId(1)), ..rested.clone() };
        assert_eq!(wait(Cause::Api, &fresh, at(0)), 0);
        assert_eq!(wait(Cause::Link, &rested, at(101)), 59);
        assert_eq!(wait(Cause::Link, &rested, at(160)), 0);
        assert_eq!(wait(Cause::Operator, &rested, at(101)), 0);
        assert_eq!(wait(Cause::Operator, &busy, at(101)), 59);
        assert_eq!(wait(Cause::Link, &busy, at(200)), 5);
        assert_eq!(wait(Cause::Timer, &fresh, at(299)), 1);
        assert_eq!(wait(Cause::Timer, &fresh, at(300)), 0);
        assert_eq!(wait(Cause::Timer, &rested, at(399)), 1);
        assert_eq!(wait(Cause::Timer, &rested, at(400)), 0);
        // What was asked for another lease before this one began does not count for it.
        assert_eq!(due(Some(300), at(50), Some(at(10))), Some(at(350)));
        assert_eq!(due(Some(0), at(50), None), None);
        assert_eq!(due(None, at(50), None), None);
    }

    #[test]
    fn a_job_is_done_by_one_at_a_time_and_ends_in_any_case() {
        let mut job = ask(Cause::Api).job(RotationId(1), "m1", at(0));
        let deadline = Span::from_seconds(10);
        assert_eq!(job.take(deadline, at(1)), Taken::Yes);
        assert_eq!(job.take(deadline, at(15)), Taken::No);
        assert_eq!(job.take(deadline, at(16)), Taken::Yes, "the first has gone");
        let outcome = Outcome::Failed(Failure::Refused);
        assert!(!job.clone().tell(1, outcome, at(17)), "too late");
        assert!(job.clone().tell(2, outcome, at(17)));
        assert_eq!(job.take(deadline, at(31)), Taken::Yes);
        assert_eq!(job.take(deadline, at(46)), Taken::GivenUp);
        assert_eq!(job.state, State::Ended(Outcome::Failed(Failure::Abandoned)));
        assert!(!job.tell(3, outcome, at(47)), "it is over");

        let mut alone = ask(Cause::Api).job(RotationId(1), "m1", at(0));
        assert!(!alone.clone().give_up(at(299)));
        assert!(alone.clone().give_up(at(300)));
        assert_eq!(alone.take(deadline, at(1)), Taken::Yes);
        assert!(!alone.clone().give_up(at(315)));
        assert!(alone.give_up(at(316)));
    }

    #[test]
    fn a_modem_keeps_the_exit_that_it_was_told() {
        let ip = |text: &str| -> IpAddr { text.parse().unwrap() };
        let [one, two] = ["127.0.0.2", "127.0.0.3"].map(ip);
        assert_eq!(Outcome::of(Some(one), Some(one)), Outcome::Same { ip: one });
        let mut dialer = Dialer::new("m1");
        let mut turn = |outcome: Outcome| {
            let mut job = ask(Cause::Api).job(RotationId(1), "m1", at(0));
            dialer.follow(&job);
            assert_eq!(job.take(Span::ZERO, at(0)), Taken::Yes);
            dialer.follow(&job);
            assert!(dialer.dialing);
            assert!(job.tell(1, outcome, at(1)));
            dialer.follow(&job);
            assert!(!dialer.dialing && dialer.open.is_none());
            (dialer.exit, dialer.exits)
        };
        assert_eq!(turn(Outcome::of(None, Some(one))), (Some(one), 1));
        assert_eq!(turn(Outcome::Same { ip: one }), (Some(one), 1));
        assert_eq!(turn(Outcome::Failed(Failure::TimedOut)), (Some(one), 1));
        assert_eq!(turn(Outcome::of(Some(one), Some(two))), (Some(two), 2));
        assert_eq!(turn(Outcome::of(Some(two), None)), (None, 3));
    }
}
