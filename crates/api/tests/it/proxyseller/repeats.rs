//! The same request twice.

use serde_json::json;

use super::VERSIONS;
use crate::client::post;
use crate::shop::Shop;
use crate::trouble::Trouble;

#[tokio::test]
async fn a_key_makes_a_repetition_known() {
    let shop = Shop::open().await;
    let mut left = 10_000;
    for version in VERSIONS {
        let body = json!({ "ids": [shop.a4()], "periodId": "1m" });
        let key = format!("idempotency-key: {version}-1\r\n");
        let call = "prolong/make/ipv4";
        let made = shop.ps_as(&shop.ka, version, call, &key, &body).await;
        left -= 131;
        made.ps_ok();
        for call in [call, "prolong/make/ipv4/", "prolong/make/IPV4"] {
            let again = shop.ps_as(&shop.ka, version, call, &key, &body).await;
            assert_eq!(again.body, made.body);
            assert!(again.is_replayed());
        }
        assert_eq!(shop.balance(shop.ann), left);
        let other = json!({ "ids": [shop.a4()], "periodId": "2m" });
        let refused = shop.ps_as(&shop.ka, version, call, &key, &other).await;
        refused.ps_refused("The Idempotency-Key belongs to another request", 0);
        assert_eq!(refused.header("x-sublet-reason"), Some("idempotency-key-reused"));
        let bad = "idempotency-key: a\r\nidempotency-key: b\r\n";
        let refused = shop.ps_as(&shop.ka, version, call, bad, &body).await;
        refused.ps_refused("Set [Idempotency-Key]", 0);
        assert_eq!(shop.balance(shop.ann), left);
    }
}

#[tokio::test]
async fn a_refusal_for_lack_of_money_is_told_again() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let body = json!({ "ids": [shop.oz.lease()], "periodId": "1m" });
        let key = format!("idempotency-key: {version}\r\n");
        let made = shop.ps_as(&shop.kz, version, "prolong/make/ipv4", &key, &body).await;
        assert!(!made.is_replayed());
        let again = shop.ps_as(&shop.kz, version, "prolong/make/ipv4", &key, &body).await;
        assert!(again.is_replayed(), "{again:?}");
        assert_eq!(again.body, made.body);
    }
}

/// The first order is being decided when its client leaves and another connection brings the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_before_the_answer_and_asks_again_is_charged_once() {
    let shop = Shop::open().await;
    let mut charged = 0;
    for version in VERSIONS {
        let body = json!({ "sectionCode": "ipv4", "countryId": 1840, "periodId": "1m",
            "quantity": 1, "paymentId": 1, "customTargetName": "prices" });
        let path = format!("/personal/api/{version}/{}/order/make", shop.ka);
        let request = post(&path, "", &body.to_string());
        charged += 1;
        let entered = shop.store.entered();
        shop.store.be(Trouble::Held);
        let mut first = shop.connect().await;
        first.send(&request).await;
        while shop.store.entered() == entered {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        first.reset();
        let mut second = shop.connect().await;
        second.send(&request).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        shop.store.be(Trouble::None);
        let answer = second.answer().await;
        answer.ps_ok();
        assert!(answer.is_replayed(), "{answer:?}");
        assert_eq!(shop.balance(shop.ann), 10_000 - 131 * charged);
    }
}
