//! The native API.

use domain::time::Span;
use serde_json::{Value, json};

use crate::client::{Answer, post};
use crate::shop::Shop;

const PROBLEM: &str = "application/problem+json; charset=utf-8";

impl Shop {
    pub(crate) async fn native_extend(&self, key: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("authorization: Bearer {key}\r\n{headers}");
        self.raw(post("/api/v1/leases/extend", &headers, body)).await
    }
}

#[track_caller]
fn is_problem(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(PROBLEM));
    let json = answer.json();
    assert_eq!((&json["status"], &json["type"]), (&json!(status), &json!(name)), "{answer:?}");
    assert!(json["title"].is_string() && json["detail"].is_string());
}

#[tokio::test]
async fn the_wallet() {
    let shop = Shop::open().await;
    let answer = shop.native(&shop.ka, "/api/v1/wallet").await;
    assert_eq!(answer.body, r#"{"balance":"100.00","currency":"USD"}"#);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn nobody_comes_in_without_a_key() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for path in ["/api/v1/wallet", "/api/v1/leases", "/api/v1/receipts", "/api/v1/receipts/x"] {
        for key in ["", "wrong", &shop.krev, &shop.operator_token] {
            let answer = shop.native(key, path).await;
            is_problem(&answer, 401, "about:blank");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        is_problem(&shop.get(path).await, 401, "about:blank");
        is_problem(&shop.native(&shop.kip, path).await, 403, "about:blank");
        let post = shop.raw(post(path, "", "{}")).await;
        is_problem(&post, 405, "about:blank");
        assert_eq!(post.header("allow"), Some("GET"));
    }
    let body = format!("{{\"ids\":[\"{}\"],\"period_days\":30}}", shop.a4());
    is_problem(&shop.native_extend("wrong", "", &body).await, 401, "about:blank");
    is_problem(&shop.native_extend(&shop.kro, "", &body).await, 403, "about:blank");
    is_problem(&shop.native(&shop.ka, "/api/v1/leases/extend").await, 405, "about:blank");
    assert!(shop.digest() == before);
}

#[tokio::test]
async fn leases_by_pages_and_those_in_reserve() {
    let shop = Shop::open().await;
    let all = shop.native(&shop.ka, "/api/v1/leases").await.json();
    assert_eq!((all["leases"].as_array().unwrap().len(), &all["next"]), (7, &Value::Null));
    let mut seen = Vec::new();
    let mut path = "/api/v1/leases?limit=3".to_owned();
    loop {
        let page = shop.native(&shop.ka, &path).await.json();
        seen.extend(page["leases"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/leases?limit=3&after={next}");
    }
    assert_eq!(json!(seen), all["leases"]);
    let mobile = shop.native(&shop.ka, "/api/v1/leases?kind=mobile").await.json();
    let mobile = &mobile["leases"][0];
    assert_eq!((&mobile["id"], &mobile["operator"]), (&json!(shop.am.lease()), &json!("verizon")));
    assert_eq!(mobile["ends_at"], "2026-03-05T00:00:00Z");
    for query in
        ["limit=0", "limit=501", "limit=x", "state=gone", "kind=x", "after=x", "limit=1&limit=2"]
    {
        let answer = shop.native(&shop.ka, &format!("/api/v1/leases?{query}")).await;
        is_problem(&answer, 400, "about:blank");
    }

    shop.clock.advance(Span::from_days(30));
    shop.engine.sweep().await.unwrap();
    assert_eq!(shop.native(&shop.ka, "/api/v1/leases").await.json()["leases"], json!([]));
    let reserved = shop.native(&shop.ka, "/api/v1/leases?state=reserved&kind=IPv4").await.json();
    let first = &reserved["leases"][0];
    assert_eq!((&first["id"], &first["state"]), (&json!(shop.a4()), &json!("reserved")));
    assert_eq!(first["reserved_until"], "2026-03-06T00:00:00Z");

    let body = format!("{{\"ids\":[\"{}\"],\"period_days\":30}}", shop.a4());
    let restored = shop.native_extend(&shop.ka, "", &body).await.json();
    assert_eq!(restored["leases"][0]["ends_at"], "2026-04-04T00:00:00Z");
    assert_eq!(restored["total"], "1.31");
    let live = shop.native(&shop.ka, "/api/v1/leases").await.json();
    assert_eq!(live["leases"][0]["id"], json!(shop.a4()));
}

#[tokio::test]
async fn an_extension_and_its_receipt() {
    let shop = Shop::open().await;
    shop.promo("SPRING", |_| {});
    let body = json!({
        "ids": [shop.a4(), shop.a4b()], "period_days": 60, "promo_code": "spring"
    });
    let key = "idempotency-key: one\r\n";
    let answer = shop.native_extend(&shop.ka, key, &body.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["total"], &json["balance"]), (&json!("5.40"), &json!("94.60")));
    let again = shop.native_extend(&shop.ka, key, &body.to_string()).await;
    assert!(again.is_replayed());
    assert_eq!(again.body, answer.body);
    let other = json!({ "ids": [shop.a4()], "period_days": 60 }).to_string();
    let reused = shop.native_extend(&shop.ka, key, &other).await;
    is_problem(&reused, 422, "urn:sublet:problem:idempotency-key-reused");

    let id = json["receipt_id"].as_str().unwrap();
    let receipt = shop.native(&shop.ka, &format!("/api/v1/receipts/{id}")).await.json();
    assert_eq!((&receipt["event"], &receipt["id"]), (&json!("extension"), &json!(id)));
    assert_eq!(
        receipt["quote"],
        json!({
            "lines": [{
                "product": "IPv4/USA", "period_days": 60, "quantity": 2, "unit_price": "3.00",
                "discount_percent": "0"
            }],
            "discount_percent": "10", "promo_code": "applied", "total": "5.40", "price_list": 1
        })
    );
    assert_eq!(receipt["leases"], json["leases"]);
    assert_eq!(receipt["balance_after"], "94.60");
    let all = shop.native(&shop.ka, "/api/v1/receipts").await.json();
    let events: Vec<&str> = all["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!((events[0], *events.last().unwrap()), ("deposit", "extension"));
    assert!(events.contains(&"ended") && events.contains(&"released"));
    let page = shop.native(&shop.ka, "/api/v1/receipts?limit=2").await.json();
    let next = page["next"].as_str().unwrap();
    let rest = shop.native(&shop.ka, &format!("/api/v1/receipts?after={next}")).await.json();
    let both = [
        page["receipts"].as_array().unwrap().clone(),
        rest["receipts"].as_array().unwrap().clone(),
    ];
    assert_eq!(json!(both.concat()), all["receipts"]);
}

#[tokio::test]
async fn refusals_have_names_and_change_nothing() {
    let shop = Shop::open().await;
    let (poor, lease) = shop.newcomer(0).await;
    let before = shop.digest();
    let extend = |body: Value| {
        let shop = &shop;
        async move { shop.native_extend(&shop.ka, "", &body.to_string()).await }
    };
    let name = |name: &str| format!("urn:sublet:problem:{name}");
    let promo =
        extend(json!({ "ids": [shop.a4()], "period_days": 30, "promo_code": "NOPE" })).await;
    is_problem(&promo, 422, &name("promo-not-applicable"));
    // A name that is misspelt does not make the wallet pay what a card was to pay for.
    let misspelt = extend(json!({ "ids": [shop.a4()], "period_days": 30, "cardId": "x" })).await;
    is_problem(&misspelt, 400, "about:blank");
    let period = extend(json!({ "ids": [shop.a4()], "period_days": 31 })).await;
    is_problem(&period, 422, &name("period-not-on-sale"));
    let part = extend(json!({ "ids": &shop.o6.leases[..1], "period_days": 30 })).await;
    is_problem(&part, 422, &name("whole-order-only"));
    for ids in [
        json!([]),
        json!(["x"]),
        json!([shop.ob.lease()]),
        json!([shop.a4(), shop.am.lease()]),
        json!([shop.over.lease()]),
    ] {
        let unknown = extend(json!({ "ids": ids, "period_days": 30 })).await;
        is_problem(&unknown, 422, &name("unknown-lease"));
    }
    let body = json!({ "ids": [lease], "period_days": 30 }).to_string();
    is_problem(&shop.native_extend(&poor, "", &body).await, 402, &name("insufficient-funds"));
    for body in ["", "{", "[]", "[[\"x\"],30]", "{\"ids\":\"x\"}", "{\"ids\":[],\"ids\":[]}"] {
        is_problem(&shop.native_extend(&shop.ka, "", body).await, 400, "about:blank");
    }
    let key = "idempotency-key: \r\n";
    is_problem(&shop.native_extend(&shop.ka, key, &body).await, 400, "about:blank");
    let large = " ".repeat(1024 * 1024 + 1);
    is_problem(&shop.native_extend(&shop.ka, "", &large).await, 413, "about:blank");
    assert!(shop.digest() == before);
}

#[tokio::test]
async fn the_limit_of_a_key_holds_here_too() {
    let shop = Shop::open().await;
    let key = shop.new_key(&|new| new.requests_per_minute = Some(1));
    assert_eq!(shop.native(&key, "/api/v1/wallet").await.status, 200);
    let limited = shop.native(&key, "/api/v1/wallet").await;
    is_problem(&limited, 429, "about:blank");
    assert!(limited.header("retry-after").is_some());
    assert_eq!(shop.look(&key, "balance").await.status, 429);
}

/// RB-01, RB-02, RB-04.
#[tokio::test]
async fn the_rotation_link_is_honest_and_dead_after_the_lease() {
    let shop = Shop::open().await;
    let list = shop.look(&shop.ka, "ipAddress?proxyType=MOBILE").await.json();
    let link = list["MOBILE"][0]["ipAddresses"][0]["rebootLink"].as_str().unwrap().to_owned();
    let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
    let before = shop.digest();
    let answer = shop.get(path).await;
    assert_eq!(answer.status, 422, "its modem is not known");
    assert!(answer.body.contains("This proxy cannot be rotated"), "{}", answer.body);
    let token = path.split('=').nth(1).unwrap();
    let wrong = shop.get("/api/proxy/reboot").await;
    assert_eq!(wrong.status, 404);
    for token in
        ["", "x", &token[1..], &token.to_uppercase(), &token.replace(&token[50..], "000000")]
    {
        let answer = shop.get(&format!("/api/proxy/reboot?token={token}")).await;
        assert_eq!((answer.status, &answer.body), (404, &wrong.body), "{token}");
    }
    for method in ["HEAD", "OPTIONS", "POST", "PUT"] {
        let mut client = shop.connect().await;
        client.send(format!("{method} {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(client.answer_to(true).await.status, 405, "{method}");
    }
    assert!(shop.digest() == before);
    shop.clock.advance(Span::from_days(30));
    assert_eq!(shop.get(path).await.body, wrong.body);
}
