//! Packages of several countries.

use std::collections::BTreeMap;

use domain::command::Command;
use domain::ids::{CustomerId, LeaseId};
use domain::journal::{Event, Granted};
use domain::kind::ProxyKind;
use domain::order::PlaceOrder;
use domain::refusal::Refusal;
use domain::sweep::Swept;
use domain::time::Span;

use super::Make;
use super::races::{THREADS, race};
use super::shop::{
    CATALOGUE, IntoCommand, Shop, auto_extend, extend, german, grants, keyed, order, package,
};

const V4: ProxyKind = ProxyKind::Ipv4;

/// How many addresses of each product a customer has.
fn shares(shop: &Shop, customer: CustomerId) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for proxy in shop.live(customer) {
        *shares.entry(proxy.lease.product.to_string()).or_default() += 1;
    }
    shares
}

fn expected(german: usize, american: usize) -> BTreeMap<String, usize> {
    let shares = [("IPv4/DEU+pair", german), ("IPv4/USA+pair", american)];
    let shares = shares.into_iter().filter(|(_, share)| *share > 0);
    shares.map(|(product, share)| (product.to_owned(), share)).collect()
}

/// Free, let and resting addresses in Germany.
fn german_stock(shop: &Shop) -> (u64, u64, u64) {
    let lines = shop.store.stock(shop.now).unwrap();
    let line = lines.iter().find(|line| line.pool == german());
    line.map_or((0, 0, 0), |line| (line.free, line.leased, line.cooling))
}

fn ids(granted: &[Granted]) -> Vec<LeaseId> {
    granted.iter().map(|granted| granted.lease).collect()
}

/// The addresses come from the pools of the countries, evenly and the odd one from the first, and
/// go back there; what one pool lacks the other gives.
pub fn a_package_is_served_by_its_countries(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let (ann, bob) = (shop.customer("Ann", 10_000), shop.customer("Bob", 10_000));
    shop.stock(V4, 4);
    shop.stock_german(100, 3);
    let (_, event) = shop.done(package(ann, 3).into_command());
    let bill = event.bill().unwrap();
    assert_eq!(bill.quote.total.minor(), 3 * 150);
    let lines: Vec<_> =
        bill.quote.lines.iter().map(|line| (line.product.to_string(), line.quantity)).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.contains(&("IPv4/DEU+pair".into(), 2)), "{lines:?}");
    assert!(lines.contains(&("IPv4/USA+pair".into(), 1)), "{lines:?}");
    assert_eq!(shares(&shop, ann), expected(2, 1));
    for proxy in shop.live(ann) {
        let german_exit = (100..103).any(|number| proxy.ip == super::shop::exit(V4, number));
        assert_eq!(german_exit, proxy.lease.product.pool() == german(), "{proxy:?}");
        assert_eq!(proxy.order.product.package.as_deref(), Some("pair"));
        assert_eq!((proxy.order.quantity, proxy.order.goal.as_str()), (3, ""));
    }
    assert_eq!((german_stock(&shop), shop.stocked(V4)), ((1, 2, 0), (3, 1, 0, 0)));
    assert_eq!(shop.store.count_proxies(ann, V4).unwrap(), 3);

    assert_eq!(shop.refused(package(bob, 5).into_command()), Refusal::OutOfStock);
    assert_eq!(grants(&shop.done(package(bob, 3).into_command()).1).len(), 3);
    assert_eq!(shares(&shop, bob), expected(1, 2));
    assert_eq!(shop.refused(package(bob, 2).into_command()), Refusal::OutOfStock);
    assert_eq!(shop.ordered(bob, V4, 1).len(), 1);
    assert_eq!((german_stock(&shop), shop.stocked(V4)), ((0, 3, 0), (0, 4, 0, 0)));

    shop.wait(Span::from_days(30));
    assert_eq!(shop.sweep().ended, 7);
    shop.wait(Span::from_hours(6));
    assert_eq!(shop.sweep().released, 6, "the package has a reserve of its own");
    assert_eq!((german_stock(&shop), shop.stocked(V4)), ((0, 0, 3), (0, 1, 3, 0)));
    shop.wait(Span::DAY);
    assert_eq!(shop.done(package(ann, 5).into_command()).1.name(), "order");
    shop.audit();
}

/// An extension or instruction that leaves leases out names them and changes nothing; one for all
/// does, and a renewal is for all or none.
pub fn a_package_is_extended_whole(make: &mut Make<'_>) {
    let mut shop = Shop::open(make);
    let ann = shop.customer("Ann", 450 + 131 + 450 + 131 + 449);
    shop.stock(V4, 5);
    shop.stock_german(100, 5);
    let whole = ids(&grants(&shop.done(package(ann, 3).into_command()).1));
    let plain = ids(&shop.ordered(ann, V4, 1));
    for left_out in 0..whole.len() {
        let mut list = whole.clone();
        let missing = vec![list.remove(left_out)];
        list.extend(&plain);
        let refusal = Refusal::WholeOrderOnly { missing };
        assert_eq!(shop.refused(extend(ann, V4, &list).into_command()), refusal);
        assert_eq!(shop.refused(auto_extend(ann, V4, &list, true).into_command()), refusal);
        let wish = extend(ann, V4, &list);
        let world = shop.store.load(&wish.needs(), shop.now).unwrap();
        assert_eq!(wish.quote(&world, shop.now), Err(refusal));
    }
    let one = shop.refused(extend(ann, V4, &whole[1..2]).into_command());
    assert_eq!(one, Refusal::WholeOrderOnly { missing: vec![whole[0], whole[2]] });

    let all = [whole.clone(), plain.clone()].concat();
    let (_, event) = shop.done(extend(ann, V4, &all).into_command());
    let Event::Extension { bill, leases, .. } = event else { panic!("{event:?}") };
    assert_eq!((bill.quote.total.minor(), leases.len()), (450 + 131, 4));
    assert_eq!(shop.balance(ann), 449);

    shop.done(auto_extend(ann, V4, &whole, true).into_command());
    shop.now = shop.lease(ann, whole[0]).lease.ends_at - Span::DAY;
    let swept = shop.sweep();
    assert_eq!((swept.renewed, swept.failed), (0, 3), "two of three could be paid for");
    shop.deposit(ann, 1);
    shop.wait(Span::HOUR);
    assert_eq!(shop.sweep(), Swept { renewed: 3, ..Swept::default() });
    assert_eq!(shop.balance(ann), 0);
    shop.audit();
}

