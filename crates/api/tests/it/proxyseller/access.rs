//! Who is let in.

use serde_json::{Value, json};

use super::VERSIONS;
use crate::shop::{Shop, With};

fn triple(version: &str) -> Value {
    let ip = if version == "v1" { "IP not allowed" } else { "IP not allowed 127.0.0.1" };
    let problem = |message: &str| json!({ "message": message, "code": 503, "customData": null });
    let errors = ["Error api key", ip, "Request limit reached"].map(problem);
    json!({ "status": "error", "data": null, "errors": errors })
}

#[tokio::test]
async fn every_problem_with_a_key_is_told_alike() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for key in ["", "nobody", &shop.krev, &shop.kip, "a%zz"] {
            let answer = shop.get(&format!("/personal/api/{version}/{key}/balance/get")).await;
            assert_eq!((answer.status, answer.json()), (200, triple(version)), "{key}");
            assert_eq!(answer.header("x-sublet-reason"), Some("access-denied"));
            let body = json!({});
            let answer = shop.ps_as(key, version, "order/make", "", &body).await;
            assert_eq!((answer.status, answer.json()), (200, triple(version)), "{key}");
        }
    }
}

#[tokio::test]
async fn a_key_has_so_many_requests_in_a_calendar_minute() {
    let mut with = With::default();
    with.settings.proxyseller.requests_per_minute = 3;
    let shop = Shop::open_with(with).await;
    let mine = shop.new_key(&|new| new.requests_per_minute = Some(5));
    let before = shop.digest();
    for version in VERSIONS {
        shop.clock.advance(domain::time::Span::from_minutes(1));
        for (key, limit) in [(&shop.ka, 3), (&mine, 5)] {
            let path = format!("/personal/api/{version}/{key}/balance/get");
            for _ in 0..limit {
                shop.get(&path).await.ps_ok();
            }
            let answer = shop.get(&path).await;
            assert_eq!((answer.status, answer.json()), (200, triple(version)));
            assert_eq!(answer.header("x-sublet-reason"), Some("too-many-requests"));
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            let body = json!({});
            let answer = shop.ps_as(key, version, "order/make", "", &body).await;
            assert_eq!(answer.json(), triple(version));
        }
        shop.get(&format!("/personal/api/{version}/{}/balance/get", shop.kb)).await.ps_ok();
    }
    assert!(shop.digest() == before);
}

#[tokio::test]
async fn who_tries_many_keys_is_told_to_wait() {
    let mut with = With::default();
    with.settings.failed_keys_per_minute = 2;
    let shop = Shop::open_with(with).await;
    for _ in 0..2 {
        let answer = shop.get("/personal/api/v1/nobody/balance/get").await;
        assert_eq!(answer.json(), triple("v1"));
    }
    let answer = shop.get("/personal/api/v1/nobody/balance/get").await;
    assert_eq!((answer.status, answer.json()), (429, json!({ "error": "Too many requests" })));
    assert!(answer.header("retry-after").is_some());
    shop.ps_get("v1", "balance/get").await.ps_ok();
}

#[tokio::test]
async fn who_may_only_look_looks() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for version in VERSIONS {
        for (key, words, reason) in [
            (&shop.kro, "The API key may only read", "key-read-only"),
            (&shop.ks, "The account is suspended", "suspended"),
        ] {
            shop.get(&format!("/personal/api/{version}/{key}/balance/get")).await.ps_ok();
            shop.get(&format!("/personal/api/{version}/{key}/reference/list")).await.ps_ok();
            for call in ["order/make", "prolong/make/ipv4"] {
                let answer = shop.ps_as(key, version, call, "", &json!({})).await;
                answer.ps_refused(words, 0);
                assert_eq!(answer.header("x-sublet-reason"), Some(reason));
            }
        }
    }
    assert!(shop.digest() == before);
}
