//! The Proxy-Seller API from outside, in both versions: what is quoted is charged, what was
//! answered stays answered after a kill, and the books are right in the end.

use e2e::customer::Customer;
use e2e::http::{Answer, Request, cents};
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
const VERSIONS: [&str; 2] = ["v1", "v2"];

fn open() -> Shop {
    let mut setup = Setup::new(BINARY)
        .stock("--kind IPv4 --country USA --cidr 10.1.0.0/24")
        .stock("--kind ISP --country USA --cidr 10.2.0.0/24")
        .stock("--kind IPv6 --country DEU --cidr 2001:db8:9::/64")
        .stock("--kind MOBILE --country USA --operator verizon --cidr 10.4.0.0/28");
    for (at, country) in ["DEU", "GBR", "FRA", "NLD", "POL"].iter().enumerate() {
        setup = setup.stock(&format!("--kind IPv4 --country {country} --cidr 10.5.{at}.0/28"));
    }
    setup.open()
}

fn call(shop: &Shop, customer: &Customer, version: &str, call: &str, body: &Value) -> Answer {
    keyed(shop, customer, version, call, body, "")
}

fn keyed(
    shop: &Shop,
    customer: &Customer,
    version: &str,
    call: &str,
    body: &Value,
    key: &str,
) -> Answer {
    let request = Request::post(&format!("/personal/api/{version}/{}/{call}", customer.key), body);
    let request = if key.is_empty() { request } else { request.header("Idempotency-Key", key) };
    request.send(shop.address())
}

fn look(shop: &Shop, customer: &Customer, version: &str, call: &str) -> Value {
    let path = format!("/personal/api/{version}/{}/{call}", customer.key);
    ok(&Request::get(&path).send(shop.address()))
}

#[track_caller]
fn ok(answer: &Answer) -> Value {
    let json = answer.json();
    assert_eq!((answer.status, &json["status"]), (200, &json!("success")), "{}", answer.text());
    assert_eq!(json["errors"], json!([]));
    json["data"].clone()
}

/// What is ordered in each section, how v1 names it, and how v2 does.
fn orders() -> Vec<(&'static str, Value, Value)> {
    let row = |section: &'static str, v1: Value, v2: Value, quantity: u32, period: &str| {
        let add = |mut body: Value| {
            body["quantity"] = quantity.into();
            body["periodId"] = period.into();
            body["customTargetName"] = "prices".into();
            body
        };
        let mut v2 = v2;
        v2["sectionCode"] = section.into();
        v2["paymentId"] = "balance".into();
        (section, add(v1), add(v2))
    };
    let usa = || json!({ "countryId": "USA" });
    vec![
        row("ipv4", json!({ "countryId": 1840 }), usa(), 10, "1m"),
        row("isp", json!({ "countryId": 4840 }), usa(), 3, "2m"),
        row(
            "ipv6",
            json!({ "countryId": 2276, "protocol": "SOCKS5" }),
            json!({ "countryCode": "DEU" }),
            5,
            "3m",
        ),
        row(
            "mobile",
            json!({ "countryId": 3840, "operatorId": "verizon", "rotationId": 5 }),
            json!({ "countryId": "USA", "operatorId": "verizon", "rotationId": 0 }),
            1,
            "1m",
        ),
        row("mix", json!({ "countryId": 50_001 }), json!({ "mixCode": "europe-5" }), 10, "1m"),
    ]
}

