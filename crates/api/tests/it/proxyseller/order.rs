//! `order/calc` and `order/make`

use serde_json::{Value, json};
use store::Store;

use super::{VERSIONS, dollars, with};
use crate::shop::{Shop, With, order_id};

/// An order of one IPv4 address in the USA for a month.
fn base(version: &str) -> Value {
    match version {
        "v1" => json!({ "countryId": 1840, "periodId": "1m", "quantity": 1, "paymentId": 1,
            "authorization": "", "coupon": "", "customTargetName": "prices" }),
        _ => json!({ "sectionCode": "ipv4", "countryId": "USA", "periodId": "1m", "quantity": 1,
            "paymentId": "balance", "customTargetName": "prices" }),
    }
}

/// Both the price and the order refuse it alike.
async fn both_refuse(shop: &Shop, version: &str, changes: Value, message: &str, code: u64) {
    let body = with(&base(version), &changes);
    for call in ["order/calc", "order/make"] {
        shop.ps_refuses(version, call, &body, message, code).await;
    }
}

#[tokio::test]
async fn an_order_is_priced_and_placed() {
    let shop = Shop::open().await;
    let mut left = 10_000;
    for version in VERSIONS {
        let body = with(&base(version), &json!({ "quantity": 3 }));
        let quoted = shop.ps(version, "order/calc", &body).await.ps_ok();
        let expected = json!({ "warning": "", "balance": dollars(left), "total": 3.93,
            "quantity": 3, "currency": "USD", "discount": 0, "price": 1.31 });
        assert_eq!(quoted, expected);
        let made = shop.ps(version, "order/make", &body).await.ps_ok();
        left -= 393;
        assert_eq!(made["total"], json!(3.93));
        assert_eq!(made["balance"], dollars(left));
        assert_eq!(shop.balance(shop.ann), left);
        let id = &made["orderId"];
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        assert_eq!(id.is_u64(), version == "v1");
        let order = order_id(&shop, &text);
        assert!(order.0 > 0);
        let numbers = made["listBaseOrderNumbers"].as_array().unwrap();
        assert_eq!(numbers.len(), 1);
        let number = numbers[0].as_str().unwrap();
        let public = shop.engine.public_ids().order_number(order);
        match version {
            "v1" => assert!(number.starts_with(&format!("{public}_")), "{number}"),
            _ => assert!(number.starts_with(&format!("NS_{public}-")), "{number}"),
        }
    }
}

#[tokio::test]
async fn in_v1_the_country_tells_the_section() {
    let shop = Shop::open().await;
    for (changes, total) in [
        (json!({ "countryId": "1840" }), 1.31),
        (json!({ "countryId": 1840.0 }), 1.31),
        (json!({ "countryId": 4840 }), 2.4),
        (json!({ "countryId": 2840, "protocol": "HTTPS" }), 0.3),
        (json!({ "countryId": 2840, "protocol": "SOCKS5" }), 0.3),
        // Some clients send it for every section.
        (json!({ "countryId": 1840, "protocol": "SOCKS5" }), 1.31),
        (json!({ "countryId": 3840, "operatorId": "verizon", "rotationId": "5" }), 12.0),
        (
            json!({ "countryId": 3840, "operatorId": "verizon", "rotationId": 0,
            "customTargetName": "absent" }),
            12.0,
        ),
    ] {
        let body = with(&base("v1"), &changes);
        let made = shop.ps("v1", "order/make", &body).await.ps_ok();
        assert_eq!(made["total"].as_f64(), Some(total), "{changes}");
    }
    // The operator by its number, as the list has it.
    let list = shop.ps_get("v1", "reference/list/mobile").await.ps_ok();
    let operator = &list["items"]["country"][0]["operators"]["dedicated"][0]["id"];
    let changes = json!({ "countryId": 3840, "operatorId": operator, "rotationId": 5 });
    shop.ps("v1", "order/make", &with(&base("v1"), &changes)).await.ps_ok();
    // One client sends the operator as the target and the rotation as the protocol.
    let changes = json!({ "countryId": 3840, "customTargetName": operator.to_string(),
        "protocol": "5" });
    shop.ps("v1", "order/calc", &with(&base("v1"), &changes)).await.ps_ok();
    // Alpha-3 codes say nothing of the section, unless the path does.
    let body = with(&base("v1"), &json!({ "countryId": "USA" }));
    shop.ps_refuses("v1", "order/make", &body, "Country not exists", 0).await;
    shop.ps("v1", "order/make/ipv4", &body).await.ps_ok();
}

