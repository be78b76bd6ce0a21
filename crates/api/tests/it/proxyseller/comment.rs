//! `proxy/comment/set`

use serde_json::{Value, json};

use super::VERSIONS;
use crate::shop::Shop;

/// What stands beside a proxy.
async fn comment(shop: &Shop, section: &str, lease: &str) -> Value {
    let listed = shop.ps_get("v2", &format!("proxy/list/{section}")).await.ps_ok();
    let items = listed["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == lease).unwrap()["comment"].clone()
}

#[tokio::test]
async fn a_comment_is_set_and_taken_back() {
    let shop = Shop::open().await;
    let ids = shop.engine.public_ids();
    let number = ids.lease_number(ids.read_lease(shop.a4()).unwrap());
    for version in VERSIONS {
        let several =
            json!({ "ids": [shop.a4(), shop.am.lease()], "comment": "<b>for</b> prices" });
        let done = shop.ps(version, "proxy/comment/set", &several).await.ps_ok();
        assert_eq!(done, json!({ "updated": 2 }));
        assert_eq!(comment(&shop, "ipv4", shop.a4()).await, json!("for prices"));
        assert_eq!(comment(&shop, "mobile", shop.am.lease()).await, json!("for prices"));
        assert_eq!(comment(&shop, "isp", shop.ai.lease()).await, json!(""));
        // By number, as one, and as a text with several.
        let both = format!("{number}, {}", shop.a4b());
        for (one, count) in [(json!(number), 1), (json!(number.to_string()), 1), (json!(both), 2)] {
            let body = json!({ "ids": one, "comment": "1 < 2" });
            let done = shop.ps(version, "proxy/comment/set", &body).await.ps_ok();
            assert_eq!(done, json!({ "updated": count }));
            assert_eq!(comment(&shop, "ipv4", shop.a4()).await, json!("1 < 2"));
        }
        for nothing in [json!(null), json!(""), json!("  "), json!("<br>")] {
            let body = json!({ "ids": [shop.a4()], "comment": "x" });
            shop.ps(version, "proxy/comment/set", &body).await.ps_ok();
            let body = json!({ "ids": [shop.a4()], "comment": nothing });
            shop.ps(version, "proxy/comment/set", &body).await.ps_ok();
            assert_eq!(comment(&shop, "ipv4", shop.a4()).await, json!(""), "{nothing}");
        }
        // 256 characters, not bytes.
        let longest = "ü".repeat(256);
        let body = json!({ "ids": [shop.a4()], "comment": longest });
        shop.ps(version, "proxy/comment/set", &body).await.ps_ok();
        assert_eq!(comment(&shop, "ipv4", shop.a4()).await, json!(longest));
    }
}

#[tokio::test]
async fn a_comment_is_set_beside_all_or_none() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for wrong in [
            json!([shop.a4(), shop.ob.lease()]),
            json!([shop.a4(), "x"]),
            json!([shop.over.lease()]),
            json!([]),
            json!(null),
        ] {
            let body = json!({ "ids": wrong, "comment": "x" });
            shop.ps_refuses(version, "proxy/comment/set", &body, "IP not found", 0).await;
        }
        for wrong in [json!("x".repeat(257)), json!(7), json!("a\u{0}b")] {
            let body = json!({ "ids": [shop.a4()], "comment": wrong });
            let words = "Set existed [comment]";
            shop.ps_refuses(version, "proxy/comment/set", &body, words, 0).await;
        }
    }
    // A key for looking may not.
    let body = json!({ "ids": [shop.a4()], "comment": "x" });
    let answer = shop.ps_as(&shop.kro, "v1", "proxy/comment/set", "", &body).await;
    assert_eq!(answer.header("x-sublet-reason"), Some("key-read-only"));
}
