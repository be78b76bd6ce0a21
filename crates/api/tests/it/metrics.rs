//! Numbers for machines.

use crate::shop::{Shop, order_body};

#[tokio::test]
async fn what_happened_is_counted_by_template() {
    let shop = Shop::open().await;
    shop.look(&shop.ka, "balance").await.is_ok();
    shop.look("wrong", "balance").await;
    shop.get("/nothing/here").await;
    shop.native(&shop.ka, "/api/v1/wallet").await;
    shop.call(&shop.ka, "order", &order_body("IPv4", 1)).await.is_ok();
    let answer = shop.get("/metrics").await;
    let content = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(content));
    for line in [
        "sublet_http_requests_total{dialect=\"youproxy\",route=\"/client/api/v1/{apiKey}/balance\",status=\"200\"} 2",
        "sublet_http_requests_total{dialect=\"native\",route=\"/api/v1/wallet\",status=\"200\"} 1",
        "sublet_http_requests_total{dialect=\"none\",route=\"unknown\",status=\"404\"} 1",
        "sublet_http_request_duration_seconds_count{route=\"/client/api/v1/{apiKey}/order\"} 1",
        "sublet_orders_total 1",
        "sublet_batcher_waiting 0",
    ] {
        assert!(answer.body.lines().any(|it| it == line), "{line} is not in {}", answer.body);
    }
    assert!(answer.body.contains("sublet_http_connections_accepted_total"));
    assert!(!answer.body.contains(&shop.ka) && !answer.body.contains("nothing"));
}
