//! What happens when many want the same thing at once. Requests are released together: the server
//! has all of each but its last byte.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, id, order_id};
use e2e::http::{Answer, Request, cents};
use e2e::race::race;
use e2e::random::Random;
use e2e::shop::{FLAT, Setup};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
const TOGETHER: usize = 64;

/// How many rounds each race has. More is asked for by `SUBLET_ROUNDS`.
fn rounds() -> usize {
    std::env::var("SUBLET_ROUNDS").map_or(50, |rounds| rounds.parse().unwrap())
}

fn is_ok(answer: &Answer) -> bool {
    answer.code() == 0
}

/// Says that something is over, also when it ends in a panic: the watcher would go on for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn the_last_address_is_let_once() {
    let shop = Setup::new(BINARY).catalogue(FLAT).open();
    let customers: Vec<Customer> =
        (0..8).map(|number| shop.customer(&format!("Rival {number}"), "1000.00")).collect();
    let mut had: Vec<i64> = customers.iter().map(|one| shop.balance(one)).collect();
    for round in 0..rounds() {
        let address = format!("10.{}.{}.1", round / 256, round % 256);
        shop.stock(&format!("--kind IPv4 --country USA --cidr {address}/32"));
        let requests: Vec<Request> = (0..TOGETHER)
            .map(|n| customers[n % 8].posting("/order", &order("IPv4", "USA", 1, 30)))
            .collect();
        let answers = race(shop.address(), &requests);
        let winners: Vec<usize> = (0..TOGETHER).filter(|n| is_ok(&answers[*n])).collect();
        assert_eq!(winners.len(), 1, "round {round}: let {} times", winners.len());
        had[winners[0] % 8] -= 100;
        for (n, answer) in answers.iter().enumerate() {
            assert!([0, 35].contains(&answer.code()), "{}", answer.text());
            let balance = cents(&answer.json()["balance"]);
            let before = had[n % 8] + 100 * i64::from(winners[0] % 8 == n % 8);
            assert!(balance == had[n % 8] || balance == before, "round {round}: {balance}");
        }
        let have: Vec<i64> = customers.iter().map(|one| shop.balance(one)).collect();
        assert_eq!(have, had, "round {round}: somebody else was charged");
    }
    let let_out: usize = customers.iter().map(|one| shop.addresses(one, "IPv4").len()).sum();
    assert_eq!(let_out, rounds());
    shop.audit();
}

#[test]
fn a_wallet_for_so_many_purchases_buys_so_many() {
    let shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/21")
        .open();
    let spender = shop.customer("Spender", &format!("{}.00", 24 + rounds() / 10));
    let leases: Vec<_> = (0..24 + rounds() / 10)
        .flat_map(|_| shop.order(&spender, &order("IPv4", "USA", 1, 30)))
        .collect();
    assert_eq!(shop.balance(&spender), 0);
    let mut chance = Random::new(6);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = Ends(&over);
        let watcher = scope.spawn(|| {
            let mut reads = 0;
            while !over.load(Ordering::Relaxed) {
                assert!(shop.balance(&spender) >= 0, "a read has shown a negative balance");
                reads += 1;
                std::thread::sleep(Duration::from_millis(3));
            }
            reads
        });
        for round in 0..rounds() {
            let funds = 1 + chance.below(12);
            shop.deposit(spender.id, &format!("{funds}.00"));
            let requests: Vec<Request> = (0..TOGETHER)
                .map(|_| {
                    let lease = &leases[chance.below(leases.len())];
                    match chance.below(3) {
                        0 => spender.posting("/order", &order("IPv4", "USA", 1, 30)),
                        1 => spender.posting("/extend", &extend("IPv4", &[id(lease)], 30)),
                        _ => {
                            let body = extend_order("IPv4", &[order_id(lease)], 30);
                            spender.posting("/extend/order", &body)
                        }
                    }
                })
                .collect();
            let answers = race(shop.address(), &requests);
            let done = answers.iter().filter(|answer| is_ok(answer)).count();
            assert_eq!(done, funds, "round {round}");
            for answer in &answers {
                assert!([0, 16].contains(&answer.code()), "{}", answer.text());
                let balance = cents(&answer.json()["balance"]);
                assert!((0..=100 * i64::try_from(funds).unwrap()).contains(&balance));
            }
            assert_eq!(shop.balance(&spender), 0);
        }
        drop(end);
        assert!(watcher.join().unwrap() > 10);
    });
    shop.audit();
}

