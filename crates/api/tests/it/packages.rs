//! Packages: ordered by the native API, and seen by all.

use serde_json::{Value, json};

use crate::client::{Answer, post};
use crate::shop::Shop;

async fn order(shop: &Shop, key: &str, headers: &str, body: &Value) -> Answer {
    let headers = format!("authorization: Bearer {key}\r\n{headers}");
    shop.raw(post("/api/v1/orders", &headers, &body.to_string())).await
}

fn america(quantity: u32) -> Value {
    json!({ "kind": "IPv4", "package": "america-2", "quantity": quantity, "period_days": 30 })
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json()["type"], format!("urn:sublet:problem:{name}"), "{answer:?}");
}

#[tokio::test]
async fn packages_are_listed_with_their_prices() {
    let shop = Shop::open().await;
    let answer = shop.native(&shop.ka, "/api/v1/packages").await.json();
    let price = |days: u32, unit: &str| json!({ "period_days": days, "unit_price": unit, "discount_percent": "0" });
    let america = json!({
        "package": "america-2", "name": "America", "number": 7, "kind": "IPv4",
        "countries": ["USA", "CAN"], "quantities": [2, 4],
        "prices": [price(30, "1.80"), price(60, "3.60"), price(360, "21.60")]
    });
    let states = json!({
        "package": "states-isp", "name": "The States", "number": 3, "kind": "ISP",
        "countries": ["USA"], "quantities": [5], "prices": [price(30, "2.70"), price(60, "5.40")]
    });
    assert_eq!(answer, json!({ "packages": [america, states], "currency": "USD" }));
}

/// A package is ordered once; its leases are in the list of their kind for everybody.
#[tokio::test]
async fn a_package_is_ordered_and_shown_as_its_kind() {
    let shop = Shop::open().await;
    shop.stock_canada();
    let header = "idempotency-key: america\r\n";
    let answer = order(&shop, &shop.ka, header, &america(4)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["total"], &json["balance"]), (&json!("7.20"), &json!("92.80")));
    let again = order(&shop, &shop.ka, header, &america(4)).await;
    assert!(again.is_replayed());
    assert_eq!(again.body, answer.body);

    let leases = shop.native(&shop.ka, "/api/v1/leases?kind=IPv4").await.json();
    let leases: Vec<&Value> = leases["leases"].as_array().unwrap().iter().collect();
    let mine: Vec<&Value> =
        leases.iter().copied().filter(|it| it["order_id"] == json["order_id"]).collect();
    let mut countries: Vec<&str> = mine.iter().map(|it| it["country"].as_str().unwrap()).collect();
    countries.sort_unstable();
    assert_eq!(countries, ["CAN", "CAN", "USA", "USA"]);
    assert!(mine.iter().all(|it| it["package"] == "america-2" && it["kind"] == "IPv4"));
    assert_eq!(leases.iter().filter(|it| it["package"].is_null()).count(), leases.len() - 4);

    let list = shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.json();
    let orders = list["IPv4"].as_array().unwrap();
    let shown = orders.iter().find(|it| it["orderId"] == json["order_id"]).unwrap();
    assert_eq!(shown["ipAddresses"].as_array().unwrap().len(), 4);

    let receipt = format!("/api/v1/receipts/{}", json["receipt_id"].as_str().unwrap());
    let receipt = shop.native(&shop.ka, &receipt).await.json();
    let lines: Vec<(&Value, &Value)> = receipt["quote"]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (&line["product"], &line["quantity"]))
        .collect();
    let expected =
        [(json!("IPv4/CAN+america-2"), json!(2)), (json!("IPv4/USA+america-2"), json!(2))];
    for (product, quantity) in &expected {
        assert!(lines.contains(&(product, quantity)), "{lines:?}");
    }
    assert_eq!(receipt["leases"], json["leases"]);
}