/// Which countries, quantities and prices a package has is decided by the catalogue at the commit.
pub fn a_package_is_what_the_catalogue_says(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 10);
    shop.stock_german(100, 10);
    let first = ids(&grants(&shop.done(package(ann, 2).into_command()).1));
    assert_eq!(shares(&shop, ann), expected(1, 1));

    let apply = |text: &str| {
        shop.store.apply_catalogue(text, shop.now).unwrap();
    };
    apply(&CATALOGUE.replace(r#"["DEU", "USA"]"#, r#"["USA"]"#).replace("[2, 3, 5]", "[4]"));
    assert_eq!(shop.refused(package(ann, 2).into_command()), Refusal::BadQuantity);
    shop.done(package(ann, 4).into_command());
    assert_eq!(shares(&shop, ann), expected(1, 5));

    let quote = |quantity| {
        let wish = package(ann, quantity);
        let world = shop.store.load(&wish.needs(), shop.now).unwrap();
        wish.quote(&world, shop.now).map(|quote| quote.total.minor())
    };
    assert_eq!((quote(4), quote(3)), (Ok(4 * 150), Err(Refusal::BadQuantity)));
    apply(CATALOGUE);
    assert_eq!((quote(3), quote(4)), (Ok(3 * 150), Err(Refusal::BadQuantity)));
    let unknown = PlaceOrder { package: Some("trio".into()), ..package(ann, 3) };
    assert_eq!(shop.refused(unknown.into_command()), Refusal::UnknownPackage);

    let stopped = "tag = \"pair\"\non_sale = false";
    apply(&CATALOGUE.replace("tag = \"pair\"", stopped).replace("\"0.05\"", "\"0.06\""));
    assert_eq!(shop.refused(package(ann, 3).into_command()), Refusal::UnknownPackage);
    let (_, event) = shop.done(extend(ann, V4, &first).into_command());
    assert_eq!(event.bill().unwrap().quote.total.minor(), 2 * 180);

    let start = CATALOGUE.find("[[packages]]").unwrap();
    let end = start + CATALOGUE[start..].find("[[products]]").unwrap();
    apply(&[&CATALOGUE[..start], &CATALOGUE[end..]].concat());
    assert_eq!(shop.refused(package(ann, 3).into_command()), Refusal::UnknownPackage);
    let gone = shop.refused(extend(ann, V4, &first).into_command());
    assert_eq!(gone, Refusal::PeriodNotOnSale);
    shop.audit();
}

/// Under a key, a package is ordered once, and its answer and refusal are given again.
pub fn a_package_is_ordered_once(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let ann = shop.customer("Ann", 10_000);
    shop.stock(V4, 2);
    shop.stock_german(100, 1);
    let first = keyed(package(ann, 3).into_command(), 1, 1);
    let done = shop.decide(first.clone());
    assert!(done.result.is_ok(), "{done:?}");
    let again = shop.decide(first);
    assert_eq!((again.result, again.replayed), (done.result, true));
    assert_eq!(shop.live(ann).len(), 3);
    let refused = keyed(package(ann, 2).into_command(), 2, 2);
    for replayed in [false, true] {
        let decision = shop.decide(refused.clone());
        assert_eq!((decision.result, decision.replayed), (Err(Refusal::OutOfStock), replayed));
    }
    shop.audit();
}

/// Many order packages of an odd number and single addresses at once: nothing is let twice, nobody
/// is told that there is none while there is, and every package is as even as can be.
pub fn packages_are_spread_under_load(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    let customers: Vec<_> = (0..THREADS).map(|_| shop.customer("One", 1_000)).collect();
    let half = THREADS / 2;
    let count = |number: usize| u32::try_from(number).unwrap();
    // Each package takes two German and one American address, each other order an American one.
    shop.stock(V4, count(2 * half));
    shop.stock_german(10_000, count(2 * half));
    let wish = |number: usize| -> Command {
        match number % 2 {
            0 => package(customers[number], 3).into_command(),
            _ => order(customers[number], V4, 1).into_command(),
        }
    };
    for decision in race(&shop, wish) {
        assert!(decision.result.is_ok(), "{decision:?}");
    }
    for customer in customers.iter().step_by(2) {
        assert_eq!(shares(&shop, *customer), expected(2, 1));
    }
    assert_eq!(shop.stocked(V4), (0, u64::from(count(2 * half)), 0, 0));
    assert_eq!(german_stock(&shop), (0, u64::from(count(2 * half)), 0));
    shop.audit();
}
