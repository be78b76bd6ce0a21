//! Rotations, and the modems that do them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Barrier;

use domain::ids::{CustomerId, LeaseId, RotationId};
use domain::kind::ProxyKind;
use domain::rotation::{
    Ask, Cause, Dialer, Failure, KEPT, NotRotated, Outcome, PATIENCE, Rotation, State, Whose,
};
use domain::served::{Served, Through};
use domain::time::{Span, Time};

use super::Make;
use super::shop::{Shop, address, exit, product};
use crate::records::{NewAddress, Stocked, Touched};

/// A mobile address behind a modem.
fn behind(number: u32, modem: Option<&str>) -> NewAddress {
    let kind = ProxyKind::Mobile;
    let new = address(&product(kind), exit(kind, number), 0, "main");
    NewAddress { modem: modem.map(str::to_owned), ..new }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn lease(lease: LeaseId, cause: Cause) -> Ask {
    Ask { whose: Whose::Lease { lease, customer: None, epoch: None }, cause, tries: 1 }
}

fn ip(last: u8) -> IpAddr {
    [127, 0, 0, last].into()
}

impl Shop {
    /// A shop with two modems, and a lease behind each: Ann's and Bob's.
    fn with_modems(make: &mut Make<'_>) -> (Shop, [CustomerId; 2], [LeaseId; 2]) {
        let shop = Shop::open(make);
        let people = ["Ann", "Bob"].map(|name| shop.customer(name, 100_000));
        let mut number = 0;
        let leases = people.map(|customer| {
            number += 1;
            let new = behind(number, Some(&format!("m{number}")));
            shop.store.add_addresses(&[new], shop.now).unwrap();
            shop.ordered(customer, ProxyKind::Mobile, 1)[0].lease
        });
        (shop, people, leases)
    }

    fn ask(&self, ask: &Ask) -> Result<Rotation, NotRotated> {
        self.store.ask_rotation(ask, self.now).unwrap()
    }

    fn take(&self, modems: &[&str]) -> Vec<Rotation> {
        self.store.take_rotations(&names(modems), self.now).unwrap()
    }

    fn dialer(&self, name: &str) -> (Dialer, Option<Rotation>) {
        self.store.dialers(&names(&[name])).unwrap().remove(0)
    }

    fn served_through(&self, modem: &str) -> Vec<Served> {
        let touched = Touched { modems: names(&[modem]), ..Touched::default() };
        self.store.served_of(&touched).unwrap()
    }

    fn changed(&self, after: &mut i64) -> BTreeSet<String> {
        let (number, changed) = self.store.modems_changed(*after).unwrap();
        *after = number;
        changed
    }
}

/// A job is asked for, taken, done and told of; the exit that it brings is served.
pub fn a_modem_is_rotated(make: &mut Make<'_>) {
    let (mut shop, [ann, _], [one, other]) = Shop::with_modems(make);
    let mut number = 0;
    shop.changed(&mut number);
    assert_eq!(shop.dialer("m1"), (Dialer::new("m1"), None));
    let job = shop.ask(&lease(one, Cause::Api)).unwrap();
    assert_eq!((job.modem.as_str(), job.lease, job.state), ("m1", Some(one), State::Queued));
    assert_eq!(shop.changed(&mut number), names(&[]), "nothing is to be noticed yet");
    assert_eq!(shop.store.rotation(job.id).unwrap().unwrap(), job);
    let again = shop.ask(&lease(one, Cause::Link)).unwrap_err();
    assert_eq!(again, NotRotated::TooSoon { wait: Span::from_seconds(60) });

    assert_eq!(shop.take(&["m2", "unknown"]), []);
    let taken = shop.take(&["m1", "m2"]);
    let [taken] = &taken[..] else { panic!("{taken:?}") };
    assert_eq!((taken.id, taken.claim), (job.id, 1));
    assert!(matches!(taken.state, State::Dialing { .. }));
    assert_eq!(shop.store.rotation(job.id).unwrap().as_ref(), Some(taken));
    assert_eq!(shop.take(&["m1"]), []);
    assert_eq!(shop.changed(&mut number), names(&["m1"]));
    let through = |shop: &Shop| shop.served_through("m1").remove(0).modem.unwrap();
    let dialing = Through { name: "m1".into(), exit: None, exits: 0, dialing: true };
    assert_eq!(*through(&shop), dialing);

    shop.wait(Span::from_seconds(3));
    let outcome = Outcome::Changed { old: Some(ip(2)), new: Some(ip(3)) };
    let tell =
        |shop: &Shop, claim| shop.store.end_rotation(job.id, claim, outcome, shop.now).unwrap();
    assert!(!tell(&shop, 2) && tell(&shop, 1) && !tell(&shop, 1));
    assert_eq!(shop.changed(&mut number), names(&["m1"]));
    assert_eq!(shop.changed(&mut number), names(&[]));
    let done = shop.store.rotation(job.id).unwrap().unwrap();
    assert_eq!((done.state, done.ended_at), (State::Ended(outcome), Some(shop.now)));
    let (dialer, last) = shop.dialer("m1");
    assert_eq!((dialer.exit, dialer.exits, dialer.open), (Some(ip(3)), 1, None));
    assert_eq!(last, Some(done.clone()));
    let served = shop.store.served(None, 10).unwrap();
    assert_eq!(served.iter().filter(|it| it.lease == one).count(), 1);
    let rotated = Through { exit: Some(ip(3)), exits: 1, dialing: false, ..dialing };
    for it in served {
        let expected = (it.lease == one).then_some(&rotated);
        assert_eq!(it.modem.as_deref().filter(|it| it.exit.is_some()), expected);
    }
    assert_eq!(shop.lease(ann, one).modem.as_deref(), Some("m1"));
    assert_eq!(shop.store.rotations(one, None, 9).unwrap(), std::slice::from_ref(&done));
    assert_eq!(shop.store.rotations(one, Some(done.id), 9).unwrap(), []);
    assert_eq!(shop.store.rotations(other, None, 9).unwrap(), []);

    // The operator does not wait; what fails leaves the exit as it is.
    let whose = Whose::Modem("m1".to_owned());
    let by_hand = shop.ask(&Ask { whose, cause: Cause::Operator, tries: 9 }).unwrap();
    assert!(done.id < by_hand.id);
    assert_eq!((by_hand.lease, by_hand.tries), (None, domain::rotation::TRIES_MAX));
    let taken = shop.take(&["m1"]).remove(0);
    let failed = Outcome::Failed(Failure::Refused);
    assert!(shop.store.end_rotation(taken.id, taken.claim, failed, shop.now).unwrap());
    assert_eq!(*through(&shop), rotated);
    let whose = Whose::Modem("m9".to_owned());
    let unknown = Ask { whose, cause: Cause::Operator, tries: 1 };
    assert_eq!(shop.ask(&unknown), Err(NotRotated::Unknown));
    shop.audit();
}

/// What nobody does ends all the same, and is forgotten after its time.
pub fn rotations_end_in_any_case(make: &mut Make<'_>) {
    let (mut shop, _, [one, other]) = Shop::with_modems(make);
    let state = |shop: &Shop, id| shop.store.rotation(id).unwrap().unwrap().state;
    let failed = |failure| State::Ended(Outcome::Failed(failure));
    let alone = shop.ask(&lease(one, Cause::Api)).unwrap();
    let left = shop.ask(&lease(other, Cause::Api)).unwrap();
    let mut claims = Vec::new();
    for _ in 0..3 {
        claims.extend(shop.take(&["m2"]).into_iter().map(|it| it.claim));
        assert_eq!(shop.take(&["m2"]), []);
        shop.wait(Span::from_seconds(65));
    }
    assert_eq!(claims, [1, 2, 3]);
    assert!(!shop.store.end_rotation(left.id, 2, Outcome::of(None, None), shop.now).unwrap());
    assert_eq!(shop.take(&["m2"]), [], "it was given up");
    assert_eq!(state(&shop, left.id), failed(Failure::Abandoned));
    assert!(!shop.dialer("m2").0.dialing);
    assert_eq!(shop.store.tidy_rotations(shop.now, 10).unwrap(), 0);
    assert_eq!(state(&shop, alone.id), State::Queued);
    shop.wait(PATIENCE);
    shop.store.tidy_rotations(shop.now, 10).unwrap();
    assert_eq!(state(&shop, alone.id), failed(Failure::NotTaken));
    assert!(shop.ask(&lease(one, Cause::Api)).is_ok());
    shop.wait(KEPT - Span::from_seconds(1));
    assert_eq!(shop.store.tidy_rotations(shop.now, 1).unwrap(), 1);
    assert_eq!(shop.store.rotation(left.id).unwrap(), None);
    assert!(shop.store.rotation(alone.id).unwrap().is_some());
    // The id of one that is forgotten is not given again.
    let newest = shop.store.rotations(one, None, 9).unwrap().last().unwrap().id;
    assert!(alone.id < newest && left.id < newest);
}

/// Timers are told with their times; a link that was replaced is another one; a modem is told apart
/// by who is behind it.
pub fn timers_links_and_modems_are_kept(make: &mut Make<'_>) {
    let (mut shop, [ann, bob], [one, other]) = Shop::with_modems(make);
    let begin = shop.now;
    let due = |shop: &Shop, limit| -> Vec<(String, LeaseId, Time)> {
        let mut list = Vec::new();
        let mut after = None;
        loop {
            let page = shop.store.rotation_timers(after, limit, shop.now).unwrap();
            let Some(last) = page.last() else { return list };
            after = Some((last.modem.clone(), last.address));
            list.extend(page.into_iter().map(|it| (it.modem, it.lease, it.due)));
        }
    };
    let first = begin + Span::from_seconds(300);
    let both = vec![("m1".to_owned(), one, first), ("m2".to_owned(), other, first)];
    assert_eq!((due(&shop, 1), due(&shop, 9)), (both.clone(), both));
    let too_soon = shop.ask(&lease(one, Cause::Timer)).unwrap_err();
    assert_eq!(too_soon, NotRotated::TooSoon { wait: Span::from_seconds(300) });
    shop.wait(Span::from_seconds(300));
    shop.ask(&lease(one, Cause::Timer)).unwrap();
    assert!(shop.ask(&lease(one, Cause::Timer)).is_err(), "once");
    assert_eq!(due(&shop, 9)[0].2, shop.now + Span::from_seconds(300));

    let epoch = |shop: &Shop, customer, id| shop.lease(customer, id).reboot_epoch;
    assert_eq!(epoch(&shop, ann, one), 0);
    let renew =
        |shop: &Shop, customer, id| shop.store.renew_reboot_link(customer, id, shop.now).unwrap();
    assert_eq!(renew(&shop, bob, one), None, "it is Ann's");
    assert_eq!((renew(&shop, ann, one), renew(&shop, ann, one)), (Some(1), Some(2)));
    assert_eq!((epoch(&shop, ann, one), epoch(&shop, bob, other)), (2, 0));
    let by_link = |epoch| {
        let whose = Whose::Lease { lease: other, customer: None, epoch: Some(epoch) };
        shop.ask(&Ask { whose, cause: Cause::Link, tries: 1 })
    };
    assert_eq!(by_link(1), Err(NotRotated::Unknown));
    assert!(by_link(0).is_ok());

    // Another modem, told by another delivery.
    let mut number = 0;
    shop.changed(&mut number);
    let deliver = |shop: &Shop, modem| shop.store.add_addresses(&[behind(2, modem)], shop.now);
    let known = Stocked { added: 0, known: 1 };
    assert_eq!(deliver(&shop, None).unwrap(), known);
    assert_eq!(deliver(&shop, Some("m2")).unwrap(), known);
    assert_eq!(shop.changed(&mut number), names(&[]));
    assert_eq!(deliver(&shop, Some("m3")).unwrap(), known);
    assert_eq!(shop.changed(&mut number), names(&["m3"]));
    assert_eq!(shop.lease(bob, other).modem.as_deref(), Some("m3"));
    let through: Vec<LeaseId> = shop.served_through("m3").iter().map(|it| it.lease).collect();
    assert_eq!(through, [other]);
    assert_eq!(shop.served_through("m2"), []);

    // What has ended does not rotate, and its link is dead.
    shop.wait(Span::from_days(30));
    assert_eq!(due(&shop, 9), []);
    assert_eq!(shop.ask(&lease(one, Cause::Link)), Err(NotRotated::Ended));
    assert_eq!(renew(&shop, ann, one), None);
    assert_eq!(shop.ask(&lease(LeaseId(999), Cause::Link)), Err(NotRotated::Unknown));
    assert_eq!(shop.store.rotation(RotationId(999)).unwrap(), None);
}

/// Many who ask at once get one job, and many who take get it once.
pub fn one_rotation_at_a_time_under_load(make: &mut Make<'_>) {
    const THREADS: usize = 4;
    let (shop, _, [one, _]) = Shop::with_modems(make);
    let barrier = Barrier::new(THREADS);
    let (asked, taken): (Vec<bool>, Vec<usize>) = std::thread::scope(|scope| {
        let thread = || {
            barrier.wait();
            let asked = shop.ask(&lease(one, Cause::Api)).is_ok();
            barrier.wait();
            (asked, shop.take(&["m1", "m2"]).len())
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(thread)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).unzip()
    });
    assert_eq!(asked.iter().filter(|asked| **asked).count(), 1);
    assert_eq!(taken.iter().sum::<usize>(), 1);
}
