//! `balance/add`, `balance/payments/list`, `balance/autotopup/*`, and paying by card.

use domain::payment::Decline;
use engine::payment::Behaviour;
use serde_json::json;

use super::{VERSIONS, with};
use crate::client::post;
use crate::shop::{Shop, With};

async fn sandbox() -> Shop {
    Shop::open_with(With { sandbox: true, ..With::default() }).await
}

/// What a version calls the way to pay that has this number.
fn system(version: &str, number: u32) -> String {
    if version == "v1" { number.to_string() } else { format!("5b6c{number:020x}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_begun_and_made_on_its_page() {
    let shop = sandbox().await;
    let mut balance = 10_000;
    for version in VERSIONS {
        let listed = shop.ps_get(version, "balance/payments/list").await.ps_ok();
        let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        assert_eq!(ids, [&json!(system(version, 29)), &json!(system(version, 37))]);
        let body = json!({ "summ": "12.5", "paymentId": system(version, 37) });
        let begun = shop.ps(version, "balance/add", &body).await.ps_ok();
        let url = begun["url"].as_str().unwrap();
        let page = &url[url.find("/pay/").unwrap()..];
        let headers = "content-type: application/x-www-form-urlencoded\r\n";
        shop.raw(post(page, headers, "action=pay")).await;
        balance += 1250;
        assert_eq!(shop.balance(shop.ann), balance);
        for wrong in [json!(0.99), json!(0), json!(-5), json!("x"), json!("absent"), json!(1.005)] {
            let body = with(&body, &json!({ "summ": wrong }));
            shop.ps_refuses(version, "balance/add", &body, "Set [summ > 1]", 0).await;
        }
        shop.ps(version, "balance/add", &with(&body, &json!({ "summ": 1 }))).await.ps_ok();
        for wrong in [json!("absent"), json!(1), json!("balance"), json!(30), json!("")] {
            let body = with(&body, &json!({ "paymentId": wrong }));
            shop.ps_refuses(version, "balance/add", &body, "Set existed [paymentId]", 0).await;
        }
        let answer = shop.ps_as(&shop.kro, version, "balance/add", "", &body).await;
        answer.ps_refused("The API key may only read", 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_card_pays_what_the_balance_does_not() {
    let shop = sandbox().await;
    let zoe = |version: &'static str, call: &'static str, body: serde_json::Value| {
        let shop = &shop;
        async move { shop.ps_as(&shop.kz, version, call, "", &body).await }
    };
    for (version, id) in [("v1", json!(43)), ("v2", json!("paddle_subscription"))] {
        let body = json!({ "ids": [shop.oz.lease()], "periodId": "1m", "paymentId": id });
        for call in ["prolong/calc/ipv4", "prolong/make/ipv4"] {
            let answer = zoe(version, call, body.clone()).await;
            answer.ps_refused("No saved payment method", 53);
        }
    }
    let customer = shop.customer_of(&shop.kz);
    shop.engine.set_sandbox_card(customer, Behaviour::Pays).await.unwrap().unwrap();
    for (version, id) in [("v1", json!("43")), ("v2", json!("card"))] {
        let body = json!({ "ids": [shop.oz.lease()], "periodId": "1m", "paymentId": id });
        let quoted = zoe(version, "prolong/calc/ipv4", body.clone()).await.ps_ok();
        assert_eq!((&quoted["warning"], &quoted["total"]), (&json!(""), &json!(1.31)));
        let made = zoe(version, "prolong/make/ipv4", body).await.ps_ok();
        assert_eq!((&made["total"], &made["balance"]), (&json!(1.31), &json!(0)));
        let order = json!({ "sectionCode": "ipv4", "countryId": 1840, "periodId": "1m",
            "quantity": 1, "paymentId": id, "customTargetName": "prices" });
        let made = zoe(version, "order/make", order).await.ps_ok();
        assert_eq!(made["balance"], json!(0));
    }
    let declined = Behaviour::Fails(Decline::Declined);
    shop.engine.set_sandbox_card(customer, declined).await.unwrap().unwrap();
    let before = shop.balance(customer);
    let body = json!({ "ids": [shop.oz.lease()], "periodId": "1m", "paymentId": 43 });
    let answer = zoe("v1", "prolong/make/ipv4", body).await;
    answer.ps_refused("The card was declined, nothing was charged", 0);
    assert_eq!(answer.header("x-sublet-reason"), Some("card-declined"));
    assert_eq!(shop.balance(customer), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_top_up_is_set_step_by_step() {
    let shop = sandbox().await;
    let unset = json!({ "configured": false, "enabled": false, "state": "NO_PAYMENT_METHOD",
        "threshold": 10, "amount": 25, "subscriptionId": null, "paymentMethod": null,
        "failCount": 0, "lastAttemptAt": null, "lastEvent": null });
    assert_eq!(shop.ps_get("v2", "balance/autotopup/get").await.ps_ok(), unset);
    assert_eq!(shop.ps_get("v1", "balance/autotopup/get").await.status, 404);
    let set = "balance/autotopup/set";
    let words = "No saved payment method";
    shop.ps_refuses("v2", set, &json!({ "enabled": true }), words, 53).await;
    let card = shop.engine.set_sandbox_card(shop.ann, Behaviour::Pays).await.unwrap().unwrap();
    let id = shop.engine.public_ids().card(card.id);
    let body = json!({ "enabled": true, "threshold": "15", "amount": 40.5, "subscriptionId": id });
    let shown = shop.ps("v2", set, &body).await.ps_ok();
    assert_eq!((&shown["state"], &shown["enabled"]), (&json!("ACTIVE"), &json!(true)));
    assert_eq!((&shown["threshold"], &shown["amount"]), (&json!(15), &json!(40.5)));
    assert_eq!(shown["subscriptionId"], json!(id));
    let method = &shown["paymentMethod"];
    assert_eq!((&method["paymentMethod"], &method["status"]), (&json!("card"), &json!("active")));
    assert_eq!(shown["lastEvent"]["status"], json!("SETTINGS_SAVED"));
    // What is not named stays.
    let shown = shop.ps("v2", set, &json!({ "enabled": false })).await.ps_ok();
    assert_eq!((&shown["state"], &shown["amount"]), (&json!("DISABLED"), &json!(40.5)));
    for (body, words, code) in [
        (json!({ "threshold": 0.5 }), "Top-up threshold must be 1 or more", 50),
        (json!({ "threshold": -2 }), "Top-up threshold must be 1 or more", 50),
        (json!({ "amount": 4 }), "Top-up amount must be 5 or more", 51),
        (json!({ "amount": "-4" }), "Top-up amount must be 5 or more", 51),
        (json!({ "amount": 10 }), "Top-up amount must not be below the threshold", 52),
    ] {
        let answer = shop.ps("v2", set, &body).await;
        let problem = json!([{ "message": words, "code": code,
            "customData": { "minAmount": 5, "minThreshold": 1 } }]);
        assert_eq!(answer.json()["errors"], problem);
    }
    for (body, words) in [
        (json!({ "enabled": "maybe" }), "Set existed [enabled]"),
        (json!({ "amount": "x" }), "Set existed [amount]"),
        (json!({ "amount": 10_000_000_001_i64 }), "Set existed [amount]"),
        (json!({ "threshold": 10.001 }), "Set existed [threshold]"),
    ] {
        shop.ps_refuses("v2", set, &body, words, 0).await;
    }
    shop.ps_refuses("v2", set, &json!({ "subscriptionId": "x" }), words, 53).await;
}
