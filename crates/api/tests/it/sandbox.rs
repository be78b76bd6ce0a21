//! The clock of a sandbox.

use serde_json::json;

use crate::client::{Answer, post};
use crate::shop::{Shop, With};

impl Shop {
    async fn turn(&self, token: &str, body: &str) -> Answer {
        let headers = format!("authorization: Bearer {token}\r\n");
        self.raw(post("/sandbox/v1/clock", &headers, body)).await
    }
}

async fn sandbox() -> Shop {
    Shop::open_with(With { sandbox: true, ..With::default() }).await
}

#[tokio::test]
async fn a_real_shop_has_no_such_path() {
    let shop = Shop::open().await;
    for answer in [
        shop.turn(&shop.operator_token, "{\"advance\":\"1d\"}").await,
        shop.native(&shop.operator_token, "/sandbox/v1/clock").await,
    ] {
        assert_eq!((answer.status, answer.body.as_str()), (404, "{}"));
    }
    let described = shop.get("/api/openapi.json").await.json();
    assert!(described["paths"].get("/sandbox/v1/clock").is_none());
}

#[tokio::test]
async fn time_passes_and_what_is_due_is_done() {
    let shop = sandbox().await;
    let now = shop.native(&shop.operator_token, "/sandbox/v1/clock").await;
    assert_eq!(now.body, r#"{"now":"2026-02-03T00:00:00Z"}"#);
    let auto = json!({
        "proxyType": "IPv4", "orderIds": [shop.o4.order], "rentPeriodDays": 30, "autoExtend": true
    });
    shop.call(&shop.ka, "extend/order/auto", &auto.to_string()).await.is_ok();
    let auto = json!({
        "proxyType": "IPv4", "orderIds": [shop.oz.order], "rentPeriodDays": 30, "autoExtend": true
    });
    shop.call(&shop.kz, "extend/order/auto", &auto.to_string()).await.is_ok();
    let turned = shop.turn(&shop.operator_token, "{\"advance\":\"30d\"}").await;
    assert_eq!(turned.status, 200, "{turned:?}");
    let json = turned.json();
    assert_eq!((&json["now"], &json["renewed"]), (&json!("2026-03-05T00:00:00Z"), &json!(2)));
    assert!(json["failed"].as_u64().unwrap() > 0);
    assert_eq!(json["ended"], 8);
    assert_eq!(shop.balance(shop.ann), 10_000 - 262);
    let turned = shop.turn(&shop.operator_token, "{\"now\":\"2026-03-08T12:00:00+02:00\"}").await;
    assert_eq!(turned.json()["now"], "2026-03-08T10:00:00Z");
    assert_eq!(turned.json()["released"], 7);
    let metrics = shop.get("/metrics").await.body;
    assert!(metrics.contains("\nsublet_renewals_total 2\n"), "{metrics}");
    let described = shop.get("/api/openapi.json").await.json();
    assert!(described["paths"].get("/sandbox/v1/clock").is_some());
}

#[tokio::test]
async fn only_an_operator_turns_it_and_only_forward() {
    let shop = sandbox().await;
    let before = shop.digest();
    for token in ["", "wrong", &shop.ka] {
        let answer = shop.turn(token, "{\"advance\":\"1d\"}").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["status"], 401);
        assert_eq!(shop.native(token, "/sandbox/v1/clock").await.status, 401);
    }
    for body in [
        "",
        "{}",
        "[]",
        "{",
        "{\"advance\":30}",
        "{\"advance\":\"30\"}",
        "{\"advance\":\"-1d\"}",
        "{\"advance\":\"99999999d\"}",
        "{\"now\":\"tomorrow\"}",
        "{\"now\":\"9999-12-31T00:00:00Z\"}",
        "{\"advance\":\"1d\",\"now\":\"2030-01-01T00:00:00Z\"}",
        "{\"advance\":\"1d\",\"back\":true}",
    ] {
        let answer = shop.turn(&shop.operator_token, body).await;
        assert_eq!(answer.status, 400, "{body}");
        let content = answer.header("content-type").unwrap();
        assert!(content.starts_with("application/problem+json"));
    }
    let back = shop.turn(&shop.operator_token, "{\"now\":\"2020-01-01T00:00:00Z\"}").await;
    assert_eq!((back.status, &back.json()["title"]), (409, &json!("Conflict")));
    assert!(shop.digest() == before);
}
