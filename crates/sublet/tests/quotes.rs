//! The quote is the charge: random carts, priced and bought at once, to the last cent.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, id, order_id};
use e2e::http::cents;
use e2e::random::Random;
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// How many carts are priced. More is asked for by `SUBLET_CARTS`.
fn carts() -> usize {
    std::env::var("SUBLET_CARTS").map_or(400, |carts| carts.parse().unwrap())
}

fn one<T: Clone>(chance: &mut Random, of: &[T]) -> T {
    of[chance.below(of.len())].clone()
}

fn open() -> Shop {
    let shop = Setup::new(BINARY)
        .stock("--kind IPv4 --country USA --cidr 10.1.0.0/18")
        .stock("--kind IPv4 --country BRA --cidr 10.2.0.0/18")
        .stock("--kind ISP --country DEU --cidr 10.3.0.0/18")
        .stock("--kind IPv6 --country JPN --cidr 2001:db8:9::/64")
        .stock("--kind MOBILE --country GBR --operator ee_uk --cidr 10.4.0.0/22")
        .open();
    shop.promo("SEVEN --percent 7");
    shop.promo("TENTH --percent 0.1 --per-customer 20");
    shop.promo("THIRD --percent 33.33 --max-uses 15 --for extension");
    shop.promo("MINE --percent 50 --kinds ISP,MOBILE");
    shop
}

fn random_order(chance: &mut Random) -> (Value, &'static str) {
    let (kind, country, periods, most, members) = one(
        chance,
        &[
            ("IPv4", "USA", [30, 60, 90, 180, 360], 130, json!({})),
            ("IPv4", "BRA", [30, 60, 90, 180, 360], 130, json!({})),
            ("ISP", "DEU", [30, 60, 90, 180, 360], 130, json!({})),
            ("IPv6", "JPN", [90, 90, 180, 180, 360], 120, json!({ "protocol": "HTTP" })),
            (
                "MOBILE",
                "GBR",
                [30, 30, 30, 360, 360],
                25,
                json!({ "mobileOperator": "ee_uk", "rotationTime": 900 }),
            ),
        ],
    );
    let most = one(chance, &[2, 12, most]);
    let quantity = u32::try_from(1 + chance.below(most)).unwrap();
    let days = one(chance, &periods);
    (with(&order(kind, country, quantity, days), members), "/order")
}

fn random_extension(chance: &mut Random, had: &[Vec<Value>]) -> (Value, &'static str) {
    let leases = &had[chance.below(had.len())];
    let kind = leases[0]["proxyType"].as_str().unwrap().to_owned();
    let days = one(chance, &[90, 180, 360, 30]);
    let days = if kind == "MOBILE" && days != 360 { 30 } else { days };
    let days = if kind == "IPv6" { days.max(90) } else { days };
    if kind == "IPv6" || chance.coin() {
        return (extend_order(&kind, &[order_id(&leases[0])], days), "/extend/order");
    }
    let some: Vec<String> = leases.iter().filter(|_| chance.coin()).map(id).collect();
    let some = if some.is_empty() { vec![id(&leases[0])] } else { some };
    (extend(&kind, &some, days), "/extend")
}

#[test]
fn what_is_quoted_is_charged_to_the_cent() {
    let shop = open();
    let rich = shop.customer("Rich", "5000000.00");
    let euros = shop.run(&["customer", "create", "--name", "Euro", "--currency", "EUR"]);
    let euros = euros[0]["customer_id"].as_i64().unwrap();
    shop.deposit(euros, "5000000.00");
    let euros = Customer { id: euros, key: shop.key(euros, "") };
    let poor = shop.customer("Poor", "150.00");
    let customers = [rich, euros, poor];
    let mut had: Vec<Vec<Vec<Value>>> = vec![vec![]; 3];
    let mut chance = Random::new(8);
    let (mut bought, mut refused) = (0, 0);
    for cart in 0..carts() {
        let who = chance.below(3);
        let (customer, had) = (&customers[who], &mut had[who]);
        let extends = !had.is_empty() && chance.below(3) == 0;
        let (body, call) =
            if extends { random_extension(&mut chance, had) } else { random_order(&mut chance) };
        let code = one(
            &mut chance,
            &[
                json!(null),
                json!("seven"),
                json!("TENTH"),
                json!("THIRD"),
                json!("MINE"),
                json!("NONE"),
            ],
        );
        let body = with(&body, json!({ "promoCode": code }));
        let before = shop.balance(customer);
        let quote = shop.post(customer, &format!("/calculate{call}"), &body);
        let done = shop.post(customer, call, &body);
        let after = shop.balance(customer);
        let (quoted, answered) = (quote.json(), done.json());
        let context = || format!("cart {cart}: {body}\n{quoted}\n{answered}");
        if quote.code() != 0 {
            // What cannot be priced cannot be bought, for the same reason.
            assert_eq!((done.code(), after), (quote.code(), before), "{}", context());
            refused += 1;
            continue;
        }
        let warned = quoted["warnings"][0]["code"].as_i64().unwrap_or(0);
        assert_eq!(done.code(), warned, "{}", context());
        if warned != 0 {
            assert_eq!(after, before, "{}", context());
            assert!(cents(&quoted["price"]) > before, "{}", context());
            refused += 1;
            continue;
        }
        bought += 1;
        assert_eq!(before - after, cents(&quoted["price"]), "{}", context());
        assert_eq!(cents(&answered["balance"]), after, "{}", context());
        assert_eq!(answered["promoCodeStatus"], quoted["promoCodeStatus"], "{}", context());
        let words = ["events", "list", "--customer", &customer.id.to_string()];
        if cart % 10 == 0 {
            let receipt = shop.run(&words).pop().unwrap();
            assert_eq!(cents(&receipt["amount"]), after - before, "{}", context());
            let share: serde_json::Number =
                receipt["quote"]["discount_percent"].as_str().unwrap().parse().unwrap();
            assert_eq!(quoted["discount"].as_f64(), share.as_f64(), "{}", context());
        }
        if call == "/order" {
            let number = &answered["orderNumber"];
            let kind = body["proxyType"].as_str().unwrap();
            let listed = shop.get(customer, &format!("/ipAddress?proxyType={kind}")).ok();
            let order = listed[kind].as_array().unwrap().iter();
            let order = order.rev().find(|order| order["orderNumber"] == *number).unwrap();
            had.push(order["ipAddresses"].as_array().unwrap().clone());
        }
    }
    assert!(bought > carts() / 3 && refused > carts() / 20, "{bought} bought, {refused} refused");
    shop.audit();
}

#[test]
fn a_price_that_changes_in_between_is_charged_as_it_is_at_the_commit() {
    let shop = open();
    let ann = shop.customer("Ann", "100.00");
    let body = order("IPv4", "USA", 1, 30);
    let quote = shop.post(&ann, "/calculate/order", &body).ok();
    assert_eq!(cents(&quote["price"]), 131);
    shop.apply_catalogue(
        &e2e::shop::SAMPLE.replace(
            r#"per_period.USD = { "30" = "1.31" }"#,
            r#"per_period.USD = { "30" = "1.45" }"#,
        ),
    );
    let done = shop.post(&ann, "/order", &body).ok();
    assert_eq!(cents(&done["balance"]), 10_000 - 145);
    let receipt = shop.run(&["events", "list"]).pop().unwrap();
    assert_eq!((&receipt["event"], cents(&receipt["amount"])), (&json!("order"), -145));
    assert_eq!(cents(&shop.post(&ann, "/calculate/order", &body).ok()["price"]), 145);
    shop.audit();
}
