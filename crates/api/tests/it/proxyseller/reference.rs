//! `reference/list`, `balance/get`, `system/ping`, and what is not offered.

use serde_json::json;

use super::VERSIONS;
use crate::shop::Shop;

#[tokio::test]
async fn a_section_lists_what_can_be_ordered() {
    let shop = Shop::open().await;
    let periods = json!([
        { "id": "1m", "name": "1 month" },
        { "id": "2m", "name": "2 months" },
        { "id": "12m", "name": "12 months" },
    ]);
    let v1 = shop.ps_get("v1", "reference/list/ipv4").await.ps_ok();
    let expected = json!({ "items": {
        "country": [
            { "id": 1124, "name": "Canada", "alpha3": "CAN" },
            { "id": 1840, "name": "United States", "alpha3": "USA" },
        ],
        "period": periods,
    }});
    assert_eq!(v1, expected);
    let v2 = shop.ps_get("v2", "reference/list/IPv4").await.ps_ok();
    let expected = json!({ "items": {
        "country": [ { "id": "CAN", "name": "Canada" }, { "id": "USA", "name": "United States" } ],
        "period": periods,
    }});
    assert_eq!(v2, expected);
}

#[tokio::test]
async fn a_mobile_country_lists_its_operators() {
    let shop = Shop::open().await;
    let v1 = shop.ps_get("v1", "reference/list/mobile").await.ps_ok();
    let country = &v1["items"]["country"][0];
    assert_eq!((&country["id"], &country["alpha3"]), (&json!(3840), &json!("USA")));
    let operator = &country["operators"]["dedicated"][0];
    assert!(operator["id"].as_u64().unwrap() < 1 << 31);
    assert_eq!(operator["name"], json!("Verizon"));
    assert_eq!(operator.get("traffic"), None);
    let rotations = json!([
        { "id": 0, "name": "By Link" },
        { "id": 5, "name": "5 minutes" },
        { "id": 10, "name": "10 minutes" },
        { "id": 30, "name": "30 minutes" },
    ]);
    assert_eq!(operator["rotations"], rotations);
    assert_eq!(country["operators"]["shared"], json!([]));
    let v2 = shop.ps_get("v2", "reference/list/mobile").await.ps_ok();
    let operator = &v2["items"]["country"][0]["operators"]["dedicated"][0];
    assert_eq!((&operator["id"], &operator["traffic"]), (&json!("verizon"), &json!("unlimited")));
}

#[tokio::test]
async fn without_a_type_all_sections_are_listed() {
    let shop = Shop::open().await;
    for (version, count) in [("v1", 7), ("v2", 8)] {
        let all = shop.ps_get(version, "reference/list").await;
        for spelling in ["reference/list/", "reference/list/None", "reference/list?x=1"] {
            assert_eq!(shop.ps_get(version, spelling).await.body, all.body, "{spelling}");
        }
        let all = all.ps_ok();
        assert_eq!(all.as_object().unwrap().len(), count);
        for name in ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp", "resident"] {
            let one = shop.ps_get(version, &format!("reference/list/{name}")).await.ps_ok();
            assert_eq!(one["items"], all[name], "{name}");
        }
        assert_eq!(all["resident"], json!({ "tarifs": [] }));
        let answer = shop.ps_get(version, "reference/list/ipv5").await;
        answer.ps_refused("Incorrect proxy type", 4);
        assert_eq!(answer.header("x-sublet-reason"), Some("unknown-kind"));
    }
}

#[tokio::test]
async fn the_balance_is_a_number() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let answer = shop.ps_get(version, "balance/get").await;
        assert_eq!(answer.body, r#"{"status":"success","data":{"summ":100},"errors":[]}"#);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

#[tokio::test]
async fn a_ping_tells_the_time() {
    let shop = Shop::open().await;
    let pong = shop.ps_get("v1", "system/ping").await.ps_ok();
    assert_eq!(pong, json!({ "pong": shop.engine.now().millis() / 1000 }));
    assert_eq!(shop.ps_get("v2", "system/ping").await.status, 404);
}

#[tokio::test]
async fn residential_traffic_is_told_to_be_missing() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for call in ["resident/package", "resident/lists", "residentsubuser/packages"] {
            let answer = shop.ps_get(version, call).await;
            answer.ps_refused("Tarif not found", 0);
            assert_eq!(answer.header("x-sublet-reason"), Some("not-offered"));
        }
        shop.ps_refuses(version, "resident/list", &json!({}), "Tarif not found", 0).await;
        let request = format!(
            "DELETE /personal/api/{version}/{}/resident/list/delete?id=7 HTTP/1.1\r\nhost: x\r\n\r\n",
            shop.ka
        );
        shop.raw(request).await.ps_refused("Tarif not found", 0);
        let request = format!(
            "PUT /personal/api/{version}/{}/resident/list/tools HTTP/1.1\r\nhost: x\r\n\r\n",
            shop.ka
        );
        shop.raw(request).await.ps_refused("Tarif not found", 0);
        let words = "Create new order to add traffic, prolong options not available";
        let call = "prolong/calc/resident";
        shop.ps_refuses(version, call, &json!({ "ids": [1], "periodId": "1m" }), words, 0).await;
    }
    shop.ps_refuses("v1", "order/calc", &json!({ "tarifId": 2 }), "Tarif not found", 0).await;
    let body = json!({ "sectionCode": "scraper", "tarifCode": "1-gb", "paymentId": "balance" });
    shop.ps_refuses("v2", "order/make", &body, "Tarif not found", 0).await;
}
