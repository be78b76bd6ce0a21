//! Clients that ask again, because they have not heard, or because they were not sure.

use std::time::{Duration, Instant};

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, id, order_id};
use e2e::http::{Answer, Connection, Request};
use e2e::race::{Held, race};
use e2e::random::Random;
use e2e::shop::{FLAT, Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

fn setup() -> Setup {
    Setup::new(BINARY).catalogue(FLAT).stock("--kind IPv4 --country USA --cidr 10.0.0.0/22")
}

fn shop() -> Shop {
    setup().open()
}

fn keyed(customer: &Customer, call: &str, body: &Value, key: &str) -> Request {
    customer.posting(call, body).header("Idempotency-Key", key)
}

/// Waits until a spend that nobody waits for was committed.
fn until_charged(shop: &Shop, customer: &Customer, balance: i64) {
    for _ in 0..500 {
        if shop.balance(customer) == balance {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the balance is {} instead of {balance}", shop.balance(customer));
}

#[test]
fn one_key_has_one_effect_however_often_it_is_used() {
    let shop = shop();
    let ann = shop.customer("Ann", "200.00");
    let bob = shop.customer("Bob", "200.00");
    let lease = shop.order(&ann, &order("IPv4", "USA", 1, 30)).remove(0);
    let mut balance = shop.balance(&ann);
    for round in 0..20 {
        let key = format!("round {round}");
        let (call, body) = match round % 3 {
            0 => ("/order", order("IPv4", "USA", 1, 30)),
            1 => ("/extend", extend("IPv4", &[id(&lease)], 30)),
            _ => ("/extend/order", extend_order("IPv4", &[order_id(&lease)], 30)),
        };
        let request = keyed(&ann, call, &body, &key);
        let answers = race(shop.address(), &vec![request.clone(); 100]);
        balance -= 100;
        assert_eq!(shop.balance(&ann), balance, "round {round}");
        let first = answers[0].ok();
        assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{first}");
        let fresh = answers.iter().filter(|answer| !answer.is_replayed()).count();
        assert_eq!(fresh, 1, "round {round}: marked as replayed are all but one");

        // Nobody else is concerned, and nothing else is meant.
        let other = with(&body, json!({ "rentPeriodDays": 90 }));
        let refused = keyed(&ann, call, &other, &key).send(shop.address());
        assert_eq!((refused.status, refused.code()), (200, 35));
        if call == "/order" {
            let his = keyed(&bob, call, &body, &key).send(shop.address());
            assert!(!his.is_replayed());
            assert_ne!(his.ok()["orderNumber"], first["orderNumber"]);
        }
        assert_eq!(shop.balance(&ann), balance, "round {round}");
    }
    shop.audit();
}

#[test]
fn a_key_is_kept_for_a_day_across_kills() {
    let mut shop = shop();
    let ann = shop.customer("Ann", "5.00");
    let request = keyed(&ann, "/order", &order("IPv4", "USA", 1, 30), "the only one");
    let first = request.send(shop.address());
    first.ok();
    shop.restart();
    let after_kill = request.send(shop.address());
    assert!(after_kill.is_replayed());
    assert_eq!(after_kill.text(), first.text());
    shop.advance("23h");
    shop.restart();
    let next_day = request.send(shop.address());
    assert!(next_day.is_replayed());
    assert_eq!(next_day.text(), first.text());
    assert_eq!(shop.balance(&ann), 400);
    shop.advance("2h");
    let later = request.send(shop.address());
    assert!(!later.is_replayed());
    assert_ne!(later.ok()["orderNumber"], first.ok()["orderNumber"]);
    assert_eq!(shop.balance(&ann), 300);
    shop.audit();
}

#[test]
fn a_refusal_for_lack_of_money_or_stock_is_repeated_and_one_for_form_is_not() {
    let shop = shop();
    let poor = shop.customer("Poor", "0.50");
    let wanted = order("IPv4", "USA", 1, 30);
    let refused = keyed(&poor, "/order", &wanted, "k").send(shop.address());
    assert_eq!(refused.code(), 16);
    shop.deposit(poor.id, "10.00");
    let again = keyed(&poor, "/order", &wanted, "k").send(shop.address());
    assert!(again.is_replayed());
    assert_eq!(again.text(), refused.text(), "the body of a repetition is that of the first");
    let fresh = keyed(&poor, "/order", &wanted, "another").send(shop.address());
    assert_eq!(fresh.ok()["balance"], json!(9.5));

    let blank = with(&wanted, json!({ "goal": " " }));
    assert_eq!(keyed(&poor, "/order", &blank, "form").send(shop.address()).code(), 14);
    let corrected = keyed(&poor, "/order", &wanted, "form").send(shop.address());
    assert_eq!(corrected.ok()["balance"], json!(8.5));
    shop.audit();
}

/// A request whose client leaves, so long after the last byte was sent, without having been
/// answered. Says how long it really took him.
fn leave(shop: &Shop, request: &Request, after: Duration, rudely: bool) -> Duration {
    let mut held = Held::start(shop.address(), std::slice::from_ref(request));
    let since = Instant::now();
    held.release();
    std::thread::sleep(after);
    for connection in held.into_connections() {
        match rudely {
            true => connection.reset(),
            false => connection.close(),
        }
    }
    since.elapsed()
}

/// Thirty different purchases, with what each costs in cents.
fn purchases(shop: &Shop, customer: &Customer) -> Vec<(Request, i64)> {
    let leases: Vec<Value> =
        (0..10).flat_map(|_| shop.order(customer, &order("IPv4", "USA", 1, 30))).collect();
    (0..30)
        .map(|round| {
            let lease = &leases[round / 3];
            let (days, price) = if round % 4 < 2 { (30, 100) } else { (90, 300) };
            let (call, body) = match round % 3 {
                0 => ("/order", order("IPv4", "USA", 1, days)),
                1 => ("/extend", extend("IPv4", &[id(lease)], days)),
                _ => ("/extend/order", extend_order("IPv4", &[order_id(lease)], days)),
            };
            let body = with(&body, json!({ "goal": format!("round {round}") }));
            (customer.posting(call, &body), price)
        })
        .collect()
}

#[test]
fn who_left_while_it_was_done_and_asks_again_is_charged_once_and_told_so() {
    // Another server does not know yet that somebody has left this one.
    let shop = setup().alone().slow_syncs(60_000).open();
    let ann = shop.customer("Ann", "200.00");
    let purchases = purchases(&shop, &ann);
    let mut balance = shop.balance(&ann);
    for (round, (request, price)) in purchases.iter().enumerate() {
        // The work has begun, and the disk is not done with it.
        leave(&shop, request, Duration::from_millis(20), round % 2 == 0);
        let again = request.send(shop.address());
        balance -= price;
        let now = shop.balance(&ann);
        assert_eq!(now, balance, "round {round}: charged {} too much", balance - now);
        again.ok();
        assert!(again.is_replayed(), "round {round}: the answer does not say that it is a repeat");
    }
    shop.audit();
}

#[test]
fn who_left_at_any_moment_and_asks_again_is_charged_once() {
    // What was written counts as delivered, and a repeat of that is another purchase. So that the
    // answer is not written before the client is gone, it is not there for so long.
    let answered = Duration::from_millis(100);
    let shop = setup().alone().slow_syncs(100_000).open();
    let ann = shop.customer("Ann", "200.00");
    let purchases = purchases(&shop, &ann);
    let mut balance = shop.balance(&ann);
    let mut chance = Random::new(2);
    for (round, (request, price)) in purchases.iter().enumerate() {
        let moment = Duration::from_micros(u64::try_from(chance.below(4_000)).unwrap());
        let left = leave(&shop, request, moment, round % 2 == 0);
        request.send(shop.address()).ok();
        balance -= price;
        let now = shop.balance(&ann);
        if answered <= left && now == balance - price {
            // The machine stood still meanwhile.
            balance = now;
        }
        assert_eq!(now, balance, "round {round}, left after {left:?}: charged too much");
    }
    shop.audit();
}

#[test]
fn a_kill_at_any_moment_and_a_repeat_are_one_purchase() {
    let mut shop = shop();
    let ann = shop.customer("Ann", "200.00");
    let purchases = purchases(&shop, &ann);
    let mut balance = shop.balance(&ann);
    let mut chance = Random::new(1);
    let mut replayed = 0;
    // Kills shall come both before the commit and after it, however slow the disk is.
    let mut window = Duration::from_millis(6);
    for (round, (request, price)) in purchases.iter().enumerate() {
        let request = match round % 2 {
            0 => request.clone().header("Idempotency-Key", &format!("kill {round}")),
            _ => request.clone(),
        };
        let mut held = Held::start(shop.address(), std::slice::from_ref(&request));
        held.release();
        std::thread::sleep(window * u32::try_from(chance.below(100)).unwrap() / 100);
        shop.restart();
        let again = request.send(shop.address());
        again.ok();
        match again.is_replayed() {
            true => window = window * 3 / 4,
            false => window = window * 3 / 2,
        }
        replayed += usize::from(again.is_replayed());
        balance -= price;
        assert_eq!(shop.balance(&ann), balance, "round {round}");
        shop.audit();
    }
    assert!((1..30).contains(&replayed), "the kills came all too early or too late: {replayed}");
}

#[test]
fn two_identical_purchases_by_clients_who_stay_are_two() {
    let shop = shop();
    let ann = shop.customer("Ann", "50.00");
    let request = ann.posting("/order", &order("IPv4", "USA", 1, 30));
    let numbers = |answers: &[Answer]| -> Vec<Value> {
        answers.iter().map(|answer| answer.ok()["orderNumber"].clone()).collect()
    };
    let together = numbers(&race(shop.address(), &[request.clone(), request.clone()]));
    let mut connection = Connection::open(shop.address());
    let one_by_one: Vec<Answer> = (0..2)
        .map(|_| {
            connection.send(&request.bytes()).unwrap();
            connection.answer().unwrap()
        })
        .collect();
    assert!(one_by_one.iter().all(|answer| !answer.is_replayed()));
    let mut all = [together, numbers(&one_by_one)].concat();
    all.sort_by_key(Value::to_string);
    all.dedup();
    assert_eq!(all.len(), 4, "{all:?}");
    assert_eq!(shop.balance(&ann), 4600);
    shop.audit();
}

#[test]
fn what_was_committed_right_before_a_kill_is_answered_again() {
    let mut shop = shop();
    let ann = shop.customer("Ann", "50.00");
    let mut balance = shop.balance(&ann);
    for round in 0..5 {
        let body = with(&order("IPv4", "USA", 1, 30), json!({ "goal": format!("kill {round}") }));
        let request = ann.posting("/order", &body);
        // The client stays and would have got its answer: only the server's end makes it unsure.
        let mut held = Held::start(shop.address(), std::slice::from_ref(&request));
        held.release();
        until_charged(&shop, &ann, balance - 100);
        shop.restart();
        let again = request.send(shop.address());
        balance -= 100;
        assert_eq!(shop.balance(&ann), balance, "round {round}");
        again.ok();
        assert!(again.is_replayed(), "round {round}");
    }
    shop.audit();
}

#[test]
fn a_good_end_leaves_nobody_in_doubt() {
    let mut shop = shop();
    let ann = shop.customer("Ann", "50.00");
    let request = ann.posting("/order", &order("IPv4", "USA", 1, 30));
    request.send(shop.address()).ok();
    shop.sigterm();
    shop.reopen();
    let next = request.send(shop.address());
    assert!(!next.is_replayed(), "its answer had arrived, so this is a new order");
    next.ok();
    assert_eq!(shop.balance(&ann), 4800);
}

#[test]
fn a_repeat_after_more_than_an_hour_is_a_new_purchase() {
    let shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/24")
        .slow_syncs(60_000)
        .open();
    let ann = shop.customer("Ann", "50.00");
    let request = ann.posting("/order", &order("IPv4", "USA", 1, 30));
    leave(&shop, &request, Duration::from_millis(20), false);
    until_charged(&shop, &ann, 4900);
    shop.advance("59m");
    let within = request.send(shop.address());
    within.ok();
    assert!(within.is_replayed());
    assert_eq!(shop.balance(&ann), 4900);
    shop.advance("2m");
    let after = request.send(shop.address());
    after.ok();
    assert!(!after.is_replayed());
    assert_eq!(shop.balance(&ann), 4800);
    shop.audit();
}

#[test]
fn a_key_with_a_repeat_window_takes_identical_purchases_for_repeats() {
    let shop = shop();
    let plain = shop.customer("Ann", "50.00");
    let careful = plain.with_key(&shop.key(plain.id, "--repeat-window 600"));
    let body = order("IPv4", "USA", 1, 30);
    let request = careful.posting("/order", &body);
    let answers = race(shop.address(), &vec![request.clone(); 10]);
    let first = answers[0].ok();
    assert!(answers.iter().all(|answer| answer.ok()["orderNumber"] == first["orderNumber"]));
    assert_eq!(answers.iter().filter(|answer| answer.is_replayed()).count(), 9);
    assert_eq!(shop.balance(&plain), 4900);
    // Another body is another purchase, and so is the same body after the window.
    careful.posting("/order", &with(&body, json!({ "goal": "else" }))).send(shop.address()).ok();
    assert_eq!(shop.balance(&plain), 4800);
    shop.advance("9m");
    assert!(request.send(shop.address()).is_replayed());
    shop.advance("2m");
    assert!(!request.send(shop.address()).is_replayed());
    assert_eq!(shop.balance(&plain), 4700);
    shop.audit();
}
