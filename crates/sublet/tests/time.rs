//! Time passes: in one jump, in many, or with the power going out on the way, the books are the
//! same.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use e2e::bodies::{extend, order, with};
use e2e::books::{State, assert_same};
use e2e::customer::{Customer, id};
use e2e::dates::{DAY, HOUR, millis, text};
use e2e::http::cents;
use e2e::race::Held;
use e2e::random::Random;
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// How many leases live through the year. More is asked for by `SUBLET_LEASES`.
fn wanted() -> usize {
    std::env::var("SUBLET_LEASES").map_or(300, |leases| leases.parse().unwrap())
}

/// A shop full of leases, its server ended, and the moment at which it was.
struct Filled {
    shop: Shop,
    customers: Vec<Customer>,
    now: i64,
}

/// Customers with and without money, leases of all kinds and lengths, most of them with
/// auto-extend.
fn filled(leases: usize) -> Filled {
    let mut shop = Setup::new(BINARY)
        .stock("--kind IPv4 --country USA --cidr 10.1.0.0/20")
        .stock("--kind ISP --country DEU --cidr 10.3.0.0/20")
        .stock("--kind IPv6 --country JPN --cidr 2001:db8:9::/64")
        .stock("--kind MOBILE --country GBR --operator ee_uk --cidr 10.4.0.0/20")
        .open();
    let mut chance = Random::new(26);
    let customers: Vec<Customer> =
        (0..12).map(|n| shop.customer(&format!("Tenant {n}"), "0")).collect();
    let mut had = 0;
    while had < leases {
        let customer = &customers[had % customers.len()];
        let quantity = u32::try_from(1 + chance.below(6)).unwrap();
        let (body, days) = match chance.below(10) {
            0..5 => (order("IPv4", "USA", quantity, 30), 30),
            5..7 => (order("ISP", "DEU", quantity, 60), 30),
            7..9 => {
                let body = order("IPv6", "JPN", quantity, 90);
                (with(&body, json!({ "protocol": "HTTP" })), 90)
            }
            _ => {
                let members = json!({ "mobileOperator": "ee_uk", "rotationTime": 0 });
                (with(&order("MOBILE", "GBR", 1, 30), members), 30)
            }
        };
        let price = shop.post(customer, "/calculate/order", &body).ok()["price"].to_string();
        shop.deposit(customer.id, &price);
        let new = shop.order(customer, &body);
        had += new.len();
        if chance.below(8) > 0 {
            let ids: Vec<String> = new.iter().map(id).collect();
            let on = extend(new[0]["proxyType"].as_str().unwrap(), &ids, days);
            let on = with(&on, json!({ "autoExtend": true }));
            shop.post(customer, "/extend/auto", &on).ok();
        }
    }
    // From now on every third has plenty, every third a little, and every third nothing.
    for (number, customer) in customers.iter().enumerate() {
        match number % 3 {
            0 => shop.deposit(customer.id, "50000.00"),
            1 => shop.deposit(customer.id, "150.00"),
            _ => {}
        }
    }
    let moved = shop.advance("1m");
    let now = millis(moved["now"].as_str().unwrap());
    shop.sigterm();
    Filled { shop, customers, now }
}

/// The books without the clock, which is ahead of the true time by what the true time was.
fn timeless(shop: &Shop) -> State {
    let mut state = shop.books().state();
    state.remove("state").unwrap();
    state
}

fn jump(shop: &Shop, to: i64) -> Value {
    shop.move_clock(&json!({ "now": text(to) }))
}

#[test]
fn one_jump_and_many_leave_the_same_books() {
    let Filled { shop: mut one, now, .. } = filled(wanted() / 3);
    let mut many = one.copied();
    one.reopen();
    jump(&one, now + 360 * DAY);
    one.audit();
    many.reopen();
    for day in 1..=360 {
        jump(&many, now + day * DAY);
    }
    many.audit();
    assert_same(&timeless(&one), &timeless(&many), "going day by day");
    let events = one.run(&["events", "list"]);
    for sort in ["renewal", "renewal_failed", "ended", "released"] {
        let count = events.iter().filter(|entry| entry["event"] == sort).count();
        assert!(count > 10, "there was little to compare: {count} {sort}");
    }
}

#[test]
fn a_jump_that_is_killed_on_its_way_is_completed_at_the_next_start() {
    let Filled { shop: mut whole, now, .. } = filled(wanted() / 2);
    let mut killed = whole.copied();
    whole.reopen();
    let target = now + 200 * DAY + HOUR;
    jump(&whole, target);

    killed.reopen();
    let mut chance = Random::new(9);
    for step in 1..=10 {
        let request = killed.clock_request(&json!({ "now": text(now + step * 20 * DAY) }));
        let mut held = Held::start(killed.address(), &[request]);
        held.release();
        std::thread::sleep(Duration::from_millis(u64::try_from(chance.below(60)).unwrap()));
        killed.restart();
        killed.audit();
    }
    // Where a kill came before the jump was noted, it is asked for again, as a client would.
    jump(&killed, target);
    killed.audit();
    assert_same(&timeless(&whole), &timeless(&killed), "being killed ten times");
}