#[test]
fn everything_is_bought_prolonged_and_right_in_the_books() {
    let mut shop = open();
    let customer = shop.customer("Ann", "5000.00");
    let mut balance = 500_000;
    let mut told = Vec::new();
    for version in VERSIONS {
        for (section, v1, v2) in orders() {
            let body = if version == "v1" { v1 } else { v2 };
            let quote = ok(&call(&shop, &customer, version, "order/calc", &body));
            assert_eq!((cents(&quote["balance"]), &quote["warning"]), (balance, &json!("")));
            let key = format!("{version}-{section}");
            let made = keyed(&shop, &customer, version, "order/make", &body, &key);
            let data = ok(&made);
            balance -= cents(&quote["total"]);
            assert_eq!(data["total"], quote["total"], "{section}");
            assert_eq!(cents(&data["balance"]), balance, "{section}");

            // The whole order, by its number.
            let order = &data["listBaseOrderNumbers"][0];
            let ids: Value = if ["ipv4", "isp", "mobile"].contains(&section) {
                let listed = shop.addresses(&customer, kind(section));
                let from =
                    listed.len() - usize::try_from(body["quantity"].as_u64().unwrap()).unwrap();
                let ids = listed[from..].iter().map(|it| it["ipAddressId"].clone());
                json!({ "ids": ids.collect::<Vec<_>>(), "periodId": body["periodId"] })
            } else {
                json!({ "orderIds": [order], "periodId": body["periodId"] })
            };
            let path = format!("prolong/calc/{section}");
            let quote = ok(&call(&shop, &customer, "v2", &path, &ids));
            assert_eq!(quote["quantity"], body["quantity"], "{section}");
            let path = format!("prolong/make/{section}");
            let data = ok(&keyed(&shop, &customer, "v2", &path, &ids, &format!("p-{key}")));
            balance -= cents(&quote["total"]);
            assert_eq!((&data["total"], cents(&data["balance"])), (&quote["total"], balance));
            assert_eq!(digits(&data["listBaseOrderNumbers"][0]), digits(order));
            told.push((version, body, key, made));
        }
    }
    shop.audit();
    shop.kill9();
    shop.reopen();
    for (version, body, key, made) in &told {
        let again = keyed(&shop, &customer, version, "order/make", body, key);
        assert!(again.is_replayed(), "{}", again.text());
        assert_eq!(again.json(), made.json());
    }
    assert_eq!(cents(&look(&shop, &customer, "v1", "balance/get")["summ"]), balance);
    shop.audit();
    assert!(!shop.logged().contains(&customer.key), "a key is in the log");
}

/// What the numbers of an order have in common in both versions.
fn digits(number: &Value) -> &str {
    let number = number.as_str().expect("the number of an order is a text");
    number.trim_start_matches("NS_").split(['_', '-']).next().expect("a text has a beginning")
}

fn kind(section: &str) -> &'static str {
    match section {
        "ipv4" => "IPv4",
        "isp" => "ISP",
        _ => "MOBILE",
    }
}

#[test]
fn what_belongs_to_an_order_is_changed_and_renewed() {
    let shop = open();
    let customer = shop.customer("Ann", "100.00");
    for version in VERSIONS {
        let (_, v1, v2) = orders().swap_remove(0);
        let body = if version == "v1" { v1 } else { v2 };
        let made = ok(&call(&shop, &customer, version, "order/make", &body));
        let number = made["listBaseOrderNumbers"][0].clone();
        let body = json!({ "orderNumber": number, "generateAuth": "Y" });
        let pair = ok(&call(&shop, &customer, version, "auth/add", &body));
        let body = json!({ "id": pair["id"], "active": false });
        let off = ok(&call(&shop, &customer, version, "auth/change", &body));
        assert_eq!(off["active"], json!(false));
        let all = look(&shop, &customer, version, "auth/list");
        let known = all.as_array().unwrap().iter().filter(|it| it["orderNumber"] == number);
        assert_eq!(known.count(), 2);

        let listed = shop.addresses(&customer, "IPv4");
        let last = listed.last().unwrap();
        let body = json!({ "ids": last["ipAddressId"], "type": "LOW_SPEED" });
        let replaced = ok(&call(&shop, &customer, version, "proxy/replace", &body));
        assert_eq!(replaced["ok"]["ips"], json!([last["ipAddressIp"]]));
        let listed = shop.addresses(&customer, "IPv4");
        let now = listed.iter().find(|it| it["ipAddressId"] == last["ipAddressId"]).unwrap();
        assert_ne!(now["ipAddressIp"], last["ipAddressIp"]);
    }
    let listed = shop.addresses(&customer, "IPv4");
    let ids: Vec<&Value> = listed.iter().map(|it| &it["ipAddressId"]).collect();
    let body = json!({ "ids": ids, "periodId": "1m", "paymentId": "balance" });
    let on = ok(&call(&shop, &customer, "v2", "autoprolong/enable/ipv4", &body));
    assert_eq!(on["quantity"], json!(20));
    let quoted = ok(&call(&shop, &customer, "v2", "autoprolong/calc/ipv4", &body));
    let before = shop.balance(&customer);
    shop.advance("31d");
    assert_eq!(shop.addresses(&customer, "IPv4").len(), 20);
    // Renewals of two orders may be rounded apart.
    let charged = before - shop.balance(&customer);
    assert!((charged - cents(&quoted["total"])).abs() <= 100, "{charged} {quoted}");
    shop.audit();
}
