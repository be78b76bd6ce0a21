//! Other addresses in place of those that are of no use.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::command::{Command, Decision, Outcome, Wish};
use domain::ids::{AddressId, LeaseId};
use domain::journal::{Event, Replaced};
use domain::kind::ProxyKind;
use domain::lease::LeaseState;
use domain::product::ProductKey;
use domain::refusal::Refusal;
use domain::replace::{Replace, ReplaceReason};
use domain::time::{Span, Time};
use domain::world::{LeaseChange, World};

use crate::shop::{ANN, BOB, catalogue, day, gateway, loaded, order, product};

fn pools() -> BTreeMap<ProductKey, u32> {
    ProxyKind::ALL.map(|kind| (product(kind), 9)).into()
}

fn wish(leases: &[i64]) -> Replace {
    Replace {
        customer: ANN,
        leases: Some(leases.iter().copied().map(LeaseId).collect()),
        pools: pools(),
        reason: Some(ReplaceReason::NotWork),
        comment: None,
    }
}

fn decide(world: &mut World, wish: Replace, now: Time) -> Decision {
    world.decide(&Command::plain(Wish::Replace(wish)), now)
}

#[track_caller]
fn replaced(decision: Decision) -> Vec<Replaced> {
    let Ok(Outcome::Done { entry: Some(_), event, .. }) = decision.result else {
        panic!("{decision:?}")
    };
    let Event::Replacement { leases, reason: ReplaceReason::NotWork, comment: None } = *event
    else {
        panic!("{event:?}")
    };
    leases
}

/// Leases 1 and 2 are IPv4, 4 is IPv6.
#[test]
fn leases_get_other_addresses_of_their_pools_and_stay_what_they_are() {
    let mut world = World::new(loaded());
    let done = replaced(decide(&mut world, wish(&[4, 1, 2, 1]), day(1)));
    let leases: Vec<i64> = done.iter().map(|it| it.lease.0).collect();
    assert_eq!(leases, [4, 1, 2], "each once, in the order in which they were named");
    let before = loaded();
    for Replaced { lease: id, from, to } in &done {
        let was = before.leases.iter().find(|lease| lease.id == *id).unwrap();
        let is = world.lease(*id).unwrap();
        assert_eq!((*from, *to), (was.address, is.address));
        let (_, pool) = before.pools.iter().find(|(pool, _)| *pool == was.product).unwrap();
        assert!(pool.free.iter().any(|address| address.id == *to), "of the same pool");
        assert_eq!(is.replaced_at, Some(day(1)));
        assert_eq!((is.order, is.ends_at, is.state), (was.order, was.ends_at, was.state));
    }
    let changes = world.into_changes();
    assert_eq!(changes.addresses_taken.len(), 3);
    // They rest for a day before they are let again.
    let freed = [1, 2, 4].map(|id| (AddressId(id), day(2)));
    assert_eq!(changes.addresses_freed, freed.into());
    assert!(changes.leases.values().all(|(_, change)| *change == LeaseChange::Whole));
    assert!(changes.wallets.is_empty(), "it costs nothing");
}

#[test]
fn an_address_is_replaced_once_a_day() {
    let mut world = World::new(loaded());
    replaced(decide(&mut world, wish(&[2]), day(1)));
    let just_before = day(2) - Span::from_millis(1);
    let refused = decide(&mut world, wish(&[3, 2, 1]), just_before).result;
    assert_eq!(refused, Err(Refusal::ReplacedRecently { leases: vec![LeaseId(2)] }));
    assert_eq!(replaced(decide(&mut world, wish(&[3, 2, 1]), day(2))).len(), 3);
}

/// Of the five free IPv4 addresses, Bob takes four.
#[test]
fn who_cannot_have_all_has_none() {
    let mut world = World::new(loaded());
    let bobs = Wish::Order(Box::new(order(BOB, ProxyKind::Ipv4, 4)));
    assert!(world.decide(&Command::plain(bobs), day(1)).result.is_ok());
    assert_eq!(decide(&mut world, wish(&[4, 1, 2]), day(1)).result, Err(Refusal::OutOfStock));
    assert_eq!(world.lease(LeaseId(4)).unwrap().address, AddressId(4));
    assert_eq!(replaced(decide(&mut world, wish(&[1, 4]), day(1))).len(), 2);
    assert_eq!(decide(&mut world, wish(&[2]), day(1)).result, Err(Refusal::OutOfStock));
}

