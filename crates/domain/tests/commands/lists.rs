//! Lists are all or nothing, and IPv6 orders are extended whole.

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Decision, Wish};
use domain::extend::Extend;
use domain::ids::{LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::period::PeriodWish;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use domain::world::{Changes, World};
use proptest::prelude::*;

use crate::shop::{ANN, BOB, day, loaded};

/// Extends, or instructs to extend, Ann's leases of `kind` that are named.
fn both(kind: ProxyKind, leases: &Selection) -> [Command; 2] {
    let (customer, kind) = (ANN, Some(kind));
    let (period, on) = (PeriodWish::Days(30), Some(true));
    let extend = Extend {
        customer,
        kind,
        leases: leases.clone(),
        among: Among::All,
        period: PeriodWish::Days(30),
        promo: None,
    };
    let set = SetAutoExtend {
        customer,
        kind,
        leases: leases.clone(),
        among: Among::All,
        period,
        on,
        card: None,
    };
    [Wish::Extend(extend), Wish::SetAutoExtend(set)].map(Command::plain)
}

fn named(ids: &[i64]) -> Selection {
    Selection::Leases(Some(ids.iter().copied().map(LeaseId).collect()))
}

/// Decides `command` in the shop, where Ann's money reaches.
fn decided(command: &Command) -> (Decision, Changes) {
    let mut loaded = loaded();
    loaded.wallets[0].balance = loaded.wallets[1].balance;
    let mut world = World::new(loaded);
    let decision = world.decide(command, day(1));
    (decision, world.into_changes())
}

#[track_caller]
fn refused(kind: ProxyKind, leases: &Selection, refusal: &Refusal) {
    let nothing = World::new(loaded()).into_changes();
    for command in both(kind, leases) {
        let (decision, changes) = decided(&command);
        assert_eq!(decision.result.as_ref(), Err(refusal), "{command:?}");
        assert_eq!(changes, nothing, "{command:?}");
    }
}

#[track_caller]
fn done(kind: ProxyKind, leases: &Selection, moved: &[i64]) {
    for command in both(kind, leases) {
        let (decision, changes) = decided(&command);
        assert!(decision.result.is_ok(), "{command:?}: {decision:?}");
        let touched: Vec<i64> = changes.leases.keys().map(|lease| lease.0).collect();
        assert_eq!(touched, moved, "{command:?}");
    }
}

/// Another's, one that never was, one of another kind: none of them can be told from the others.
#[test]
fn one_bad_lease_refuses_the_list_wherever_it_stands() {
    for bad in [7, 99, 4, -1] {
        for place in 0..=3 {
            let mut list = vec![1, 2, 3];
            list.insert(place, bad);
            refused(ProxyKind::Ipv4, &named(&list), &Refusal::UnknownLease);
        }
    }
    refused(ProxyKind::Ipv4, &named(&[]), &Refusal::UnknownLease);
    refused(ProxyKind::Ipv4, &Selection::Leases(None), &Refusal::UnknownLease);
}

#[test]
fn one_bad_order_refuses_the_list_wherever_it_stands() {
    for bad in [3, 99, 2] {
        for list in [vec![bad, 1], vec![1, bad], vec![bad]] {
            let orders = list.into_iter().map(OrderId).collect();
            refused(ProxyKind::Ipv4, &Selection::Orders(Some(orders)), &Refusal::UnknownOrder);
        }
    }
    refused(ProxyKind::Ipv4, &Selection::Orders(None), &Refusal::UnknownOrder);
    done(ProxyKind::Ipv4, &Selection::Orders(Some(vec![OrderId(1), OrderId(1)])), &[1, 2, 3]);
}

#[test]
fn a_lease_of_an_order_that_is_over_is_left_out_unless_it_is_named() {
    let mut loaded = loaded();
    loaded.leases[1].ends_at = day(0);
    loaded.leases[1].state = domain::lease::LeaseState::Over;
    let by_order = &both(ProxyKind::Ipv4, &Selection::Orders(Some(vec![OrderId(1)])))[0];
    let mut world = World::new(loaded.clone());
    assert!(world.decide(by_order, day(1)).result.is_ok());
    let touched: Vec<i64> = world.into_changes().leases.keys().map(|lease| lease.0).collect();
    assert_eq!(touched, [1, 3]);
    let by_lease = &both(ProxyKind::Ipv4, &named(&[1, 2, 3]))[0];
    let refused = World::new(loaded).decide(by_lease, day(1)).result;
    assert_eq!(refused, Err(Refusal::UnknownLease));
}

proptest! {
    /// Ann's IPv6 order has the leases 4 to 6.
    #[test]
    fn an_ipv6_order_is_extended_whole_or_not_at_all(
        list in prop::collection::vec(4_i64..=6, 1..8),
    ) {
        let whole = [4, 5, 6].iter().all(|id| list.contains(id));
        if whole {
            done(ProxyKind::Ipv6, &named(&list), &[4, 5, 6]);
        } else {
            let missing = (4..=6).filter(|id| !list.contains(id)).map(LeaseId).collect();
            refused(ProxyKind::Ipv6, &named(&list), &Refusal::WholeOrderOnly { missing });
        }
    }

    #[test]
    fn naming_a_lease_twice_does_not_pay_for_it_twice(
        list in prop::collection::vec(1_i64..=3, 1..12),
    ) {
        let mut each = list.clone();
        each.sort_unstable();
        each.dedup();
        done(ProxyKind::Ipv4, &named(&list), &each);
        let paid = |list: &[i64]| {
            let (decision, _) = decided(&both(ProxyKind::Ipv4, &named(list))[0]);
            decision.balance
        };
        prop_assert_eq!(paid(&list), paid(&each));
    }

    /// What is refused changes nothing: a world that never heard of it comes to the same changes.
    #[test]
    fn the_refused_might_as_well_not_have_come(
        wishes in prop::collection::vec(crate::wishes::wish(), 1..25),
    ) {
        let (mut world, mut without) = (World::new(loaded()), World::new(loaded()));
        for wish in wishes {
            let command = Command::plain(wish);
            let before = [ANN, BOB].map(|customer| world.wallet(customer).copied());
            let decision = world.decide(&command, day(1));
            if decision.result.is_ok() {
                prop_assert_eq!(&without.decide(&command, day(1)), &decision);
            } else {
                let after = [ANN, BOB].map(|customer| world.wallet(customer).copied());
                prop_assert_eq!(before, after);
            }
        }
        prop_assert_eq!(world.into_changes(), without.into_changes());
    }
}
