//! What happens because time passes.

use domain::command::{Command, Outcome, Wish};
use domain::ids::LeaseId;
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::lease::LeaseState;
use domain::period::PeriodWish;
use domain::refusal::Refusal;
use domain::sweep::{Sweep, Swept};
use domain::time::Span;

use super::Make;
use super::shop::{IntoCommand, Shop, auto_extend, but_a_moment, extend, order};

/// A lease is renewed a day before its end while there is money; then it fails once an hour, is
/// told once, ends, is kept, and goes back.
pub fn a_lease_is_renewed(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 2 * 131 + 130);
    shop.stock(ProxyKind::Ipv4, 1);
    let lease = shop.ordered(ann, ProxyKind::Ipv4, 1)[0].lease;
    shop.done(auto_extend(ann, ProxyKind::Ipv4, &[lease], true).into_command());
    let first_end = shop.lease(ann, lease).lease.ends_at;
    assert_eq!(shop.store.next_due().unwrap(), Some(first_end - Span::DAY));

    shop.now = first_end - Span::DAY - Span::from_millis(1);
    assert_eq!(shop.store.due(shop.now, 9).unwrap(), []);
    assert_eq!(shop.sweep(), Swept::default());
    shop.wait(Span::from_millis(1));
    assert_eq!(shop.sweep(), Swept { renewed: 1, ..Swept::default() });
    assert_eq!(shop.sweep(), Swept::default(), "once is enough");
    assert_eq!(shop.balance(ann), 130);
    let end = first_end + Span::from_days(30);
    let renewed = shop.lease(ann, lease).lease;
    assert_eq!((renewed.ends_at, renewed.auto_extend.map(|it| it.days())), (end, Some(30)));

    shop.now = end - Span::DAY;
    for _ in 0..3 {
        assert_eq!(shop.sweep(), Swept { failed: 1, ..Swept::default() });
        assert_eq!(shop.sweep(), Swept::default(), "the next try comes in an hour");
        shop.wait(Span::HOUR);
    }
    let told = |shop: &Shop| {
        let journal = shop.journal();
        journal.iter().filter(|it| matches!(it.event, Event::RenewalFailed { .. })).count()
    };
    assert_eq!(told(&shop), 1, "a failure is told once per lease and end");
    shop.deposit(ann, 1);
    assert_eq!(shop.sweep(), Swept { renewed: 1, ..Swept::default() });
    assert_eq!(shop.balance(ann), 0);
    let end = end + Span::from_days(30);

    shop.now = end;
    assert_eq!(shop.sweep(), Swept { failed: 1, ended: 1, ..Swept::default() });
    assert_eq!((shop.live(ann).len(), shop.reserved(ann).len()), (0, 1));
    let reserved = shop.reserved(ann)[0].lease.clone();
    assert_eq!(reserved.reserved_until, Some(end + Span::DAY));
    assert_eq!(shop.stocked(ProxyKind::Ipv4), (0, 1, 0, 0));
    shop.wait(Span::DAY);
    assert_eq!(shop.sweep(), Swept { released: 1, ..Swept::default() });
    assert_eq!(shop.reserved(ann), []);
    assert_eq!(shop.store.next_due().unwrap(), None);
    assert_eq!(told(&shop), 2);
    shop.audit();
}

/// A released address can be let again a day later, not before.
pub fn an_address_rests(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 1_000), shop.customer("Bob", 1_000));
    shop.stock(ProxyKind::Ipv4, 1);
    let lease = shop.ordered(ann, ProxyKind::Ipv4, 1)[0];
    let wish = || order(bob, ProxyKind::Ipv4, 1).into_command();
    shop.wait(Span::from_days(30));
    assert_eq!(shop.sweep().ended, 1);
    assert_eq!(shop.refused(wish()), Refusal::OutOfStock);
    shop.wait(Span::DAY);
    assert_eq!(shop.sweep().released, 1);
    assert_eq!(shop.stocked(ProxyKind::Ipv4), (0, 0, 1, 0));
    shop.wait(but_a_moment(Span::DAY));
    assert_eq!(shop.refused(wish()), Refusal::OutOfStock);
    shop.wait(Span::from_millis(1));
    assert_eq!(shop.stocked(ProxyKind::Ipv4), (1, 0, 0, 0));
    let again = shop.ordered(bob, ProxyKind::Ipv4, 1)[0];
    assert_eq!(again.address, lease.address);
    assert_ne!(again.lease, lease.lease);
    let gone = extend(ann, ProxyKind::Ipv4, &[lease.lease]).into_command();
    assert_eq!(shop.refused(gone), Refusal::UnknownLease);
    shop.audit();
}

/// A modem is not kept: it ends and goes back in one sweep, also when that comes late.
pub fn no_reserve(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 1_000);
    shop.stock(ProxyKind::Mobile, 1);
    let lease = shop.ordered(ann, ProxyKind::Mobile, 1)[0].lease;
    shop.wait(Span::from_days(33));
    let late = extend(ann, ProxyKind::Mobile, &[lease]).into_command();
    assert_eq!(shop.refused(late), Refusal::UnknownLease);
    assert_eq!(shop.sweep(), Swept { ended: 1, released: 1, ..Swept::default() });
    assert_eq!((shop.reserved(ann), shop.live(ann)), (vec![], vec![]));
    assert_eq!(shop.stocked(ProxyKind::Mobile), (0, 0, 1, 0));
    shop.wait(Span::HOUR);
    assert_eq!(shop.stocked(ProxyKind::Mobile), (1, 0, 0, 0));
    shop.audit();
}