/// Like IPv6, and with what is missing where there is a place for it.
#[tokio::test]
async fn a_package_is_extended_whole() {
    let shop = Shop::open().await;
    let bought = order(&shop, &shop.ka, "", &america(4)).await.json();
    let ids: Vec<&str> = bought["leases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lease| lease["id"].as_str().unwrap())
        .collect();
    let before = shop.digest();
    let part = json!({ "ids": [ids[1], shop.a4()], "period_days": 30 }).to_string();
    let refused = shop.native_extend(&shop.ka, "", &part).await;
    is_problem(&refused, 422, "whole-order-only");
    assert_eq!(refused.json()["missing_leases"], json!([ids[0], ids[2], ids[3]]));
    let by_address = |ids: &[&str]| {
        json!({
            "proxyType": "IPv4", "ipAddressIds": ids, "rentPeriodDays": 30, "autoExtend": true
        })
    };
    for call in ["calculate/extend", "extend", "extend/auto"] {
        shop.refuses(&shop.ka, call, &by_address(&ids[..2]).to_string(), 28).await;
    }
    assert!(shop.digest() == before);

    let all = by_address(&ids).to_string();
    shop.call(&shop.ka, "extend/auto", &all).await.is_ok();
    let priced = shop.call(&shop.ka, "calculate/extend", &all).await.json();
    assert_eq!(priced["price"], json!(7.2));
    let by_order = json!({
        "proxyType": "IPv4", "orderIds": [bought["order_id"]], "rentPeriodDays": 30
    });
    let extended = shop.call(&shop.ka, "extend/order", &by_order.to_string()).await.json();
    assert_eq!((&extended["success"], &extended["quantity"]), (&json!(true), &json!(4)));
    let native = json!({ "ids": ids, "period_days": 30 }).to_string();
    let extended = shop.native_extend(&shop.ka, "", &native).await.json();
    assert_eq!(extended["total"], "7.20");
}

#[tokio::test]
async fn what_cannot_be_ordered_has_a_name_and_changes_nothing() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let changed = |name: &str, value: Value| {
        let mut body = america(2);
        body[name] = value;
        body
    };
    for (body, status, name) in [
        (changed("package", json!("south")), 422, "unknown-package"),
        (changed("kind", json!("ISP")), 422, "unknown-package"),
        (changed("kind", json!("IPv5")), 422, "unknown-kind"),
        (changed("quantity", json!(3)), 422, "bad-quantity"),
        (changed("period_days", json!(31)), 422, "period-not-on-sale"),
        (changed("source_ip", json!("10.0.0.1")), 422, "bad-source-ip"),
        (changed("source_ip", json!("x")), 422, "bad-source-ip"),
        (changed("card_id", json!("x")), 422, "no-card"),
        (changed("promo_code", json!("NOPE")), 422, "promo-not-applicable"),
        (
            json!({ "kind": "IPv4", "quantity": 1, "period_days": 30, "goal": "x" }),
            422,
            "unknown-country",
        ),
        (
            json!({ "kind": "IPv4", "country": "CAN", "quantity": 2, "period_days": 30, "goal": "x" }),
            409,
            "out-of-stock",
        ),
    ] {
        is_problem(&order(&shop, &shop.ka, "", &body).await, status, name);
    }
    assert!(shop.digest() == before);
    let (poor, _) = shop.newcomer(0).await;
    let before = shop.digest();
    is_problem(&order(&shop, &poor, "", &america(2)).await, 402, "insufficient-funds");
    for body in [
        changed("country", json!("USA")),
        json!([]),
        changed("quantity", json!(-1)),
        changed("promocode", json!("SPRING")),
    ] {
        assert_eq!(order(&shop, &shop.ka, "", &body).await.status, 400, "{body}");
    }
    assert_eq!(order(&shop, &shop.kro, "", &america(2)).await.status, 403);
    assert_eq!(order(&shop, "wrong", "", &america(2)).await.status, 401);
    assert_eq!(shop.native(&shop.ka, "/api/v1/orders").await.status, 405);
    assert!(shop.digest() == before);
}

/// Any kind can be ordered, with a login or for a source address.
#[tokio::test]
async fn other_proxies_are_ordered_the_same_way() {
    let shop = Shop::open().await;
    let mobile = json!({
        "kind": "mobile", "country": "USA", "operator": "verizon", "rotation_seconds": 300,
        "quantity": 1, "period_days": 30, "goal": "tests", "source_ip": "203.0.113.9"
    });
    let bought = order(&shop, &shop.ka, "", &mobile).await.json();
    assert_eq!(bought["total"], "12.00");
    let leases = shop.native(&shop.ka, "/api/v1/leases?kind=MOBILE").await.json();
    let leases = leases["leases"].as_array().unwrap();
    let mine = leases.iter().find(|it| it["order_id"] == bought["order_id"]).unwrap();
    assert_eq!(mine["access"], json!({ "source_ip": "203.0.113.9" }));
    assert_eq!(mine["package"], Value::Null);
}