/// Five IPv6 addresses are there; the sixth and seventh are drawn, with ports of their own.
#[test]
fn what_is_not_there_is_drawn() {
    let mut shop = loaded();
    let mut catalogue = catalogue();
    catalogue.gateways.insert("main".into(), gateway((20_000, 20_003)));
    shop.catalogue = Arc::new(catalogue);
    let pool = shop.pools.iter_mut().find(|(pool, _)| pool.kind == ProxyKind::Ipv6).unwrap();
    pool.1.free.truncate(1);
    let mut world = World::new(shop);
    let done = replaced(decide(&mut world, wish(&[4, 5, 6]), day(1)));
    let to: Vec<i64> = done.iter().map(|it| it.to.0).collect();
    let changes = world.into_changes();
    let drawn: Vec<_> =
        changes.addresses_new.iter().map(|it| (it.id.0, it.port, it.lease)).collect();
    let (five, six) = (Some(LeaseId(5)), Some(LeaseId(6)));
    assert_eq!(drawn, [(100, 20_000, five), (101, 20_002, six)]);
    assert_eq!(to[1..], [100, 101]);
    assert_eq!(changes.addresses_taken.len(), 1);
}

#[test]
fn a_wish_is_refused_for_its_form() {
    type Spoil = fn(&mut Replace);
    let wishes: [(Refusal, Spoil); 8] = [
        (Refusal::UnknownReason, |it| it.reason = None),
        (Refusal::BadComment, |it| it.reason = Some(ReplaceReason::Custom)),
        (Refusal::BadComment, |it| {
            (it.reason, it.comment) = (Some(ReplaceReason::Custom), Some("  ".into()));
        }),
        (Refusal::BadComment, |it| it.comment = Some("x".repeat(257))),
        (Refusal::UnknownLease, |it| it.leases = None),
        (Refusal::UnknownLease, |it| it.leases = Some(vec![LeaseId(1), LeaseId(7)])),
        (Refusal::UnknownLease, |it| it.pools.clear()),
        (Refusal::UnknownLease, |it| {
            (it.leases, it.pools) =
                (Some(vec![LeaseId(1), LeaseId(2)]), [(product(ProxyKind::Ipv4), 1)].into());
        }),
    ];
    let nothing = World::new(loaded()).into_changes();
    for (refusal, spoil) in wishes {
        let mut world = World::new(loaded());
        let mut wish = wish(&[1]);
        spoil(&mut wish);
        assert_eq!(decide(&mut world, wish, day(1)).result, Err(refusal));
        assert_eq!(world.into_changes(), nothing);
    }
}

#[test]
fn what_has_ended_is_not_replaced_and_nothing_is_after_a_restore() {
    let mut ended = loaded();
    ended.leases[0].state = LeaseState::Reserved;
    ended.leases[0].reserved_until = Some(day(31));
    let refused = decide(&mut World::new(ended), wish(&[1]), day(1)).result;
    assert_eq!(refused, Err(Refusal::UnknownLease));
    let unnoted = decide(&mut World::new(loaded()), wish(&[1]), day(30)).result;
    assert_eq!(unnoted, Err(Refusal::UnknownLease));
    let mut locked = loaded();
    locked.sales_locked = true;
    let refused = decide(&mut World::new(locked), wish(&[1]), day(1)).result;
    assert_eq!(refused, Err(Refusal::SalesLocked));
}

/// Such as in a batch that orders and replaces: what was taken and given back in it is not taken.
#[test]
fn what_a_batch_takes_and_gives_back_it_has_not_taken() {
    let mut world = World::new(loaded());
    let first = replaced(decide(&mut world, wish(&[1]), day(1)))[0];
    let second = replaced(decide(&mut world, wish(&[1]), day(2)))[0];
    assert_eq!((first.from, first.to), (AddressId(1), second.from));
    let changes = world.into_changes();
    assert_eq!(changes.addresses_taken, [(second.to, LeaseId(1))].into());
    assert_eq!(changes.addresses_freed.keys().collect::<Vec<_>>(), [&AddressId(1), &second.from]);
}
