//! Other addresses in place of those that are of no use.

use std::collections::BTreeSet;

use domain::command::{Command, Outcome, Wish};
use domain::ids::{CustomerId, LeaseId};
use domain::journal::{Event, Replaced};
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use domain::replace::{Replace, ReplaceReason};
use domain::time::Span;

use super::Make;
use super::races::{THREADS, race, winners};
use super::shop::{IntoCommand, Shop, extend, keyed, order, product};

fn replace(customer: CustomerId, kind: ProxyKind, leases: &[LeaseId]) -> Command {
    Command::plain(Wish::Replace(Replace {
        customer,
        leases: Some(leases.to_vec()),
        pools: [(product(kind), u32::try_from(leases.len()).unwrap())].into(),
        reason: Some(ReplaceReason::Custom),
        comment: Some("it is blocked".into()),
    }))
}

#[track_caller]
fn replaced(shop: &Shop, command: Command) -> Vec<Replaced> {
    match shop.done(command).1 {
        Event::Replacement { leases, .. } => leases,
        other => panic!("{other:?}"),
    }
}

/// The lease goes on with another address, which is its from then on; the old one rests; the
/// history tells of it; the day after it can be replaced again.
pub fn an_address_is_replaced(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let kind = ProxyKind::Ipv4;
    shop.stock(kind, 4);
    let [ann, bob] = ["Ann", "Bob"].map(|name| shop.customer(name, 10_000));
    let leases: Vec<LeaseId> =
        shop.ordered(ann, kind, 2).iter().map(|granted| granted.lease).collect();
    let before = leases.iter().map(|lease| shop.lease(ann, *lease)).collect::<Vec<_>>();
    let balance = shop.balance(ann);
    let first_at = shop.now;
    assert_eq!(shop.refused(replace(bob, kind, &leases)), Refusal::UnknownLease);
    let done = replaced(&shop, replace(ann, kind, &leases));
    assert_eq!(shop.stocked(kind), (0, 2, 2, 0));
    assert_eq!(shop.balance(ann), balance, "it costs nothing");
    for (before, done) in before.iter().zip(&done) {
        let after = shop.lease(ann, before.lease.id);
        assert_eq!(
            (done.lease, done.from, done.to),
            (before.lease.id, before.lease.address, after.lease.address)
        );
        assert_ne!(after.ip, before.ip);
        assert_eq!(after.order, before.order, "and so who may use it");
        assert_eq!(after.lease.ends_at, before.lease.ends_at);
        let exits = shop.store.exits(&[done.from, done.to].into()).unwrap();
        assert_eq!(exits, [(done.from, before.ip), (done.to, after.ip)].into());
        let history = shop.store.replacements(ann, before.lease.id).unwrap();
        let [only] = history.as_slice() else { panic!("{history:?}") };
        assert_eq!((only.at, only.from, only.to), (first_at, before.ip, after.ip));
        assert_eq!(only.reason, ReplaceReason::Custom);
        assert_eq!(only.comment.as_deref(), Some("it is blocked"));
        assert_eq!(shop.store.replacements(bob, before.lease.id).unwrap(), []);
    }
    shop.audit();

    let recent = Refusal::ReplacedRecently { leases: vec![leases[1]] };
    assert_eq!(shop.refused(replace(ann, kind, &leases[1..])), recent);
    shop.done(extend(ann, kind, &leases[..1]).into_command());
    shop.wait(Span::from_hours(23));
    assert_eq!(shop.refused(replace(ann, kind, &leases[1..])), recent, "the old ones rest too");
    shop.wait(Span::from_hours(1));
    assert_eq!(shop.stocked(kind), (2, 2, 0, 0));
    replaced(&shop, replace(ann, kind, &leases[1..]));
    let history = shop.store.replacements(ann, leases[1]).unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].to, history[1].from);
    shop.wait(Span::from_days(62));
    shop.sweep();
    assert_eq!(shop.stocked(kind).1, 0, "every address comes back in the end");
    shop.wait(Span::from_days(2));
    assert_eq!(shop.stocked(kind), (4, 0, 0, 0));
    shop.audit();
}

/// Where addresses are drawn, so is the new one, with a port of its own; where there is none, all
/// keep theirs.
pub fn a_replacement_is_drawn(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let kind = ProxyKind::Ipv6;
    let ann = shop.customer("Ann", 100_000);
    assert!(shop.prefix("2001:db8::", 64, "narrow"));
    let leases: Vec<LeaseId> =
        shop.ordered(ann, kind, 3).iter().map(|granted| granted.lease).collect();
    assert_eq!(shop.refused(replace(ann, kind, &leases[..2])), Refusal::OutOfStock);
    replaced(&shop, replace(ann, kind, &leases[1..2]));
    let exits: BTreeSet<_> = shop.live(ann).iter().map(|proxy| (proxy.ip, proxy.port)).collect();
    assert_eq!(exits.len(), 3);
    assert_eq!(shop.lease(ann, leases[1]).port, 65_534);
    assert_eq!(shop.refused(replace(ann, kind, &leases[..1])), Refusal::OutOfStock);
    shop.audit();
}

/// Repeated under a key, it is told again and not done again.
pub fn a_replacement_is_answered_again(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let kind = ProxyKind::Isp;
    shop.stock(kind, 5);
    let ann = shop.customer("Ann", 10_000);
    let lease = shop.ordered(ann, kind, 1)[0].lease;
    let wish = keyed(replace(ann, kind, &[lease]), 3, 3);
    let (first, again) = (shop.decide(wish.clone()), shop.decide(wish));
    assert!(matches!(first.result, Ok(Outcome::Done { entry: Some(_), .. })));
    assert_eq!(first.result, again.result);
    assert!(again.replayed);
    assert_eq!(shop.store.replacements(ann, lease).unwrap().len(), 1);
    shop.audit();
}

/// Everybody wants the one address that is free: one gets it, the others keep what they have.
pub fn the_last_replacement_has_one_winner(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let kind = ProxyKind::Ipv4;
    let count = u32::try_from(THREADS).unwrap();
    shop.stock(kind, count + 1);
    let customers: Vec<_> = (0..THREADS).map(|_| shop.customer("One", 131)).collect();
    let lease = |customer: &CustomerId| {
        let granted = shop.done(order(*customer, kind, 1).into_command()).1;
        super::shop::grants(&granted)[0].lease
    };
    let leases: Vec<LeaseId> = customers.iter().map(lease).collect();
    let decisions = race(&shop, |number| replace(customers[number], kind, &[leases[number]]));
    assert_eq!(winners(&decisions), 1);
    let lost = decisions.iter().filter(|it| it.result == Err(Refusal::OutOfStock)).count();
    assert_eq!(lost, THREADS - 1);
    assert_eq!(shop.stocked(kind), (0, u64::from(count), 1, 0));
    shop.audit();
}
