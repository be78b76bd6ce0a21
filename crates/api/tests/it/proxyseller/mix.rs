//! Packages: the sections `mix` and `mix_isp`.

use serde_json::{Value, json};

use super::{VERSIONS, with};
use crate::shop::Shop;

/// An order of the package of four addresses for a month.
fn base(version: &str) -> Value {
    match version {
        "v1" => json!({ "countryId": 50_007, "periodId": "1m", "quantity": 4, "paymentId": 1 }),
        _ => json!({ "sectionCode": "mix", "mixId": "america-2", "periodId": "1m", "quantity": 4,
            "paymentId": "balance" }),
    }
}

#[tokio::test]
async fn a_package_is_listed_with_its_quantities() {
    let shop = Shop::open().await;
    let v1 = shop.ps_get("v1", "reference/list/mix").await.ps_ok();
    assert_eq!(v1["items"]["country"], json!([{ "id": 50_007, "name": "America" }]));
    let quantities = json!([{ "id": 50_007, "name": "America", "quantities": [2, 4] }]);
    assert_eq!(v1["items"]["quantities"], quantities);
    assert_eq!(v1["items"]["period"][0], json!({ "id": "1m", "name": "1 month" }));
    let v2 = shop.ps_get("v2", "reference/list/mix_isp").await.ps_ok();
    assert_eq!(v2["items"]["country"], json!([{ "id": "states-isp", "name": "The States" }]));
    let quantities = json!([{ "id": "states-isp", "name": "The States", "quantities": [5] }]);
    assert_eq!(v2["items"]["quantities"], quantities);
}

#[tokio::test]
async fn a_package_is_ordered_and_prolonged_as_a_whole() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let quoted = shop.ps(version, "order/calc", &base(version)).await.ps_ok();
        assert_eq!((&quoted["total"], &quoted["price"]), (&json!(7.2), &json!(1.8)));
        assert_eq!(quoted["quantity"], json!(4));
        let made = shop.ps(version, "order/make", &base(version)).await.ps_ok();
        assert_eq!(made["total"], json!(7.2));
        let order = match version {
            "v1" => made["orderId"].to_string(),
            _ => made["orderId"].as_str().unwrap().to_owned(),
        };
        let id = shop.engine.public_ids().read_order(&order).unwrap();
        let body = json!({ "orderIds": [order], "periodId": "1m" });
        let quoted = shop.ps("v2", "prolong/calc/mix", &body).await.ps_ok();
        let items = quoted["items"].as_array().unwrap();
        assert_eq!((items.len(), &quoted["total"]), (4, &json!(7.2)));
        let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        // By ids in v1, and only all of them.
        let all = json!({ "ids": ids, "periodId": "1m" });
        let some = json!({ "ids": ids[1..], "periodId": "1m" });
        let left = shop.engine.public_ids().read_lease(ids[0].as_str().unwrap()).unwrap();
        let left = shop.engine.public_ids().lease_number(left);
        let words = format!("The order is prolonged as a whole, missing [ids]: {left}");
        shop.ps_refuses("v1", "prolong/make/mix", &some, &words, 0).await;
        for call in ["prolong/calc/mix", "prolong/make/mix"] {
            shop.ps("v1", call, &all).await.ps_ok();
        }
        shop.ps("v2", "prolong/make/mix", &body).await.ps_ok();
        // It is no order of single addresses, and these are no package.
        for body in [&all, &some] {
            shop.ps_refuses("v1", "prolong/calc/ipv4", body, "IP not found", 0).await;
            shop.ps_refuses("v1", "prolong/make/ipv4", body, "IP not found", 0).await;
            shop.ps_refuses("v2", "prolong/make/ipv4", body, "IP not found", 0).await;
            shop.ps_refuses("v2", "autoprolong/disable/ipv4", body, "IP not found", 0).await;
        }
        shop.ps_refuses("v2", "prolong/make/mix_isp", &body, "Incorrect orderIds", 29).await;
        assert!(id.0 > 0);
    }
    let body = json!({ "orderIds": [shop.o4.order], "periodId": "1m" });
    shop.ps_refuses("v2", "prolong/make/mix", &body, "Incorrect orderIds", 29).await;
    let body = json!({ "ids": shop.o4.leases, "periodId": "1m" });
    shop.ps_refuses("v1", "prolong/make/mix", &body, "IP not found", 0).await;
}

#[tokio::test]
async fn a_package_is_named_in_many_ways() {
    let shop = Shop::open().await;
    for changes in [
        json!({ "mixId": "absent", "mixCode": "america-2" }),
        json!({ "mixId": "america-2", "mixCode": "nothing" }),
        json!({ "mixId": 50_007 }),
        json!({ "mixId": "absent", "countryId": "america-2" }),
        json!({ "mixId": "absent", "countryId": "america-2:4", "quantity": "absent" }),
        json!({ "mixId": "absent", "countryId": "america-2:4", "quantity": 1 }),
        json!({ "sectionCode": "mix-isp", "mixId": "states-isp", "quantity": 5 }),
        json!({ "customTargetName": "prices" }),
    ] {
        let body = with(&base("v2"), &changes);
        shop.ps("v2", "order/calc", &body).await.ps_ok();
    }
    let isp = json!({ "countryId": "60003", "quantity": "5" });
    shop.ps("v1", "order/make", &with(&base("v1"), &isp)).await.ps_ok();
    for wrong in ["absent", "nothing", "states-isp", "america-2:4:4"] {
        let words = "Set existed [mixId] from reference";
        let body = with(&base("v2"), &json!({ "mixId": wrong }));
        shop.ps_refuses("v2", "order/make", &body, words, 0).await;
    }
    for wrong in [50_003, 60_007, 70_007] {
        let body = with(&base("v1"), &json!({ "countryId": wrong }));
        shop.ps_refuses("v1", "order/make", &body, "Country not exists", 0).await;
    }
    for version in VERSIONS {
        for wrong in [json!(3), json!("absent"), json!(0)] {
            let body = with(&base(version), &json!({ "quantity": wrong }));
            shop.ps_refuses(version, "order/make", &body, "Set existed [quantity]", 0).await;
        }
    }
}
