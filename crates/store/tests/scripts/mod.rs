//! Scripts drawn at random, for any pair of stores.

use domain::kind::ProxyKind;
use proptest::prelude::*;
use store::conformance::compare::{Ask, Key, Pick, Step};

/// Scripts of up to `length` steps, and then three months in which standing instructions run out of
/// money.
pub(crate) fn scripts(length: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..=length).prop_map(|mut steps| {
        let month = Step::Pass { minutes: 30 * 1_440 };
        steps.extend([month.clone(), month.clone(), month]);
        steps
    })
}

fn step() -> impl Strategy<Value = Step> {
    let customer = prop_oneof![5 => Just(0_usize), 3 => Just(1), 1 => Just(2)];
    let ask =
        (customer, ask(), key()).prop_map(|(customer, ask, key)| Step::Ask { customer, ask, key });
    prop_oneof![
        12 => ask,
        3 => (0_usize..40).prop_map(Step::Repeat),
        4 => minutes().prop_map(|minutes| Step::Pass { minutes }),
        1 => any::<bool>().prop_map(|dearer| Step::Reprice { dearer }),
        1 => (0_usize..3, prop::bool::weighted(0.2)).prop_map(|(who, on)| Step::Suspend(who, on)),
        1 => kind().prop_map(Step::Restock),
    ]
}

/// Minutes, days, and the lengths at which something is due.
fn minutes() -> impl Strategy<Value = u32> {
    const DAY: u32 = 1_440;
    let exact = prop::sample::select(vec![60, 60, DAY, DAY, DAY, 29 * DAY, 31 * DAY]);
    prop_oneof![4 => exact, 1 => 1_u32..600, 2 => (1_u32..9).prop_map(|days| days * DAY + 7)]
}

fn ask() -> impl Strategy<Value = Ask> {
    let order = (kind(), quantity(), days(), 0_usize..5)
        .prop_map(|(kind, quantity, days, promo)| Ask::Order { kind, quantity, days, promo });
    let package = (quantity(), days(), 0_usize..5)
        .prop_map(|(quantity, days, promo)| Ask::Package { quantity, days, promo });
    let extend = (kind(), pick(), days(), 0_usize..5)
        .prop_map(|(kind, pick, days, promo)| Ask::Extend { kind, pick, days, promo });
    let auto = (kind(), pick(), days(), prop::bool::weighted(0.8))
        .prop_map(|(kind, pick, days, on)| Ask::AutoExtend { kind, pick, days, on });
    let deposit = (-50_i64..600).prop_map(|minor| Ask::Deposit { minor });
    let authorise = (kind(), pick(), any::<u8>()).prop_map(|(kind, pick, by)| Ask::Authorise {
        kind,
        pick,
        by,
    });
    let replace = (kind(), pick()).prop_map(|(kind, pick)| Ask::Replace { kind, pick });
    let comment = (kind(), pick(), ".{0,3}").prop_map(|(kind, pick, comment)| Ask::Comment {
        kind,
        pick,
        comment,
    });
    prop_oneof![
        5 => order,
        2 => package,
        4 => extend,
        4 => auto,
        1 => deposit,
        1 => authorise,
        2 => replace,
        1 => comment,
    ]
}

fn kind() -> impl Strategy<Value = ProxyKind> {
    prop_oneof![
        4 => Just(ProxyKind::Ipv4),
        3 => Just(ProxyKind::Ipv6),
        1 => Just(ProxyKind::Mobile),
        1 => Just(ProxyKind::Isp),
    ]
}

fn quantity() -> impl Strategy<Value = u32> {
    prop_oneof![5 => 1_u32..5, 1 => 0_u32..12]
}

/// Mostly what every kind sells.
fn days() -> impl Strategy<Value = u32> {
    prop_oneof![14 => Just(30_u32), 2 => Just(90), 1 => Just(360), 1 => Just(31)]
}

fn pick() -> impl Strategy<Value = Pick> {
    let own = prop::collection::vec(0_usize..6, 1..4);
    let stray = prop::option::weighted(0.1, -2_i64..20);
    (own, stray, any::<bool>(), prop::bool::weighted(0.3))
        .prop_map(|(own, stray, whole, by_order)| Pick { own, stray, whole, by_order })
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        5 => Just(Key::None),
        3 => (0_u8..3).prop_map(Key::Given),
        1 => prop::sample::select(vec![0_u32, 30, 2_000]).prop_map(Key::Window),
    ]
}
