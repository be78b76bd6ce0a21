//! Two servers on one database are in each other's way, and nobody gets too much, too little or a
//! wrong answer.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use domain::command::{Command, Decision};
use domain::ids::CustomerId;
use domain::kind::ProxyKind;
use domain::refusal::Refusal;
use e2e::postgres::psql;
use store::conformance::digest::digest;
use store::conformance::shop::{IntoCommand, Shop, extend, keyed, order};

use crate::databases::Shared;

const V4: ProxyKind = ProxyKind::Ipv4;

/// What an order of one address costs, and an extension by 30 days.
const PRICE: i64 = 131;

/// Decides all commands at the same moment, every other one at another server.
fn race(shops: &[Shop; 2], commands: Vec<Command>) -> Vec<Decision> {
    let barrier = Barrier::new(commands.len());
    thread::scope(|scope| {
        let running: Vec<_> = commands
            .into_iter()
            .zip(shops.iter().cycle())
            .map(|(command, shop)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    shop.decide(command)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The books are sound, and the same for both.
#[track_caller]
fn prove(shops: &[Shop; 2]) {
    shops[0].audit();
    assert_eq!(digest(&*shops[0].store, shops[0].now), digest(&*shops[1].store, shops[1].now));
}

fn customers(shop: &Shop, count: usize, minor: i64) -> Vec<CustomerId> {
    (0..count).map(|_| shop.customer("Some", minor)).collect()
}

/// As many addresses as customers with money, and as many without: these are refused for the money
/// while they hold addresses, and nobody is told that there are none.
#[test]
fn nobody_is_told_of_sold_out_stock_because_of_somebody_who_cannot_pay() {
    let shops = Shared::new().shops();
    let mut stock = 0;
    for _ in 0..8 {
        let rich = customers(&shops[0], 6, PRICE);
        let poor = customers(&shops[0], 10, PRICE - 1);
        stock += 6;
        shops[0].stock(V4, stock);
        let asked = rich.iter().chain(&poor).map(|it| order(*it, V4, 1).into_command());
        let decisions = race(&shops, asked.collect());
        for (number, decision) in decisions.iter().enumerate() {
            match number < rich.len() {
                true => assert!(decision.result.is_ok(), "{number}: {decision:?}"),
                false => assert!(
                    matches!(
                        decision.result,
                        Err(Refusal::InsufficientFunds { .. } | Refusal::OutOfStock)
                    ),
                    "{number}: {decision:?}"
                ),
            }
        }
    }
    assert_eq!(shops[0].stocked(V4), (0, u64::from(stock), 0, 0));
    prove(&shops);
}

/// Somebody holds all addresses and gives them back, or keeps them: the order waits for him, and
/// is told the truth.
#[test]
fn sold_out_is_said_when_it_is_true() {
    let shared = Shared::new();
    let shops = shared.shops();
    let ann = shops[0].customer("Ann", 10_000);
    shops[0].stock(V4, 3);
    let take = "UPDATE address SET lease_id = 999999 WHERE lease_id IS NULL";
    for (ending, expected) in [("ROLLBACK", 3), ("COMMIT", 0)] {
        let url = shared.url.clone();
        let sql = format!("BEGIN; {take}; SELECT pg_sleep(1.5); {ending}");
        let holding = thread::spawn(move || psql(&url, &sql).unwrap());
        // Until he holds them.
        let held = "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1.5)%'
            AND wait_event = 'PgSleep' AND datname = current_database()";
        while shared.psql(held).trim() != "1" {
            thread::sleep(Duration::from_millis(20));
        }
        let decision = shops[1].decide(order(ann, V4, 3).into_command());
        holding.join().unwrap();
        match expected {
            0 => assert_eq!(decision.result, Err(Refusal::OutOfStock)),
            _ => {
                assert!(decision.result.is_ok(), "{decision:?}");
                prove(&shops);
                shops[0].stock(V4, 6);
            }
        }
    }
}

/// Two servers extend one lease with money for some of it.
#[test]
fn extensions_of_one_lease_add_up() {
    let shops = Shared::new().shops();
    let ann = shops[0].customer("Ann", PRICE * 21);
    shops[0].stock(V4, 1);
    let lease = shops[0].ordered(ann, V4, 1)[0].lease;
    let before = shops[0].lease(ann, lease).lease.ends_at;
    for _ in 0..5 {
        let asked = (0..12).map(|_| extend(ann, V4, &[lease]).into_command());
        race(&shops, asked.collect());
    }
    // Twenty extensions were paid for, and no more.
    let after = shops[1].lease(ann, lease).lease.ends_at;
    assert_eq!(after.since(before).millis(), 20 * 30 * 86_400_000);
    assert_eq!(shops[1].balance(ann), 0);
    prove(&shops);
}

/// A code that allows seven uses and two each is used so often by customers of two servers.
#[test]
fn promo_limits_hold_between_servers() {
    let shops = Shared::new().shops();
    shops[0].stock(V4, 200);
    let customers = customers(&shops[0], 8, 1_000_000);
    for round in 0..6 {
        let code = format!("CODE{round}");
        shops[0].promo(&code, "10", Some(7), Some(2));
        let asked = (0..24).map(|number| {
            let mut wish = order(customers[number % 8], V4, 1);
            wish.promo = Some(code.clone());
            wish.into_command()
        });
        race(&shops, asked.collect());
        let promos = shops[1].store.promos().unwrap();
        let kept = promos.iter().find(|promo| promo.code == code).unwrap();
        assert_eq!(kept.uses, 7);
        for customer in &customers {
            let told = shops[0].store.promos_of(*customer).unwrap();
            let (_, uses) = told.iter().find(|(promo, _)| promo.id == kept.id).unwrap();
            assert!(*uses <= 2, "{uses}");
        }
    }
    prove(&shops);
}

/// The same request under one key, at two servers at once, is done once and answered alike.
#[test]
fn one_key_spends_once_at_two_servers() {
    let shops = Shared::new().shops();
    let ann = shops[0].customer("Ann", 1_000_000);
    shops[0].stock(V4, 30);
    for round in 0..10 {
        let asked = (0..12).map(|_| keyed(order(ann, V4, 1).into_command(), round, round));
        let decisions = race(&shops, asked.collect());
        assert_eq!(decisions.iter().filter(|decision| !decision.replayed).count(), 1);
        assert!(decisions.iter().all(|decision| decision.result == decisions[0].result));
        assert_eq!(shops[0].live(ann).len(), usize::from(round) + 1);
    }
    prove(&shops);
}

/// Addresses are drawn from one prefix by two servers, each once and with ports of its own.
#[test]
fn a_prefix_is_drawn_by_two_servers() {
    let shops = Shared::new().shops();
    let customers = customers(&shops[0], 12, 100_000);
    assert!(shops[0].prefix("2001:db8::", 122, "main"));
    for _ in 0..8 {
        let asked = customers.iter().map(|it| order(*it, ProxyKind::Ipv6, 1).into_command());
        race(&shops, asked.collect());
    }
    let leases = customers.iter().flat_map(|customer| shops[1].live(*customer));
    let mut exits: Vec<_> = leases.map(|proxy| (proxy.ip, proxy.port)).collect();
    let all = exits.len();
    exits.sort_unstable();
    exits.dedup_by_key(|(ip, _)| *ip);
    assert_eq!((all, exits.len()), (64, 64));
    exits.sort_unstable_by_key(|(_, port)| *port);
    exits.dedup_by_key(|(_, port)| *port);
    assert_eq!(exits.len(), 64);
    prove(&shops);
}
