//! `OR`: ordering.

use e2e::bodies::{with, without};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const CALL: &str = "/order";

fn b4(members: Value) -> Value {
    with(&Fixture::order(), members)
}

fn mobile(members: Value) -> Value {
    let verizon =
        json!({ "proxyType": "MOBILE", "mobileOperator": "verizon", "rotationTime": 300 });
    with(&b4(verizon), members)
}

fn ipv6(members: Value) -> Value {
    let body = json!({ "proxyType": "IPv6", "country": "DEU", "rentPeriodDays": 90 });
    with(&b4(body), members)
}

#[test]
fn refused() {
    let f = Fixture::new();
    let missing = |member: &str| without(&Fixture::order(), member);
    let mut rows = vec![
        ("OR-01", missing("proxyType"), 4),
        ("OR-01", b4(json!({ "proxyType": "IPv7" })), 4),
        ("OR-02", missing("country"), 6),
        ("OR-03", b4(json!({ "country": "GRL" })), 7),
        ("OR-04", missing("quantity"), 19),
        ("OR-06", b4(json!({ "quantity": 1001 })), 19),
        ("OR-06", b4(json!({ "quantity": 4_294_967_297_u64 })), 19),
        ("OR-07", b4(json!({ "country": "FRA", "quantity": 3 })), 35),
        ("OR-08", b4(json!({ "rentPeriodDays": 45 })), 11),
        ("OR-08", missing("rentPeriodDays"), 11),
        ("OR-09", missing("authType"), 10),
        ("OR-10", b4(json!({ "authType": "IP" })), 23),
        ("OR-13", missing("goal"), 14),
        ("OR-15", ipv6(json!({})), 13),
        ("OR-15", ipv6(json!({ "protocol": "FTP" })), 13),
        ("OR-17", without(&mobile(json!({})), "mobileOperator"), 8),
        ("OR-17", mobile(json!({ "mobileOperator": "nobody" })), 8),
        ("OR-17 of another country", mobile(json!({ "mobileOperator": "o2_uk" })), 8),
        ("OR-17", without(&mobile(json!({})), "rotationTime"), 9),
        ("OR-17", mobile(json!({ "rotationTime": 301 })), 9),
        ("OR-20", b4(json!({ "country": "XXX", "goal": "" })), 6),
        ("OR-20", b4(json!({ "authType": "IP", "rentPeriodDays": 1 })), 23),
        ("OR-20", b4(json!({ "goal": "", "quantity": 0 })), 14),
    ];
    for country in [json!(""), json!("US"), json!("XXX"), json!(840), json!(null)] {
        rows.push(("OR-02", b4(json!({ "country": country })), 6));
    }
    for quantity in [json!(0), json!(-1), json!(1.5), json!("abc"), json!(null), json!([1])] {
        rows.push(("OR-04", b4(json!({ "quantity": quantity })), 19));
    }
    for auth in [json!("BASIC"), json!(null), json!(true)] {
        rows.push(("OR-09", b4(json!({ "authType": auth })), 10));
    }
    for ip in [
        "abc",
        "999.1.1.1",
        "127.0.0.1",
        "10.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::1",
        "::ffff:127.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "fe80::1",
        "198.51.100.7/24",
    ] {
        rows.push(("OR-10, OR-11", b4(json!({ "authType": "IP", "authIp": ip })), 23));
    }
    for goal in ["".to_owned(), "   ".to_owned(), "x".repeat(201)] {
        rows.push(("OR-13", b4(json!({ "goal": goal })), 14));
    }
    f.errs(CALL, &rows);
    f.err("OR-19", &f.z, CALL, &Fixture::order(), 16);
    // The price is refused for the same reasons, where it looks at the same things.
    for (row, body, code) in rows {
        if ![10, 23, 13].contains(&code) && row != "OR-20" {
            f.err(&format!("price of {row}"), &f.a, "/calculate/order", &body, code);
        }
    }
}

#[test]
fn done() {
    let f = Fixture::new();
    let bought = |row: &str, body: &Value, price: i64| -> Value {
        let (paid, done) = f.done(row, CALL, body);
        assert_eq!(paid, price, "{row}: {body}");
        let kind = done["proxyType"].as_str().unwrap();
        let listed = f.shop.get(&f.a, &format!("/ipAddress?proxyType={kind}")).ok();
        let mut orders = listed[kind].as_array().unwrap().iter();
        let order = orders.find(|order| order["orderNumber"] == done["orderNumber"]).unwrap();
        order["ipAddresses"][0].clone()
    };
    for quantity in ["\"1\"", "1.0", "1", " 1e0"] {
        let quantity = format!(r#""quantity":{quantity}"#);
        let body = Fixture::order().to_string().replace(r#""quantity":1"#, &quantity);
        let request = e2e::http::Request::new("POST", &f.a.target(CALL)).body(body.as_bytes());
        request.send(f.shop.address()).ok();
    }
    let by_login = bought("OR-12", &b4(json!({ "authIp": "198.51.100.7" })), 131);
    assert!(by_login["authInfo"].get("ip").is_none(), "OR-12: {by_login}");
    assert!(by_login["authInfo"]["password"].is_string());
    let by_ip = bought("OR", &b4(json!({ "authType": "IP", "authIp": "198.51.100.7" })), 131);
    assert_eq!(by_ip["authInfo"]["ip"], "198.51.100.7");

    let goal = format!("\"<b>Grüße</b>\" & 'co' {}", "ü".repeat(178));
    assert_eq!(goal.chars().count(), 200);
    bought("OR-14", &b4(json!({ "goal": goal })), 131);
    let orders = f.shop.books().rows("customer_order").concat();
    assert!(orders.contains(&format!("{goal:?}")), "OR-14: stored as it was sent");
    bought("OR-16", &b4(json!({ "protocol": "FTP" })), 131);
    f.shop.promo("HALF --percent 50");
    let (paid, done) = f.done("OR-18", CALL, &b4(json!({ "promoCode": "NOPE" })));
    assert_eq!((paid, &done["promoCodeStatus"]), (131, &json!("NO_VALID")));
    let (paid, done) = f.done("OR-18", CALL, &b4(json!({ "promoCode": "half" })));
    assert_eq!((paid, &done["promoCodeStatus"]), (66, &json!("VALID")));
    let socks = bought("OR-15", &ipv6(json!({ "protocol": "SOCKS" })), 24);
    assert_eq!(socks["protocol"], "SOCKS");
    bought("OR-17", &mobile(json!({ "rotationTime": "300" })), 7200);

    let request = f.a.posting(CALL, &Fixture::order()).header("Idempotency-Key", "or-21");
    let before = f.shop.balance(&f.a);
    let (first, second) = (request.send(f.shop.address()), request.send(f.shop.address()));
    first.ok();
    assert_eq!(first.text(), second.text(), "OR-21");
    assert_eq!(before - f.shop.balance(&f.a), 131, "OR-21");
    f.shop.audit();
}