/// Leases of one order that are due together are charged as one, with its volume discount; an IPv6
/// order is renewed whole or not at all, another as far as the money reaches.
pub fn orders_are_renewed_together(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (v4, v6) = (ProxyKind::Ipv4, ProxyKind::Ipv6);
    let (ann, bob) = (shop.customer("Ann", 10_000), shop.customer("Bob", 10_000));
    shop.stock(v6, 3);
    shop.stock(v4, 3);
    let ids = |granted: Vec<domain::journal::Granted>| -> Vec<LeaseId> {
        granted.iter().map(|granted| granted.lease).collect()
    };
    let whole = ids(shop.ordered(ann, v6, 3));
    let parts = ids(shop.ordered(bob, v4, 3));
    shop.done(auto_extend(ann, v6, &whole, true).into_command());
    shop.done(auto_extend(bob, v4, &parts, true).into_command());
    // Three at $3, less ten per cent; one is enough to find them all.
    shop.wait(Span::from_days(29));
    let before = shop.balance(ann);
    let one = Sweep { customer: ann, leases: vec![whole[1]] };
    let decision = shop.decide(Command::plain(Wish::Sweep(one)));
    let all = Swept { renewed: 3, ..Swept::default() };
    assert_eq!(decision.result, Ok(Outcome::Swept(all)));
    assert_eq!(before - shop.balance(ann), 810);
    // Another customer's sweep does nothing to them.
    let foreign = Sweep { customer: bob, leases: whole.clone() };
    let decision = shop.decide(Command::plain(Wish::Sweep(foreign)));
    assert_eq!(decision.result, Ok(Outcome::Swept(Swept::default())));

    // Bob spends all but the price of two.
    shop.stock(ProxyKind::Isp, 100);
    let mut spend = order(bob, ProxyKind::Isp, 32);
    let rest = shop.balance(bob) - 32 * 300;
    assert!((0..131).contains(&rest), "{rest}");
    spend.period = PeriodWish::Days(30);
    shop.done(spend.into_command());
    shop.deposit(bob, 2 * 131 - rest);
    let together = Sweep { customer: bob, leases: parts.clone() };
    let decision = shop.decide(Command::plain(Wish::Sweep(together)));
    let some = Swept { renewed: 2, failed: 1, ..Swept::default() };
    assert_eq!(decision.result, Ok(Outcome::Swept(some)));
    assert_eq!(shop.balance(bob), 0);
    shop.sweep();
    shop.audit();
}

/// Whatever a lease went through, it is among those that are due when it is.
pub fn what_is_due_is_never_found_late(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 100_000);
    let v4 = ProxyKind::Ipv4;
    shop.stock(v4, 6);
    let leases: Vec<LeaseId> = shop.ordered(ann, v4, 6).iter().map(|it| it.lease).collect();
    let check = |shop: &Shop| {
        let lead = Span::DAY;
        let (mut first, mut proxies) = (None, shop.live(ann));
        proxies.extend(shop.reserved(ann));
        for proxy in &proxies {
            let due = proxy.lease.next_due(lead).expect("it is not over");
            first = Some(first.map_or(due, |first: domain::time::Time| first.min(due)));
            let found = shop.store.due(due, 1_000).unwrap();
            assert!(found.iter().any(|it| it.lease == proxy.lease.id), "{proxy:?} is due");
            let order = |it: &crate::records::Due| (it.at, it.lease);
            assert!(found.is_sorted_by_key(order), "ordered by when, then by lease");
            assert_eq!(shop.store.due(due, 1).unwrap(), found[..1], "the first ones come first");
            let same = found.iter().find(|it| it.lease == proxy.lease.id).unwrap();
            assert_eq!((same.order, same.customer), (proxy.lease.order, ann));
        }
        let next = shop.store.next_due().unwrap();
        assert!(first.is_none() || next.is_some_and(|next| next <= first.unwrap()), "{next:?}");
    };
    check(&shop);
    shop.done(auto_extend(ann, v4, &leases[..3], true).into_command());
    check(&shop);
    shop.done(extend(ann, v4, &leases[1..4]).into_command());
    check(&shop);
    shop.done(auto_extend(ann, v4, &leases[..2], false).into_command());
    check(&shop);
    for _ in 0..70 {
        shop.wait(Span::from_hours(23));
        shop.sweep();
        check(&shop);
        assert!(shop.store.due(shop.now, 9).unwrap().is_empty(), "what was done is not due");
        if let Some(proxy) = shop.reserved(ann).first() {
            shop.done(extend(ann, v4, &[proxy.lease.id]).into_command());
            check(&shop);
        }
    }
    assert!(shop.live(ann).iter().all(|proxy| proxy.lease.state == LeaseState::Active));
    shop.audit();
}