#[test]
fn renewals_and_purchases_share_the_last_money() {
    let shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/21")
        .open();
    for round in 0..10 {
        let spender = shop.customer("Spender", "8.00");
        let mut leases = vec![];
        for _ in 0..8 {
            leases.extend(shop.order(&spender, &order("IPv4", "USA", 1, 30)));
        }
        let ids: Vec<String> = leases.iter().map(id).collect();
        let on = with(&extend("IPv4", &ids, 30), json!({ "autoExtend": true }));
        shop.post(&spender, "/extend/auto", &on).ok();
        shop.deposit(spender.id, "5.00");
        let mut requests = vec![shop.clock_request(&json!({ "advance": "29d" }))];
        requests.extend((0..32).map(|_| spender.posting("/order", &order("IPv4", "USA", 1, 30))));
        let answers = race(shop.address(), &requests);
        let bought = answers[1..].iter().filter(|answer| is_ok(answer)).count();
        let events = shop.run(&["events", "list", "--customer", &spender.id.to_string()]);
        let renewed: usize = events
            .iter()
            .filter(|event| event["event"] == "renewal")
            .map(|event| event["leases"].as_array().unwrap().len())
            .sum();
        assert_eq!(bought + renewed, 5, "round {round}: {bought} bought, {renewed} renewed");
        assert_eq!(shop.balance(&spender), 0);
    }
    shop.audit();
}

#[test]
fn a_promo_code_gives_as_many_discounts_as_it_allows() {
    let shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/17")
        .open();
    let customers: Vec<Customer> =
        (0..4).map(|number| shop.customer(&format!("Saver {number}"), "90000.00")).collect();
    let leases: Vec<Vec<_>> = customers
        .iter()
        .map(|one| {
            (0..4 + rounds() / 4)
                .flat_map(|_| shop.order(one, &order("IPv4", "USA", 1, 30)))
                .collect()
        })
        .collect();
    let mut chance = Random::new(7);
    for round in 0..rounds() {
        let code = format!("ROUND-{round}");
        let (in_all, each) = (1 + chance.below(20), 1 + chance.below(4));
        // One kind of limit binds in every other round.
        let limits = match round % 3 {
            0 => format!("--max-uses {in_all}"),
            1 => format!("--per-customer {each}"),
            _ => format!("--max-uses {in_all} --per-customer {each}"),
        };
        shop.promo(&format!("{code} --percent 50 {limits}"));
        let before: Vec<i64> = customers.iter().map(|one| shop.balance(one)).collect();
        let promo = json!({ "promoCode": code });
        let requests: Vec<Request> = (0..TOGETHER)
            .map(|n| {
                let (one, its) = (&customers[n % 4], &leases[n % 4]);
                let lease = &its[chance.below(its.len())];
                match chance.below(3) {
                    0 => one.posting("/order", &with(&order("IPv4", "USA", 1, 30), promo.clone())),
                    1 => {
                        let body = extend("IPv4", &[id(lease)], 30);
                        one.posting("/extend", &with(&body, promo.clone()))
                    }
                    _ => {
                        let body = extend_order("IPv4", &[order_id(lease)], 30);
                        one.posting("/extend/order", &with(&body, promo.clone()))
                    }
                }
            })
            .collect();
        let answers = race(shop.address(), &requests);
        let mut valid = [0_usize; 4];
        for (n, answer) in answers.iter().enumerate() {
            let body = answer.ok();
            match body["promoCodeStatus"].as_str() {
                Some("VALID") => valid[n % 4] += 1,
                Some("NO_VALID") => {}
                _ => panic!("{body}"),
            }
        }
        let all: usize = valid.iter().sum();
        let expected = match round % 3 {
            0 => in_all,
            1 => 4 * each,
            _ => in_all.min(4 * each),
        };
        assert_eq!(all, expected, "round {round}: {limits}");
        assert!(round % 3 == 0 || valid.iter().all(|uses| *uses <= each), "{valid:?} {limits}");
        for (n, one) in customers.iter().enumerate() {
            let spent = before[n] - shop.balance(one);
            let sixteen = i64::try_from(TOGETHER / 4).unwrap() * 100;
            assert_eq!(spent, sixteen - 50 * i64::try_from(valid[n]).unwrap(), "round {round}");
        }
        assert_eq!(shop.promo_uses(&code), i64::try_from(expected).unwrap());
    }
    shop.audit();
}

#[test]
fn a_refused_purchase_gives_its_use_of_a_code_back() {
    let shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/28")
        .open();
    shop.promo("ONCE --percent 10 --max-uses 1");
    let poor = shop.customer("Poor", "0.10");
    let rich = shop.customer("Rich", "50.00");
    let promo = json!({ "promoCode": "once" });
    let wanted = with(&order("IPv4", "USA", 1, 30), promo.clone());
    let too_many = with(&order("IPv4", "USA", 40, 30), promo);
    let mut requests: Vec<Request> = (0..32).map(|_| poor.posting("/order", &wanted)).collect();
    requests.extend((0..32).map(|_| rich.posting("/order", &too_many)));
    for answer in race(shop.address(), &requests) {
        assert!([16, 35].contains(&answer.code()), "{}", answer.text());
        assert!(answer.json()["promoCodeStatus"].is_null());
    }
    assert_eq!(shop.promo_uses("ONCE"), 0);
    let bought = shop.post(&rich, "/order", &wanted).ok();
    assert_eq!((&bought["promoCodeStatus"], &bought["balance"]), (&json!("VALID"), &json!(49.1)));
    assert_eq!(shop.promo_uses("ONCE"), 1);
    let again = shop.post(&rich, "/order", &wanted).ok();
    assert_eq!((&again["promoCodeStatus"], &again["balance"]), (&json!("NO_VALID"), &json!(48.1)));
    shop.audit();
}