#[test]
fn auto_extend_runs_once_for_each_lease_and_period() {
    let Filled { mut shop, customers, now } = filled(wanted());
    shop.reopen();
    let mut chance = Random::new(10);
    // A year in uneven steps, with a kill in every third of them.
    let (mut at, end) = (now, now + 365 * DAY);
    let mut step = 0;
    while at < end {
        at = end.min(at + HOUR * i64::try_from(1 + chance.below(40 * 24)).unwrap());
        step += 1;
        if step % 3 == 0 {
            let request = shop.clock_request(&json!({ "now": text(at) }));
            let mut held = Held::start(shop.address(), &[request]);
            held.release();
            std::thread::sleep(Duration::from_millis(u64::try_from(chance.below(80)).unwrap()));
            shop.restart();
            at += HOUR / 2;
        }
        jump(&shop, at);
    }
    shop.audit();
    let events = shop.run(&["events", "list"]);
    let rich: BTreeSet<i64> = customers.iter().step_by(3).map(|one| one.id).collect();
    let renewals = follow(&events, &rich);
    assert!(renewals > 3 * wanted(), "only {renewals} renewals");
}

/// Follows every lease from event to event; says how many renewals there were.
fn follow(events: &[Value], rich: &BTreeSet<i64>) -> usize {
    let mut ends: BTreeMap<String, i64> = BTreeMap::new();
    let mut paid: BTreeSet<(String, i64)> = BTreeSet::new();
    let mut failed: BTreeSet<(String, i64)> = BTreeSet::new();
    let mut auto: BTreeSet<String> = BTreeSet::new();
    let mut renewals = 0;
    for event in events {
        let customer = event["customer_id"].as_i64().unwrap();
        let leases = event["leases"].as_array().cloned().unwrap_or_default();
        let at = millis(event["at"].as_str().unwrap());
        for lease in leases {
            let name = lease["lease_id"].as_str().unwrap().to_owned();
            let moment = |member: &str| lease[member].as_str().map(millis);
            match event["event"].as_str().unwrap() {
                "order" => {
                    ends.insert(name, moment("ends_at").unwrap());
                }
                "auto_extend" => {
                    auto.insert(name);
                }
                "renewal" => {
                    renewals += 1;
                    let from = moment("ended_at_before").unwrap();
                    assert_eq!(ends[&name], from, "a renewal starts where the last period ended");
                    assert!(auto.contains(&name), "nobody has asked for it");
                    assert!(at <= from - HOUR, "renewed less than an hour before the end");
                    let tried = failed.contains(&(name.clone(), from));
                    assert!(tried || at == from - DAY, "{at} is not a day before {from}");
                    assert!(paid.insert((name.clone(), from)), "a period was paid twice");
                    let days = event["period_days"].as_i64().unwrap();
                    assert_eq!(moment("ends_at"), Some(from + days * DAY));
                    ends.insert(name, from + days * DAY);
                }
                "renewal_failed" => {
                    assert!(!rich.contains(&customer), "missed though there is money: {event}");
                    assert!(cents(&event["missing"]) > 0);
                    let told = failed.insert((name.clone(), ends[&name]));
                    assert!(told, "told of one failure twice");
                }
                "ended" => {
                    assert_eq!(at, ends[&name], "ended at another moment than its end");
                    let excused = !auto.contains(&name) || failed.contains(&(name.clone(), at));
                    assert!(excused, "it ended though it was to be extended: {event}");
                }
                _ => {}
            }
        }
    }
    renewals
}

#[test]
fn time_does_not_go_back() {
    let Filled { mut shop, customers, now } = filled(20);
    shop.reopen();
    jump(&shop, now + 10 * DAY);
    let before = timeless(&shop);
    for body in [
        json!({ "now": text(now + 9 * DAY) }),
        json!({ "now": text(0) }),
        json!({ "advance": "-1d" }),
        json!({ "advance": "1 fortnight" }),
        json!({ "advance": "99999999999999999999d" }),
        json!({ "now": "yesterday" }),
        json!({ "now": "9999-12-31T23:59:59Z" }),
        json!({}),
        json!([]),
        json!("30d"),
    ] {
        let answer = shop.clock_request(&body).send(shop.address());
        assert!((400..500).contains(&answer.status), "{body}: {} {}", answer.status, answer.text());
        assert!(!answer.body.is_empty(), "{body} is refused without a word");
    }
    let moved = shop.move_clock(&json!({ "advance": "1s" }));
    let at = millis(moved["now"].as_str().unwrap());
    assert!((0..HOUR).contains(&(at - now - 10 * DAY)), "the clock has moved to {moved}");
    assert_same(&before, &timeless(&shop), "a refused jump");
    assert!(shop.balance(&customers[0]) > 0);
}
