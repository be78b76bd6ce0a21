//! Jobs, and who may ask for one.

use super::*;
use crate::catalogue::Catalogue;
use crate::ids::CustomerId;
use crate::kind::ProxyKind;
use crate::lease::LeaseState;
use crate::modem::{Driver, Modem, ModemExit, Simulated};

fn at(seconds: u32) -> Time {
    Time::EPOCH + Span::from_seconds(1_000_000) + Span::from_seconds(seconds)
}

fn catalogue() -> Catalogue {
    let simulated =
        Simulated { exits: vec!["127.0.0.2".parse().unwrap()], takes: Span::ZERO, fails_every: 0 };
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
    let check = |ask: &Ask, lease: Option<&Rotated>, now, expected: Result<&str, NotRotated>| {
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
