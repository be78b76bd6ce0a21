//! What may come in, and in what form.

use serde_json::json;

use super::VERSIONS;
use crate::client::post;
use crate::shop::{Shop, With};
use crate::trouble::Trouble;

#[tokio::test]
async fn an_unknown_path_is_told_with_a_status() {
    let shop = Shop::open().await;
    let expected = json!({ "code": 404, "message": "Not found", "customData": null });
    let wrong = json!({ "code": 405, "message": "Method not allowed", "customData": null });
    for version in VERSIONS {
        for call in ["", "nothing", "balance", "balance/get/now"] {
            let answer = shop.ps_get(version, call).await;
            assert_eq!((answer.status, answer.json()), (404, expected.clone()), "{call}");
        }
        for call in ["order/make", "prolong/make/ipv4"] {
            let answer = shop.ps_get(version, call).await;
            assert_eq!((answer.status, answer.json()), (405, wrong.clone()), "{call}");
            assert_eq!(answer.header("allow"), Some("POST"));
        }
        let answer = shop.ps(version, "balance/get", &json!({})).await;
        assert_eq!((answer.status, answer.json()), (405, wrong.clone()));
        assert_eq!(answer.header("allow"), Some("GET"));
    }
    assert_eq!(shop.get("/personal/api/v3/x/balance/get").await.status, 404);
    assert_eq!(shop.get("/personal/api/v1").await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_bad_request() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for body in ["{", "[1]", "\"x\"", "{\"periodId\":1,\"periodId\":2}", "\u{feff}{}", "{} {}"] {
        for call in ["order/calc", "order/make", "prolong/make/ipv4"] {
            let path = format!("/personal/api/v1/{}/{call}", shop.ka);
            shop.raw(post(&path, "", body)).await.ps_refused("Bad request", 0);
            let path = format!("/personal/api/v2/{}/{call}", shop.ka);
            let answer = shop.raw(post(&path, "", body)).await;
            let bare = json!({ "code": 400, "message": "Bad request", "customData": null });
            assert_eq!((answer.status, answer.json()), (400, bare), "{body}");
        }
    }
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
    let path = format!("/personal/api/v1/{}/order/calc", shop.ka);
    let answer = shop.raw(post(&path, "", &large)).await;
    assert_eq!(answer.header("connection"), Some("close"));
    answer.ps_refused("The body is too large", 0);
    let path = format!("/personal/api/v2/{}/order/calc", shop.ka);
    let answer = shop.raw(post(&path, "", &large)).await;
    let bare = json!({ "code": 413, "message": "The body is too large", "customData": null });
    assert_eq!((answer.status, answer.json()), (413, bare));
    assert!(shop.digest() == before);
}

#[tokio::test]
async fn no_body_is_an_empty_one() {
    let shop = Shop::open().await;
    for body in ["", "null", "[]", " ", "{}"] {
        let path = format!("/personal/api/v1/{}/prolong/calc/ipv4", shop.ka);
        let answer = shop.raw(post(&path, "", body)).await;
        answer.ps_refused("Set existed [periodId] from reference", 0);
    }
    // Without a content type, and with a slash at the end.
    let (path, body) = (format!("/personal/api/v1/{}/order/calc/", shop.ka), "{}");
    let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{body}");
    shop.raw(request).await.ps_refused("Country not exists", 0);
}

#[tokio::test]
async fn an_outage_is_told_with_what_is_certain() {
    let shop = Shop::open().await;
    let body = json!({ "ids": [shop.a4()], "periodId": "1m" });
    shop.store.be(Trouble::Away);
    for version in VERSIONS {
        let answer = shop.ps(version, "prolong/make/ipv4", &body).await;
        // What is certainly not done is repeated by clients; a 5xx would leave them in doubt.
        let expected = json!({ "error": "Too many requests" });
        assert_eq!((answer.status, answer.json()), (429, expected), "{answer:?}");
        assert_eq!(answer.header("x-sublet-reason"), Some("temporarily-unavailable"));
        assert!(answer.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_never_told_as_an_error() {
    for (version, always_200) in [("v1", false), ("v2", false), ("v1", true), ("v2", true)] {
        let mut with = With::default();
        with.settings.always_200 = always_200;
        let shop = Shop::open_with(with).await;
        let body = json!({ "ids": [shop.a4()], "periodId": "1m" }).to_string();
        let path = format!("/personal/api/{version}/{}/prolong/make/ipv4", shop.ka);
        let request = post(&path, "idempotency-key: one\r\n", &body);
        shop.store.be(Trouble::Unknown);
        let answer = shop.raw(request.clone()).await;
        let bare = json!({ "code": 503, "message": "Outcome not known", "customData": null });
        assert_eq!((answer.status, answer.json()), (503, bare));
        assert_eq!(answer.header("x-operation-id"), answer.header("x-request-id"));
        shop.store.be(Trouble::None);
        let truth = shop.raw(request).await;
        assert!(truth.is_replayed());
        assert_eq!(truth.json()["status"], json!("success"));
        assert_eq!(shop.balance(shop.ann), 10_000 - 131);
    }
}
