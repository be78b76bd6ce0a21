//! `proxy/replace`

use serde_json::json;

use super::VERSIONS;
use crate::shop::Shop;

#[tokio::test]
async fn a_proxy_gets_another_address_once_a_day() {
    let shop = Shop::open().await;
    for (version, lease) in VERSIONS.into_iter().zip([shop.a4(), shop.a4b()]) {
        let item = async || {
            let body = json!({ "ids": [lease], "periodId": "1m" });
            let quoted = shop.ps(version, "prolong/calc/ipv4", &body).await.ps_ok();
            quoted["items"][0].clone()
        };
        let before = item().await;
        let body = json!({ "ids": [lease], "type": "not_work", "comment": null });
        let done = shop.ps(version, "proxy/replace", &body).await.ps_ok();
        let expected =
            json!({ "ok": { "ips": [before["ip"]], "msg": "Replacement request submitted" } });
        assert_eq!(done, expected);
        let after = item().await;
        assert_ne!(after["ip"], before["ip"]);
        for same in ["id", "order_id", "login", "password", "date_end", "base_order_number"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        let words = "Replacement already requested";
        let refused = shop.ps_refuses(version, "proxy/replace", &body, words, 0).await;
        assert_eq!(refused.header("x-sublet-reason"), Some("replaced-recently"));
    }
}

#[tokio::test]
async fn a_replacement_needs_a_reason() {
    let shop = Shop::open().await;
    let words = "Set coorect type: NOT_WORK / INCORRECT_LOCATION / CANT_CHANGE_NETWORK / \
                 LOW_SPEED / CUSTOM";
    for version in VERSIONS {
        for wrong in [json!(null), json!("BROKEN"), json!(7)] {
            let body = json!({ "ids": [shop.a4()], "type": wrong });
            shop.ps_refuses(version, "proxy/replace", &body, words, 0).await;
        }
        for wrong in [json!(null), json!(""), json!("  "), json!("x".repeat(300))] {
            let body = json!({ "ids": [shop.a4()], "type": "CUSTOM", "comment": wrong });
            shop.ps_refuses(version, "proxy/replace", &body, "Set comment", 503).await;
        }
        for wrong in [json!([]), json!([shop.ob.lease()]), json!([shop.a4(), "x"]), json!(null)] {
            let body = json!({ "ids": wrong, "type": "LOW_SPEED" });
            shop.ps_refuses(version, "proxy/replace", &body, "IP not found", 0).await;
        }
    }
}
