//! `POST /calculate/extend` and `POST /calculate/extend/order`: rows CA-01 to CA-15.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::shop::Shop;

fn body(ids: &Value) -> String {
    json!({ "proxyType": "IPv4", "IpAddressIds": ids, "rentPeriodDays": 30 }).to_string()
}

async fn priced(shop: &Shop, key: &str, body: &str) -> Answer {
    let before = shop.digest();
    let answer = shop.call(key, "calculate/extend", body).await;
    answer.is_ok();
    assert!(shop.digest() == before, "a price changed something: {body}");
    answer
}

/// CA-01 to CA-03.
#[tokio::test]
async fn both_spellings_are_read_and_the_usual_one_wins() {
    let shop = Shop::open().await;
    let one = json!([shop.a4()]);
    let expected = "{\"success\":true,\"proxyType\":\"IPv4\",\"balance\":100,\"price\":1.31,\
        \"currency\":\"USD\",\"discount\":0,\"promoCodeStatus\":null,\"error\":null,\
        \"warnings\":null}";
    assert_eq!(priced(&shop, &shop.ka, &body(&one)).await.body, expected);
    let usual = body(&one).replace("IpAddressIds", "ipAddressIds");
    assert_eq!(priced(&shop, &shop.ka, &usual).await.body, expected);
    let both = json!({
        "proxyType": "IPv4", "ipAddressIds": [shop.a4()],
        "IpAddressIds": [shop.a4(), shop.a4b()], "rentPeriodDays": 30
    });
    assert_eq!(priced(&shop, &shop.ka, &both.to_string()).await.body, expected);
    let six = json!({
        "proxyType": "IPv6", "IpAddressIds": shop.o6.leases.join(","), "rentPeriodDays": 30
    });
    assert_eq!(priced(&shop, &shop.ka, &six.to_string()).await.json()["price"], json!(0.9));
}

/// CA-04, CA-08, CA-11, CA-12.
#[tokio::test]
async fn what_could_not_be_extended_has_no_price() {
    let shop = Shop::open().await;
    let price = "calculate/extend";
    let six = json!({
        "proxyType": "IPv6", "IpAddressIds": &shop.o6.leases[..2], "rentPeriodDays": 30
    });
    shop.refuses(&shop.ka, price, &six.to_string(), 28).await;
    for bad in [json!([]), json!([shop.ob.lease()]), json!([shop.a4(), shop.ob.lease()])] {
        shop.refuses(&shop.ka, price, &body(&bad), 24).await;
    }
    let days = body(&json!([shop.a4()])).replace("30", "45");
    shop.refuses(&shop.ka, price, &days, 11).await;
    let kind = body(&json!([shop.a4()])).replace("\"IPv4\"", "\"MOBILE\"");
    shop.refuses(&shop.ka, price, &kind, 24).await;
    let orders = json!({ "proxyType": "IPv4", "orderIds": [shop.ob.order], "rentPeriodDays": 30 });
    shop.refuses(&shop.ka, "calculate/extend/order", &orders.to_string(), 29).await;
    shop.refuses(&shop.ka, price, &orders.to_string(), 29).await;
}

/// CA-05 to CA-07, to the cent.
#[tokio::test]
async fn a_price_above_the_balance_is_a_warning() {
    let shop = Shop::open().await;
    let warned = json!([{ "code": 16, "message": "Insufficient funds on balance" }]);
    let zoe = priced(&shop, &shop.kz, &body(&json!([shop.oz.lease()]))).await.json();
    assert_eq!(zoe["price"], json!(1.31));
    assert_eq!((&zoe["balance"], &zoe["warnings"]), (&json!(0), &warned));
    for (balance, expected) in [(132, json!(null)), (131, json!(null)), (130, warned)] {
        let (key, lease) = shop.newcomer(balance).await;
        let answer = priced(&shop, &key, &body(&json!([lease]))).await.json();
        assert_eq!((&answer["price"], &answer["warnings"]), (&json!(1.31), &expected), "{balance}");
    }
}

/// CA-09 and CA-10.
#[tokio::test]
async fn asking_uses_no_promo_code_up() {
    let shop = Shop::open().await;
    shop.promo("LAST", |new| new.max_uses = Some(1));
    let with = |code: &str| {
        json!({
            "proxyType": "IPv4", "ipAddressIds": [shop.a4()], "rentPeriodDays": 30, "promoCode": code
        })
        .to_string()
    };
    let nope = priced(&shop, &shop.ka, &with("NOPE")).await.json();
    assert_eq!((&nope["price"], &nope["promoCodeStatus"]), (&json!(1.31), &json!("NO_VALID")));
    for _ in 0..100 {
        let last = priced(&shop, &shop.ka, &with("LAST")).await.json();
        assert_eq!((&last["discount"], &last["promoCodeStatus"]), (&json!(10), &json!("VALID")));
    }
    let extended = shop.call(&shop.ka, "extend", &with("last")).await.is_ok();
    assert_eq!(extended["promoCodeStatus"], "VALID");
    let used_up = priced(&shop, &shop.ka, &with("LAST")).await.json();
    assert_eq!(
        (&used_up["price"], &used_up["promoCodeStatus"]),
        (&json!(1.31), &json!("NO_VALID"))
    );
}

/// CA-13 and CA-14.
#[tokio::test]
async fn the_quote_is_the_charge_by_orders_too() {
    let shop = Shop::open().await;
    let by_orders =
        json!({ "proxyType": "IPv4", "orderIds": [shop.o4.number], "rentPeriodDays": 60 })
            .to_string();
    let answer = priced(&shop, &shop.ka, &by_orders).await.json();
    assert_eq!(answer["price"], json!(6));
    let same = shop.call(&shop.ka, "calculate/extend/order", &by_orders).await.json();
    assert_eq!(same, answer);
    shop.call(&shop.ka, "extend", &by_orders).await.is_ok();
    assert_eq!(shop.balance(shop.ann), 10_000 - 600);
}

/// CA-15: on one connection, as clients do.
#[tokio::test]
async fn a_thousand_quotes_change_nothing() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let mut client = shop.connect().await;
    let path = format!("/client/api/v1/{}/calculate/extend", shop.ka);
    for count in 0..1000 {
        let ids = json!([shop.a4(), shop.a4b()][..=count % 2]);
        client.send(crate::client::post(&path, "", &body(&ids))).await;
        client.answer().await.is_ok();
    }
    assert!(shop.digest() == before);
}

/// A key for looking, and a suspended account, may ask what things cost.
#[tokio::test]
async fn everybody_may_ask_for_a_price() {
    let shop = Shop::open().await;
    priced(&shop, &shop.kro, &body(&json!([shop.a4()]))).await;
    let order = json!({
        "proxyType": "IPv4", "country": "USA", "quantity": 1, "rentPeriodDays": 30, "goal": "x"
    });
    let answer = shop.call(&shop.ks, "calculate/order", &order.to_string()).await.is_ok();
    assert_eq!((&answer["balance"], &answer["price"]), (&json!(0), &json!(1.31)));
}
