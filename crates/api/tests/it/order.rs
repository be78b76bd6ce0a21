//! `POST /order` and `POST /calculate/order`: rows OR-01 to OR-21.

use serde_json::{Value, json};
use store::Store;

use crate::shop::{Shop, order_body, order_id};

const ABSENT: &str = "absent";

/// The base body with some members replaced, or left out where they are to be absent.
fn body(changes: &Value) -> String {
    let mut body = json!({
        "proxyType": "IPv4", "authType": "LOGIN", "goal": "Price monitoring", "country": "USA",
        "quantity": 1, "rentPeriodDays": 30
    });
    for (name, value) in changes.as_object().unwrap() {
        if value == ABSENT {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body.to_string()
}

/// Both the order and its price refuse it alike.
async fn both_refuse(shop: &Shop, changes: Value, code: u64) {
    let body = body(&changes);
    shop.refuses(&shop.ka, "order", &body, code).await;
    shop.refuses(&shop.ka, "calculate/order", &body, code).await;
}

/// Only the order refuses it: the price does not ask for credentials.
async fn order_refuses(shop: &Shop, changes: Value, code: u64) {
    let body = body(&changes);
    shop.refuses(&shop.ka, "order", &body, code).await;
    let priced = shop.call(&shop.ka, "calculate/order", &body).await;
    assert_eq!(priced.code(), None, "{priced:?}");
}

/// OR-01 to OR-03, OR-20.
#[tokio::test]
async fn type_and_country_must_be_known_and_offered() {
    let shop = Shop::open().await;
    for wrong in [json!(ABSENT), json!(null), json!("IPv5"), json!(4), json!("")] {
        both_refuse(&shop, json!({ "proxyType": wrong }), 4).await;
    }
    for wrong in [json!(ABSENT), json!(""), json!("US"), json!("XXX"), json!(840), json!(null)] {
        both_refuse(&shop, json!({ "country": wrong }), 6).await;
    }
    both_refuse(&shop, json!({ "country": "DEU" }), 7).await;
    both_refuse(&shop, json!({ "country": "XXX", "goal": "" }), 6).await;
    both_refuse(&shop, json!({ "proxyType": "x", "country": "XXX", "goal": "" }), 4).await;
}

/// OR-04 to OR-07.
#[tokio::test]
async fn a_quantity_must_be_a_number_within_the_terms_and_the_stock() {
    let shop = Shop::open().await;
    for wrong in [
        json!(ABSENT),
        json!(0),
        json!(-1),
        json!(1.5),
        json!("abc"),
        json!(null),
        json!(true),
        json!("01"),
        json!(1001),
        json!(4_294_967_297_u64),
    ] {
        both_refuse(&shop, json!({ "quantity": wrong }), 19).await;
    }
    both_refuse(&shop, json!({ "quantity": 1000 }), 35).await;
    for right in ["\"1\"", "1.0", "1e0"] {
        let body = body(&json!({})).replace("\"quantity\":1", &format!("\"quantity\":{right}"));
        assert!(body.contains(right));
        shop.call(&shop.ka, "order", &body).await.is_ok();
    }
}

/// OR-08, OR-13, OR-14.
#[tokio::test]
async fn period_and_goal_are_checked() {
    let shop = Shop::open().await;
    for wrong in [json!(45), json!(ABSENT), json!(null), json!("x")] {
        both_refuse(&shop, json!({ "rentPeriodDays": wrong }), 11).await;
    }
    let long = "x".repeat(201);
    for wrong in [json!(ABSENT), json!(""), json!("   "), json!(long), json!(7), json!("a\u{7}b")] {
        both_refuse(&shop, json!({ "goal": wrong }), 14).await;
    }
    let goal = format!("\"quoted\" <b>ü</b> {}", "y".repeat(182));
    assert_eq!(goal.chars().count(), 200);
    shop.call(&shop.ka, "order", &body(&json!({ "goal": goal }))).await.is_ok();
    let leases = shop.native(&shop.ka, "/api/v1/leases").await.json();
    let leases = leases["leases"].as_array().unwrap().clone();
    assert!(leases.iter().any(|lease| lease["goal"] == json!(goal)));
}

/// OR-09 to OR-12.
#[tokio::test]
async fn access_is_by_login_or_by_a_public_address() {
    let shop = Shop::open().await;
    for wrong in [json!(ABSENT), json!("BASIC"), json!(null), json!("login"), json!(1)] {
        order_refuses(&shop, json!({ "authType": wrong }), 10).await;
    }
    for wrong in [
        json!(ABSENT),
        json!("abc"),
        json!("999.1.1.1"),
        json!("127.0.0.1"),
        json!("10.0.0.1"),
        json!("0.0.0.0"),
        json!("255.255.255.255"),
        json!("::1"),
        json!("::ffff:127.0.0.1"),
        json!("203.0.113.9/32"),
    ] {
        order_refuses(&shop, json!({ "authType": "IP", "authIp": wrong }), 23).await;
    }
    let login = body(&json!({ "authIp": "127.0.0.1", "proxyType": "ISP" }));
    shop.call(&shop.ka, "order", &login).await.is_ok();
    let list = shop.look(&shop.ka, "ipAddress?proxyType=ISP").await.is_ok();
    let info = &list["ISP"][1]["ipAddresses"][0]["authInfo"];
    assert!(info["login"].is_string() && info["password"].is_string() && info.get("ip").is_none());

    let by_ip = body(&json!({ "authType": "IP", "authIp": "203.0.113.10", "proxyType": "ISP" }));
    shop.call(&shop.ka, "order", &by_ip).await.is_ok();
    let list = shop.look(&shop.ka, "ipAddress?proxyType=ISP").await.is_ok();
    let info = &list["ISP"][2]["ipAddresses"][0]["authInfo"];
    assert_eq!(*info, json!({ "login": null, "password": null, "ip": "203.0.113.10" }));
}

/// OR-15 to OR-17.
#[tokio::test]
async fn each_type_has_members_of_its_own() {
    let shop = Shop::open().await;
    for wrong in [json!(ABSENT), json!("FTP"), json!("http"), json!(null), json!(1)] {
        order_refuses(&shop, json!({ "proxyType": "IPv6", "protocol": wrong }), 13).await;
    }
    shop.call(&shop.ka, "order", &body(&json!({ "protocol": "FTP" }))).await.is_ok();
    let mobile = |operator: Value, rotation: Value| json!({ "proxyType": "MOBILE", "mobileOperator": operator, "rotationTime": rotation });
    for wrong in [json!(ABSENT), json!("nobody"), json!(null), json!(5), json!("Verizon")] {
        both_refuse(&shop, mobile(wrong, json!(300)), 8).await;
    }
    for wrong in [json!(ABSENT), json!(301), json!(null), json!("x"), json!(-300)] {
        both_refuse(&shop, mobile(json!("verizon"), wrong), 9).await;
    }
    for right in [json!(300), json!("300"), json!(0)] {
        shop.call(&shop.ka, "order", &body(&mobile(json!("verizon"), right))).await.is_ok();
    }
}

/// OR-18 and OR-19.
#[tokio::test]
async fn promo_codes_never_refuse_and_lacking_money_does() {
    let shop = Shop::open().await;
    let nope = shop.call(&shop.ka, "order", &body(&json!({ "promoCode": "NOPE" }))).await;
    assert_eq!(nope.is_ok()["promoCodeStatus"], "NO_VALID");
    assert_eq!(shop.balance(shop.ann), 10_000 - 131);
    shop.refuses(&shop.kz, "order", &body(&json!({})), 16).await;
    let priced = shop.call(&shop.kz, "calculate/order", &body(&json!({}))).await.is_ok();
    assert_eq!(priced["warnings"][0]["code"], 16);
}

/// The whole answer, and what was delivered.
#[tokio::test]
async fn an_order_is_delivered_at_once() {
    let shop = Shop::open().await;
    shop.promo("SPRING", |_| {});
    let with_promo = body(&json!({ "promoCode": "spring", "quantity": 2 }));
    let price = shop.call(&shop.ka, "calculate/order", &with_promo).await;
    assert_eq!(
        price.body,
        "{\"success\":true,\"proxyType\":\"IPv4\",\"balance\":100,\"price\":2.36,\
         \"currency\":\"USD\",\"discount\":10,\"promoCodeStatus\":\"VALID\",\"error\":null,\
         \"warnings\":null}"
    );
    let answer = shop.call(&shop.ka, "order", &with_promo).await;
    crate::forms::assert_common(&answer, 200);
    let json = answer.is_ok();
    let number = json["orderNumber"].as_str().unwrap();
    let digits = number.strip_prefix("NUMBER-").unwrap();
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(
        answer.body,
        format!(
            "{{\"success\":true,\"proxyType\":\"IPv4\",\"orderNumber\":\"{number}\",\
             \"balance\":97.64,\"currency\":\"USD\",\"error\":null,\"promoCodeStatus\":\"VALID\"}}"
        )
    );
    let list = shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.is_ok();
    let order = &list["IPv4"][1];
    assert_eq!(order["orderNumber"], number);
    assert_eq!(order["ipAddresses"].as_array().unwrap().len(), 2);
    let id = order["orderId"].as_str().unwrap();
    assert_eq!(shop.engine.public_ids().order_number(order_id(&shop, id)).to_string(), digits);
}

/// OR-21, and what else a key does.
#[tokio::test]
async fn the_same_idempotency_key_is_one_order() {
    let shop = Shop::open().await;
    let key = "idempotency-key: purchase 4711\r\n";
    let first = shop.call_with(&shop.ka, "order", key, &body(&json!({}))).await;
    let second = shop.call_with(&shop.ka, "order", key, &body(&json!({}))).await;
    // The same members in another order are the same request.
    let reordered = r#"{"rentPeriodDays": 30, "quantity": 1, "country": "USA",
        "goal": "Price monitoring", "authType": "LOGIN", "proxyType": "IPv4"}"#;
    let third = shop.call_with(&shop.ka, "order", key, reordered).await;
    first.is_ok();
    assert_eq!((&second.body, &third.body), (&first.body, &first.body));
    assert_eq!([&first, &second, &third].map(|answer| answer.is_replayed()), [false, true, true]);
    assert_eq!(shop.balance(shop.ann), 10_000 - 131);

    let other = body(&json!({ "quantity": 2 }));
    shop.refuses_with(&shop.ka, "order", key, &other, 35).await;
    let extend = json!({ "proxyType": "IPv4", "ipAddressIds": [shop.a4()], "rentPeriodDays": 30 });
    shop.refuses_with(&shop.ka, "extend", key, &extend.to_string(), 35).await;
    let bob = shop.call_with(&shop.kb, "order", key, &body(&json!({}))).await;
    assert!(!bob.is_replayed());
    bob.is_ok();
    assert_eq!(shop.balance(shop.bob), 5_000 - 131);
    let without = shop.call(&shop.ka, "order", &body(&json!({}))).await;
    assert_ne!(without.is_ok()["orderNumber"], first.json()["orderNumber"]);
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused_before_anything() {
    let shop = Shop::open().await;
    let long = format!("idempotency-key: {}\r\n", "x".repeat(256));
    let twice = "idempotency-key: a\r\nidempotency-key: a\r\n";
    for header in ["idempotency-key: \r\n", "idempotency-key: \u{fc}\r\n", &long, twice] {
        shop.refuses_with(&shop.ka, "order", header, &body(&json!({ "proxyType": "x" })), 35).await;
    }
    // Where nothing is spent, the header means nothing.
    let price = shop.call_with(&shop.ka, "calculate/order", &long, &body(&json!({}))).await;
    price.is_ok();
}

#[tokio::test]
async fn a_refusal_for_lack_of_money_is_remembered_and_one_for_its_form_is_not() {
    let shop = Shop::open().await;
    let (key, _) = shop.newcomer(0).await;
    let header = "idempotency-key: k\r\n";
    let bad = body(&json!({ "goal": "" }));
    assert_eq!(shop.call_with(&key, "order", header, &bad).await.code(), Some(14));
    let poor = shop.call_with(&key, "order", header, &body(&json!({}))).await;
    assert_eq!((poor.code(), poor.is_replayed()), (Some(16), false));
    let again = shop.call_with(&key, "order", header, &body(&json!({}))).await;
    assert_eq!((again.code(), again.is_replayed(), again.body), (Some(16), true, poor.body));
}

/// A key that takes repetitions for what they are.
#[tokio::test]
async fn a_repeat_window_catches_identical_orders() {
    let shop = Shop::open().await;
    let key = shop.new_key(&|new| new.repeat_window = domain::time::Span::from_minutes(10));
    let first = shop.call(&key, "order", &order_body("IPv4", 1)).await;
    let second = shop.call(&key, "order", &order_body("IPv4", 1)).await;
    assert_eq!((first.is_replayed(), second.is_replayed()), (false, true));
    assert_eq!(first.body, second.body);
    shop.clock.advance(domain::time::Span::from_minutes(11));
    assert!(!shop.call(&key, "order", &order_body("IPv4", 1)).await.is_replayed());
    assert_eq!(shop.balance(shop.ann), 10_000 - 2 * 131);
}

#[tokio::test]
async fn while_sales_are_locked_nothing_is_ordered() {
    let shop = Shop::open().await;
    shop.store.set_sales_locked(true).unwrap();
    both_refuse(&shop, json!({}), 35).await;
}

/// Where one number stands for many reasons, a header tells which it is, in the native API's words.
#[tokio::test]
async fn the_true_reason_of_a_refusal_is_in_a_header() {
    let shop = Shop::open().await;
    let base = body(&json!({}));
    for (key, call, body, code, reason) in [
        (&shop.ka, "order", body(&json!({ "quantity": 900 })), 35, "out-of-stock"),
        (&shop.kro, "order", base.clone(), 35, "key-read-only"),
        (&shop.ks, "order", base.clone(), 35, "suspended"),
        (&shop.ka, "order", "[".into(), 35, "bad-request"),
        (&shop.ka, "calculate/order", body(&json!({ "proxyType": "x" })), 4, "unknown-kind"),
        (&shop.krev, "order", base, 2, "access-denied"),
    ] {
        let answer = shop.call(key, call, &body).await;
        assert_eq!((answer.code(), answer.header("x-sublet-reason")), (Some(code), Some(reason)));
    }
    let done = shop.call(&shop.ka, "order", &body(&json!({}))).await;
    done.is_ok();
    assert_eq!(done.header("x-sublet-reason"), None);
}
