//! `autoprolong/*`, of v2.

use engine::payment::Behaviour;
use serde_json::{Value, json};

use super::with;
use crate::shop::{Shop, With};

#[tokio::test]
async fn automatic_prolongation_is_priced_and_switched() {
    let shop = Shop::open().await;
    let body = json!({ "ids": shop.o4.leases, "periodId": "1m", "paymentId": "balance" });
    let quoted = shop.ps("v2", "autoprolong/calc/ipv4", &body).await.ps_ok();
    assert_eq!((&quoted["total"], &quoted["quantity"]), (&json!(2.62), &json!(2)));
    assert_eq!((&quoted["days"], &quoted["paymentId"]), (&json!(30), &json!("balance")));
    assert_eq!((&quoted["autoProlong"], &quoted["tarifId"]), (&json!(false), &Value::Null));
    assert_eq!(quoted["dateEnd"], json!("2026-03-05 00:00:00"));
    assert_eq!(quoted["items"].as_array().unwrap().len(), 2);
    let charged = quoted["chargeDate"].as_str().unwrap();
    assert!(charged < "2026-03-05 00:00:00", "{charged}");

    let on = shop.ps("v2", "autoprolong/enable/ipv4", &body).await.ps_ok();
    let expected = json!({ "warning": "", "autoProlong": true, "quantity": 2,
        "ids": shop.o4.leases, "ipIds": shop.o4.leases, "orderIds": [shop.o4.order], "days": 30,
        "paymentId": "balance", "chargeDate": charged, "dateEnd": "2026-03-05 00:00:00" });
    assert_eq!(on, expected);
    let again = shop.ps("v2", "autoprolong/enable/ipv4", &body).await.ps_ok();
    assert_eq!(again, expected);
    let quoted = shop.ps("v2", "autoprolong/calc/ipv4", &body).await.ps_ok();
    assert_eq!(quoted["autoProlong"], json!(true));
    let off = shop.ps("v2", "autoprolong/disable/ipv4", &json!({ "ids": shop.a4() })).await.ps_ok();
    let expected = json!({ "warning": "", "autoProlong": false, "quantity": 1,
        "ids": [shop.a4()], "ipIds": [shop.a4()], "orderIds": [shop.o4.order], "days": null,
        "paymentId": null, "chargeDate": null, "dateEnd": "2026-03-05 00:00:00" });
    assert_eq!(off, expected);
}

#[tokio::test]
async fn automatic_prolongation_is_refused_in_known_words() {
    let shop = Shop::open().await;
    let base = json!({ "orderIds": [shop.o6.order], "periodId": "1m", "paymentId": "balance" });
    for (call, changes, words, code) in [
        ("calc/ipv6", json!({ "paymentId": "absent" }), "Set [paymentId]", 0),
        ("enable/ipv6", json!({ "paymentId": "absent" }), "Set [paymentId]", 0),
        ("enable/ipv6", json!({ "paymentId": 29 }), "Incorrect payment system", 0),
        ("enable/ipv6", json!({ "paymentId": "card" }), "No saved payment method", 53),
        ("enable/ipv6", json!({ "orderIds": [shop.o4.order] }), "Incorrect orderIds", 29),
        ("disable/ipv6", json!({ "orderIds": "absent" }), "Incorrect orderIds", 29),
        ("enable/ipv6", json!({ "periodId": "9w" }), "Set existed [periodId] from reference", 0),
        (
            "enable/ipv6",
            json!({ "periodId": "absent" }),
            "Set existed [periodId] from reference",
            0,
        ),
        (
            "enable/ipv6",
            json!({ "ids": [1] }),
            "[ids] is not applicable for ipv6: prolong by [orderIds]",
            0,
        ),
        (
            "disable/scraper",
            json!({}),
            "Create new order to add traffic, prolong options not available",
            0,
        ),
        ("enable/resident", json!({}), "Tarif not found", 0),
        ("enable/ipv9", json!({}), "Incorrect proxy type", 4),
    ] {
        let call = format!("autoprolong/{call}");
        shop.ps_refuses("v2", &call, &with(&base, &changes), words, code).await;
    }
    let body = json!({ "ids": [shop.ob.lease()] });
    shop.ps_refuses("v2", "autoprolong/disable/ipv4", &body, "IP not found", 0).await;
    assert_eq!(shop.ps("v1", "autoprolong/enable/ipv6", &base).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_prolongation_may_be_by_card() {
    let shop = Shop::open_with(With { sandbox: true, ..With::default() }).await;
    let card = shop.engine.set_sandbox_card(shop.ann, Behaviour::Pays).await.unwrap().unwrap();
    let id = shop.engine.public_ids().card(card.id);
    let body = json!({ "orderIds": shop.o6.order, "periodCode": "1m", "payment_id": "card",
        "subscription_id": id });
    let on = shop.ps("v2", "autoprolong/enable/ipv6", &body).await.ps_ok();
    assert_eq!((&on["paymentId"], &on["quantity"]), (&json!("paddle_subscription"), &json!(3)));
    let body = with(&body, &json!({ "subscription_id": "x" }));
    let words = "No saved payment method";
    shop.ps_refuses("v2", "autoprolong/enable/ipv6", &body, words, 53).await;
}