#[tokio::test]
async fn in_v2_a_code_may_stand_for_an_id_and_wins() {
    let shop = Shop::open().await;
    for changes in [
        json!({ "countryId": "absent", "countryCode": "usa" }),
        json!({ "countryId": "XXX", "countryCode": "USA" }),
        json!({ "periodId": "9w", "periodCode": "1M" }),
        json!({ "paymentId": "absent", "paymentCode": "balance" }),
        json!({ "sectionCode": "IPv4", "countryId": 1840 }),
        json!({ "sectionCode": "isp", "uptime": true }),
        json!({ "sectionCode": "ipv6" }),
        json!({ "sectionCode": "ipv6", "protocol": "socks" }),
        json!({ "sectionCode": "mobile", "operatorCode": "verizon", "rotationId": "30",
            "customTargetName": null }),
        json!({ "sectionCode": "mobile", "operatorId": "verizon", "rotationId": 0,
            "rotationCode": "5m", "mobileServiceType": "dedicated" }),
        json!({ "authorization": "198.51.100.9" }),
        json!({ "coupon": "unknown" }),
    ] {
        let body = with(&base("v2"), &changes);
        shop.ps("v2", "order/calc", &body).await.ps_ok();
        shop.ps("v2", "order/make", &body).await.ps_ok();
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_in_known_words() {
    let shop = Shop::open().await;
    for wrong in [json!("absent"), json!(null), json!(840), json!(999_999), json!("XXX"), json!([])]
    {
        both_refuse(&shop, "v1", json!({ "countryId": wrong }), "Country not exists", 0).await;
        both_refuse(&shop, "v2", json!({ "countryId": wrong }), "Country not exists", 0).await;
    }
    both_refuse(&shop, "v1", json!({ "countryId": 1276 }), "Country not exists", 0).await;
    for wrong in [json!("absent"), json!("ipv5"), json!("resident proxies")] {
        let changes = json!({ "sectionCode": wrong });
        both_refuse(&shop, "v2", changes, "Incorrect proxy type", 4).await;
    }
    for version in VERSIONS {
        for wrong in [json!("absent"), json!("9w"), json!("m"), json!(30), json!("")] {
            let words = "Set existed [periodId] from reference";
            both_refuse(&shop, version, json!({ "periodId": wrong }), words, 0).await;
        }
        for wrong in [json!("absent"), json!(0), json!(-1), json!(1.5), json!(1001), json!("x")] {
            let words = "Set existed [quantity]";
            both_refuse(&shop, version, json!({ "quantity": wrong }), words, 0).await;
        }
        for wrong in ["abc", "10.0.0.1", "127.0.0.1", "198.51.100.0/24"] {
            let words = "Set existed [authorization]";
            both_refuse(&shop, version, json!({ "authorization": wrong }), words, 0).await;
        }
        let words = "Not enough proxies in stock";
        both_refuse(&shop, version, json!({ "quantity": 1000 }), words, 0).await;
    }
    for wrong in [json!("absent"), json!(" "), json!("x".repeat(201)), json!(7)] {
        let changes = json!({ "customTargetName": wrong });
        both_refuse(&shop, "v1", changes.clone(), "Set [customTargetName]", 0).await;
        both_refuse(&shop, "v2", changes, "Incorrect goal", 14).await;
    }
    let old = json!({ "customTargetName": "absent", "targetSectionId": 7, "targetId": 12 });
    shop.ps("v1", "order/make", &with(&base("v1"), &old)).await.ps_ok();
    for wrong in [json!("absent"), json!("FTP"), json!(1)] {
        let changes = json!({ "countryId": 2840, "protocol": wrong });
        both_refuse(&shop, "v1", changes, "Set existed [protocol]", 0).await;
    }
    let changes = json!({ "sectionCode": "ipv6", "protocol": "FTP" });
    both_refuse(&shop, "v2", changes, "Incorrect protocol", 13).await;
}

#[tokio::test]
async fn a_mobile_order_names_operator_and_rotation() {
    let shop = Shop::open().await;
    let mobile = |more: Value| {
        let base = json!({ "sectionCode": "mobile", "countryId": "USA", "periodId": "1m",
            "quantity": 1, "paymentId": "balance", "operatorId": "verizon", "rotationId": 5 });
        with(&base, &more)
    };
    shop.ps("v2", "order/make", &mobile(json!({}))).await.ps_ok();
    let unknown = "Set existed [operatorId] from reference";
    for changes in [
        json!({ "operatorId": "absent" }),
        json!({ "operatorId": "nobody" }),
        json!({ "mobileServiceType": "shared" }),
    ] {
        shop.ps_refuses("v2", "order/make", &mobile(changes), unknown, 0).await;
    }
    for wrong in [json!("absent"), json!("5m"), json!(7), json!(-5)] {
        let words = "Set existed [rotationCode] from reference";
        let body = mobile(json!({ "rotationId": wrong }));
        shop.ps_refuses("v2", "order/make", &body, words, 0).await;
    }
    let body = json!({ "countryId": 3840, "periodId": "1m", "quantity": 1, "operatorId": "verizon",
        "rotationId": "5m" });
    let words = "Set existed [rotationId] from reference";
    shop.ps_refuses("v1", "order/make", &body, words, 0).await;
}

#[tokio::test]
async fn a_payment_is_by_balance() {
    let shop = Shop::open().await;
    for right in [json!(0), json!("0"), json!(""), json!(null), json!("1"), json!("absent")] {
        let body = with(&base("v1"), &json!({ "paymentId": right }));
        shop.ps("v1", "order/make", &body).await.ps_ok();
    }
    for wrong in [json!(29), json!("x"), json!([1])] {
        both_refuse(&shop, "v1", json!({ "paymentId": wrong }), "Set existed [paymentId]", 0).await;
        let words = "Incorrect payment system";
        both_refuse(&shop, "v2", json!({ "paymentId": wrong }), words, 0).await;
    }
    // A price may be asked for without.
    let body = with(&base("v2"), &json!({ "paymentId": "absent" }));
    shop.ps("v2", "order/calc", &body).await.ps_ok();
    shop.ps_refuses("v2", "order/make", &body, "Set [paymentId]", 0).await;
}

#[tokio::test]
async fn a_coupon_takes_something_off() {
    let shop = Shop::open().await;
    shop.promo("SPRING", |_| {});
    for version in VERSIONS {
        let body = with(&base(version), &json!({ "coupon": "spring", "quantity": 2 }));
        let quoted = shop.ps(version, "order/calc", &body).await.ps_ok();
        assert_eq!(quoted["discount"], json!(0.1));
        assert_eq!((&quoted["price"], &quoted["total"]), (&json!(1.179), &json!(2.36)));
        let made = shop.ps(version, "order/make", &body).await.ps_ok();
        assert_eq!(made["total"], json!(2.36));
        let body = with(&base(version), &json!({ "coupon": "winter" }));
        let quoted = shop.ps(version, "order/calc", &body).await.ps_ok();
        assert_eq!((&quoted["discount"], &quoted["warning"]), (&json!(0), &json!("")));
    }
}

#[tokio::test]
async fn a_price_that_the_balance_does_not_cover_is_told_all_the_same() {
    let shop = Shop::open().await;
    let warning = "Insufficient funds. Total $0. Not enough $1.31";
    for version in VERSIONS {
        let body = base(version);
        let answer = shop.ps_as(&shop.kz, version, "order/calc", "", &body).await;
        let quoted = answer.ps_unpaid();
        let expected = json!({ "warning": warning, "balance": 0, "total": 1.31, "quantity": 1,
            "currency": "USD", "discount": 0, "price": 1.31 });
        assert_eq!(quoted, expected);
        let before = shop.digest();
        let answer = shop.ps_as(&shop.kz, version, "order/make", "", &body).await;
        match version {
            "v1" => answer.ps_refused(warning, 0),
            _ => answer.ps_refused("Insufficient funds on balance", 16),
        }
        assert_eq!(answer.json()["data"], Value::Null);
        assert_eq!(answer.header("x-sublet-reason"), Some("insufficient-funds"));
        assert!(shop.digest() == before);
    }
}

#[tokio::test]
async fn an_installation_may_explain_more_and_ask_less() {
    let mut with_settings = With::default();
    with_settings.settings.proxyseller.explain_shortage = true;
    with_settings.settings.proxyseller.target_optional = true;
    let shop = Shop::open_with(with_settings).await;
    let answer = shop.ps_as(&shop.kz, "v1", "order/calc", "", &base("v1")).await;
    answer.ps_refused("Insufficient funds. Total $0. Not enough $1.31", 0);
    assert_eq!(answer.json()["data"]["total"], json!(1.31));
    let body = with(&base("v1"), &json!({ "customTargetName": "absent" }));
    shop.ps("v1", "order/make", &body).await.ps_ok();
    assert!(shop.store.customer(shop.ann).unwrap().is_some());
}
