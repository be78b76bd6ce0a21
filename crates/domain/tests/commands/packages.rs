//! Packages are served by the pools of their countries, and extended whole.
#![expect(clippy::unwrap_used, reason = "test helpers may fail loudly")]

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::address::{Address, Pool};
use domain::auto_extend::SetAutoExtend;
use domain::catalogue::{Package, PriceList};
use domain::command::{Command, Decision, Outcome, Wish};
use domain::country::Country;
use domain::extend::Extend;
use domain::ids::{AddressId, LeaseId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::lease::Lease;
use domain::limits::Limits;
use domain::money::{Currency, UnitPrice};
use domain::order::PlaceOrder;
use domain::period::{PeriodCode, PeriodWish};
use domain::ports::PortRules;
use domain::product::ProductKey;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use domain::stock::rank;
use domain::sweep::Sweep;
use domain::time::{Span, Time};
use domain::world::{Loaded, World};
use proptest::prelude::*;

use crate::shop::{ANN, BOB, day, loaded, order, usd};

fn key(text: &str) -> ProductKey {
    ProductKey::parse(text).unwrap()
}

/// The package `pair`: five American addresses and three German ones are free, and cost fifty
/// cents each for thirty days.
fn stocked() -> Loaded {
    let mut loaded = loaded();
    let mut catalogue = (*loaded.catalogue).clone();
    let list = PriceList {
        per_period: [(30, UnitPrice::parse("0.50").unwrap())].into(),
        per_day: UnitPrice::parse("0.10"),
    };
    let pair = Package {
        tag: "pair".into(),
        name: "Pair".into(),
        number: 1,
        kind: ProxyKind::Ipv4,
        countries: ["USA", "DEU"].map(|code| Country::from_alpha3(code).unwrap()).into(),
        quantities: vec![2, 5, 7, 9],
        prices: [(Currency::USD, list)].into(),
        reserve: Span::DAY,
        limits: Limits::default(),
        ports: PortRules::default(),
        on_sale: true,
    };
    let parts: Vec<String> = pair.parts().map(|part| part.to_string()).collect();
    assert_eq!(parts, ["IPv4/USA+pair", "IPv4/DEU+pair"]);
    let gone = Package { tag: "gone".into(), number: 2, on_sale: false, ..pair.clone() };
    catalogue.packages = [pair, gone].map(|package| (package.tag.clone(), package)).into();
    loaded.catalogue = Arc::new(catalogue);
    let german = |last: u8| {
        let ip = [198, 51, 100, last].into();
        Address {
            id: AddressId(i64::from(last)),
            pool: key("IPv4/DEU"),
            ip,
            gateway: "main".into(),
            port: 0,
            rank: rank(ip, 0),
            lease: None,
            free_at: Time::EPOCH,
        }
    };
    let free = (91..94).map(german).collect();
    loaded.pools.push((key("IPv4/DEU"), Pool { free, prefixes: vec![] }));
    loaded
}

fn package(quantity: u32) -> PlaceOrder {
    let package = Some("pair".into());
    PlaceOrder { package, country: None, ..order(BOB, ProxyKind::Ipv4, quantity) }
}

fn ordered(world: &mut World, order: &PlaceOrder) -> Decision {
    world.decide(&Command::plain(Wish::Order(Box::new(order.clone()))), day(1))
}

fn named(leases: impl IntoIterator<Item = i64>) -> Selection {
    Selection::Leases(Some(leases.into_iter().map(LeaseId).collect()))
}

fn extend(leases: Selection) -> Command {
    let kind = Some(ProxyKind::Ipv4);
    let period = PeriodWish::Days(30);
    Command::plain(Wish::Extend(Extend {
        customer: BOB,
        kind,
        leases,
        among: Among::All,
        period,
        promo: None,
    }))
}

fn auto_extend(leases: Selection) -> Command {
    let (kind, period, on) = (Some(ProxyKind::Ipv4), PeriodWish::Days(30), Some(true));
    let (customer, card) = (BOB, None);
    Command::plain(Wish::SetAutoExtend(SetAutoExtend {
        customer,
        kind,
        leases,
        among: Among::All,
        period,
        on,
        card,
    }))
}

/// How many addresses of which part Bob gets if he orders `quantity`.
#[track_caller]
fn spread(quantity: u32, american: u32, german: u32) {
    let mut world = World::new(stocked());
    let decision = ordered(&mut world, &package(quantity));
    let Ok(Outcome::Done { event, .. }) = decision.result else { panic!("{decision:?}") };
    let Event::Order { bill, leases: granted, .. } = *event else { panic!("{event:?}") };
    let total = usd(45 * i64::from(quantity));
    assert_eq!(bill.quote.total, if quantity < 3 { usd(100) } else { total });

    let changes = world.into_changes();
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for lease in &changes.leases_new {
        *found.entry(lease.product.to_string()).or_default() += 1;
        let pool = if (91..94).contains(&lease.address.0) { "IPv4/DEU" } else { "IPv4/USA" };
        assert_eq!(lease.product.pool(), key(pool));
        assert_eq!(changes.addresses_taken[&lease.address], lease.id);
    }
    let expected = [("IPv4/USA+pair", american), ("IPv4/DEU+pair", german)];
    let expected = expected.into_iter().filter(|(_, share)| *share > 0);
    assert_eq!(found, expected.map(|(part, share)| (part.to_owned(), share)).collect());

    // The leases follow the lines of the bill, which name their products.
    let lines = bill.quote.lines.iter();
    let paid: Vec<&ProductKey> = lines
        .flat_map(|line| std::iter::repeat_n(&line.product, line.quantity.try_into().unwrap()))
        .collect();
    let let_to: Vec<&ProductKey> = changes.leases_new.iter().map(|lease| &lease.product).collect();
    assert_eq!(paid, let_to);
    let ids: Vec<LeaseId> = changes.leases_new.iter().map(|lease| lease.id).collect();
    assert_eq!(ids, granted.iter().map(|granted| granted.lease).collect::<Vec<_>>());
    assert_eq!(changes.orders[0].product, changes.leases_new[0].product);
    assert_eq!(
        (changes.orders[0].goal.as_str(), changes.orders[0].quantity),
        ("parsing", quantity)
    );
}

#[test]
fn a_package_is_spread_over_its_countries_as_evenly_as_stock_allows() {
    spread(2, 1, 1);
    spread(5, 3, 2);
    spread(7, 4, 3);
}

#[test]
fn a_package_is_sold_out_only_if_its_pools_are_too_small_together() {
    let mut world = World::new(stocked());
    assert_eq!(ordered(&mut world, &package(9)).result, Err(Refusal::OutOfStock));
    assert!(ordered(&mut world, &order(BOB, ProxyKind::Ipv4, 4)).result.is_ok());
    assert_eq!(ordered(&mut world, &package(5)).result, Err(Refusal::OutOfStock));
    assert!(ordered(&mut world, &package(2)).result.is_ok());
    assert!(ordered(&mut world, &package(2)).result.is_ok());
    assert_eq!(ordered(&mut world, &package(2)).result, Err(Refusal::OutOfStock));
    assert_eq!(world.into_changes().addresses_taken.len(), 8);
}

#[test]
fn a_package_is_ordered_by_its_tag_and_kind_in_its_quantities() {
    #[track_caller]
    fn refused(order: &PlaceOrder, refusal: &Refusal) {
        let mut world = World::new(stocked());
        assert_eq!(order.quote(&world, day(1)).as_ref(), Err(refusal));
        assert_eq!(ordered(&mut world, order).result.as_ref(), Err(refusal));
        assert_eq!(world.into_changes(), World::new(stocked()).into_changes());
    }
    for tag in ["", "none", "gone"] {
        refused(&PlaceOrder { package: Some(tag.into()), ..package(2) }, &Refusal::UnknownPackage);
    }
    for kind in [ProxyKind::Isp, ProxyKind::Ipv6, ProxyKind::Mobile] {
        let order = PlaceOrder { kind: Some(kind), ..package(2) };
        refused(&order, &Refusal::UnknownPackage);
    }
    refused(&PlaceOrder { kind: None, ..package(2) }, &Refusal::UnknownKind);
    for quantity in [None, Some(0), Some(1), Some(3), Some(10_000)] {
        refused(&PlaceOrder { quantity, ..package(2) }, &Refusal::BadQuantity);
    }
    refused(&PlaceOrder { period: PeriodWish::Days(31), ..package(2) }, &Refusal::PeriodNotOnSale);
    refused(&PlaceOrder { goal: Some("x".repeat(201)), ..package(2) }, &Refusal::BadGoal);
    let without = PlaceOrder { goal: None, ..package(2) };
    assert!(ordered(&mut World::new(stocked()), &without).result.is_ok());
}

#[test]
fn a_promo_code_is_taken_off_a_package_or_refuses_it_where_that_is_wished_for() {
    let with = |code: &str| Box::new(PlaceOrder { promo: Some(code.into()), ..package(5) });
    let decided = |wish: Wish| {
        let mut world = World::new(stocked());
        let decision = world.decide(&Command::plain(wish), day(1));
        (decision.result.map(|_| ()), world.into_changes().leases_new.len())
    };
    let refused = (Err(Refusal::PromoNotApplicable), 0);
    assert_eq!(decided(Wish::OrderWithPromo(with("none"))), refused);
    for wish in [Wish::Order(with("none")), Wish::OrderWithPromo(with("spring"))] {
        assert_eq!(decided(wish), (Ok(()), 5));
    }
    assert_eq!(decided(Wish::OrderWithPromo(Box::new(package(5)))), (Ok(()), 5));
}

#[test]
fn what_a_package_needs_is_what_its_pools_may_have_to_give() {
    let loaded = stocked();
    let mut needs = package(5).needs();
    needs.merge(package(5).needs());
    needs.merge(package(2).needs());
    needs.merge(order(BOB, ProxyKind::Ipv4, 3).needs());
    assert_eq!(needs.resolved(&loaded.catalogue).stock[&key("IPv4/DEU")], 12);
    assert_eq!(needs.resolved(&loaded.catalogue).stock[&key("IPv4/USA")], 15);
    // What cannot be ordered loads nothing.
    assert!(package(1_000).needs().resolved(&loaded.catalogue).stock.is_empty());
}

/// A world in which Bob has the leases 10 to 14 of one package, and a plain one.
fn with_package() -> World {
    let mut world = World::new(stocked());
    assert!(ordered(&mut world, &package(5)).result.is_ok());
    assert!(ordered(&mut world, &order(BOB, ProxyKind::Ipv4, 1)).result.is_ok());
    world
}

#[test]
fn a_package_is_extended_whole_at_its_own_price_beside_other_leases() {
    let mut world = with_package();
    let decision = world.decide(&extend(named([15, 14, 10, 11, 12, 13])), day(2));
    let Ok(Outcome::Done { event, .. }) = decision.result else { panic!("{decision:?}") };
    let bill = event.bill().unwrap();
    // Six together: 10 % off. Five at 0.50 and one at 3.00.
    assert_eq!(bill.quote.total, usd(495));
    let lines: Vec<(String, u32)> =
        bill.quote.lines.iter().map(|line| (line.product.to_string(), line.quantity)).collect();
    let expected = [("IPv4/USA", 1), ("IPv4/USA+pair", 3), ("IPv4/DEU+pair", 2)];
    let mut expected = expected.map(|(product, count)| (product.to_owned(), count));
    expected.sort_by_key(|(product, _)| key(product));
    assert_eq!(lines, expected);
}

#[test]
fn a_package_that_ends_with_too_little_money_is_not_extended_in_part() {
    let mut loaded = stocked();
    loaded.wallets[1].balance = usd(225 + 100);
    let mut world = World::new(loaded);
    assert!(ordered(&mut world, &package(5)).result.is_ok());
    let decision = world.decide(&auto_extend(named(10..15)), day(2));
    assert!(decision.result.is_ok(), "{decision:?}");
    // Two of them are looked at; their siblings are due as well.
    let leases = [10, 12].map(LeaseId).into();
    let sweep = Command::plain(Wish::Sweep(Sweep { customer: BOB, leases }));
    let decision = world.decide(&sweep, day(31) - Span::HOUR);
    let Ok(Outcome::Swept(swept)) = decision.result else { panic!("{decision:?}") };
    assert_eq!((swept.renewed, swept.failed), (0, 5));
}

#[test]
fn only_the_owner_learns_which_leases_he_left_out() {
    let mut world = with_package();
    let mut theirs = extend(named([10, 11]));
    if let Wish::Extend(extend) = &mut theirs.wish {
        extend.customer = ANN;
    }
    assert_eq!(world.decide(&theirs, day(2)).result, Err(Refusal::UnknownLease));
}

proptest! {
    #[test]
    fn a_package_is_extended_whole_or_not_at_all(
        list in prop::collection::vec(10_i64..=15, 1..12),
    ) {
        let touches = list.iter().any(|id| (10..15).contains(id));
        let missing: Vec<LeaseId> =
            (10..15).filter(|id| touches && !list.contains(id)).map(LeaseId).collect();
        for command in [extend(named(list.clone())), auto_extend(named(list.clone()))] {
            let mut world = with_package();
            let before: Vec<Option<Lease>> =
                (10..16).map(|id| world.lease(LeaseId(id)).cloned()).collect();
            let result = world.decide(&command, day(2)).result;
            if missing.is_empty() {
                prop_assert!(result.is_ok());
            } else {
                let missing = missing.clone();
                prop_assert_eq!(result, Err(Refusal::WholeOrderOnly { missing }));
                for lease in before.into_iter().flatten() {
                    prop_assert_eq!(world.lease(lease.id), Some(&lease));
                }
            }
        }
    }
}

/// Where a section has parts of packages alone, or none of them, the others are not there.
#[test]
fn parts_of_packages_are_extended_among_their_like() {
    let mut world = World::new(stocked());
    let mut bought = |order: &PlaceOrder| {
        let Ok(Outcome::Done { event, .. }) = ordered(&mut world, order).result else { panic!() };
        let Event::Order { order, leases, .. } = *event else { panic!("{event:?}") };
        (order, leases.iter().map(|granted| granted.lease).collect::<Vec<_>>())
    };
    let (single, singles) = bought(&order(BOB, ProxyKind::Ipv4, 2));
    let (package, parts) = bought(&package(2));
    let mut extended = |leases: &Selection, among: Among| {
        let (kind, period) =
            (Some(ProxyKind::Ipv4), PeriodWish::Code(PeriodCode::read("1m").unwrap()));
        let (customer, leases) = (BOB, leases.clone());
        let wish = Extend { customer, kind, leases, among, period, promo: None };
        let decision = world.decide(&Command::plain(Wish::Extend(wish)), day(1));
        assert_eq!(decision.result.is_ok(), !decision.orders.is_empty());
        decision.result.map(|_| decision.orders)
    };
    let (all, some) = (Selection::Leases(Some(parts.clone())), vec![parts[0]]);
    let (some, both) =
        (Selection::Leases(Some(some)), Selection::Leases(Some([parts, singles.clone()].concat())));
    let singles = Selection::Leases(Some(singles));
    for (leases, among, expected) in [
        (&singles, Among::All, Ok(vec![single])),
        (&singles, Among::Single, Ok(vec![single])),
        (&singles, Among::OfPackages, Err(Refusal::UnknownLease)),
        (&all, Among::OfPackages, Ok(vec![package])),
        (&all, Among::Single, Err(Refusal::UnknownLease)),
        (&some, Among::Single, Err(Refusal::UnknownLease)),
        (&both, Among::All, Ok(vec![package, single])),
        (&both, Among::OfPackages, Err(Refusal::UnknownLease)),
        (&Selection::Orders(Some(vec![package])), Among::OfPackages, Ok(vec![package])),
        (&Selection::Orders(Some(vec![package])), Among::Single, Err(Refusal::UnknownOrder)),
        (&Selection::Orders(Some(vec![single])), Among::OfPackages, Err(Refusal::UnknownOrder)),
    ] {
        assert_eq!(extended(leases, among), expected, "{leases:?} {among:?}");
    }
    assert!(matches!(extended(&some, Among::OfPackages), Err(Refusal::WholeOrderOnly { .. })));
}
