//! What is said when something is wrong on our side.

use std::time::Duration;

use engine::batcher::Bounds;

use crate::client::post;
use crate::forms::{CALLS, assert_common, refusal};
use crate::shop::{Shop, With, order_body};
use crate::trouble::Trouble;

const NOTHING_DONE: &str = "Temporarily unavailable, nothing was done";

#[tokio::test]
async fn a_full_disk_refuses_what_writes_and_nothing_else() {
    let shop = Shop::open().await;
    let before = shop.digest();
    shop.store.be(Trouble::Full);
    for (call, body) in [
        ("order", order_body("IPv4", 1)),
        (
            "extend",
            format!(
                "{{\"proxyType\":\"IPv4\",\"ipAddressIds\":\"{}\",\"rentPeriodDays\":30}}",
                shop.a4()
            ),
        ),
        (
            "extend/order/auto",
            format!(
                "{{\"proxyType\":\"IPv4\",\"orderIds\":\"{}\",\"rentPeriodDays\":30,\"autoExtend\":true}}",
                shop.o4.order
            ),
        ),
    ] {
        let answer = shop.call(&shop.ka, call, &body).await;
        assert_common(&answer, 503);
        assert_eq!(answer.body, refusal(call, 35, NOTHING_DONE, "100"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("x-operation-id"), None);
    }
    assert!(shop.digest() == before);
    shop.look(&shop.ka, "ipAddress").await.is_ok();
    shop.call(&shop.ka, "calculate/order", &order_body("IPv4", 1)).await.is_ok();
    shop.store.be(Trouble::None);
    shop.call(&shop.ka, "order", &order_body("IPv4", 1)).await.is_ok();
}

#[tokio::test]
async fn an_unknown_outcome_is_never_told_as_a_failure() {
    for always_200 in [false, true] {
        let settings = api::Settings { always_200, ..api::Settings::default() };
        let shop = Shop::open_with(With { settings, ..With::default() }).await;
        shop.store.be(Trouble::Unknown);
        let key = "idempotency-key: one\r\n";
        let answer = shop.call_with(&shop.ka, "order", key, &order_body("IPv4", 1)).await;
        assert_common(&answer, 503);
        assert_eq!(answer.body, "{}");
        assert_eq!(answer.header("x-operation-id"), answer.header("x-request-id"));
        shop.store.be(Trouble::None);
        let truth = shop.call_with(&shop.ka, "order", key, &order_body("IPv4", 1)).await;
        assert!(truth.is_replayed());
        truth.is_ok();
        assert_eq!(shop.balance(shop.ann), 10_000 - 131);
    }
}

#[tokio::test]
async fn without_a_database_everything_is_503_in_its_form() {
    let shop = Shop::open().await;
    shop.store.be(Trouble::Away);
    for (call, has_body) in CALLS {
        let answer = match has_body {
            true => shop.call("any", call, "{}").await,
            false => shop.look("any", call).await,
        };
        assert_common(&answer, 503);
        assert_eq!(answer.body, refusal(call, 35, NOTHING_DONE, "null"));
    }
    assert_eq!(shop.get("/readyz").await.status, 503);
    assert_eq!(shop.get("/healthz").await.status, 200);
    assert_eq!(shop.get("/metrics").await.status, 200);
    let native = shop.native(&shop.ka, "/api/v1/wallet").await;
    assert_eq!(native.status, 503);
    assert_eq!(native.header("content-type"), Some("application/problem+json; charset=utf-8"));
    shop.store.be(Trouble::None);
    assert_eq!(shop.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_transaction_that_panics_harms_itself_alone() {
    let shop = Shop::open().await;
    let before = shop.digest();
    shop.store.be(Trouble::Panics);
    let answer = shop.call(&shop.ka, "order", &order_body("IPv4", 1)).await;
    assert_eq!((answer.status, answer.code()), (503, Some(35)));
    shop.store.be(Trouble::None);
    assert!(shop.digest() == before);
    shop.call(&shop.ka, "order", &order_body("IPv4", 1)).await.is_ok();
}

/// What is refused for lack of room is not charged; what is charged is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overload_is_refused_and_nothing_is_done() {
    let bounds = Bounds { waiting: 4, ..Bounds::default() };
    let shop = Shop::open_with(With { bounds, ..With::default() }).await;
    shop.store.be(Trouble::Slow(Duration::from_millis(50)));
    let request = post(&format!("/client/api/v1/{}/order", shop.ka), "", &order_body("IPv4", 1));
    let mut clients = Vec::new();
    for _ in 0..30 {
        let mut client = shop.connect().await;
        client.send(&request).await;
        clients.push(client);
    }
    let (mut done, mut shed) = (0, 0);
    for client in &mut clients {
        let answer = client.answer().await;
        match answer.status {
            200 => done += 1,
            503 => {
                assert_eq!(answer.json()["error"]["message"], NOTHING_DONE);
                shed += 1;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(done > 0 && shed > 0, "{done} done, {shed} shed");
    assert_eq!(shop.balance(shop.ann), 10_000 - 131 * done);
}

#[tokio::test]
async fn a_closing_shop_says_that_nothing_was_done() {
    let shop = Shop::open().await;
    shop.engine.close().await;
    let answer = shop.call(&shop.ka, "order", &order_body("IPv4", 1)).await;
    assert_eq!((answer.status, answer.code()), (503, Some(35)));
    assert_eq!(shop.get("/readyz").await.status, 503);
}
