//! Payments, their pages, saved cards and automatic top-up.

use serde_json::{Value, json};
use store::Store;

use crate::client::{Answer, post};
use crate::shop::{Shop, With};

impl Shop {
    async fn change(&self, method: &str, key: &str, path: &str, body: &str) -> Answer {
        let headers = format!("authorization: Bearer {key}\r\n");
        self.raw(post(path, &headers, body).replacen("POST", method, 1)).await
    }

    async fn begins(&self, key: &str, amount: &str, method: &str) -> Answer {
        let body = json!({ "amount": amount, "method": method }).to_string();
        self.change("POST", key, "/api/v1/payments", &body).await
    }

    async fn presses(&self, page: &str, button: &str) -> Answer {
        let headers = "content-type: application/x-www-form-urlencoded\r\n";
        self.raw(post(page, headers, &format!("action={button}"))).await
    }

    async fn plays(&self, customer: i64, fail: Option<&str>) -> Answer {
        let body = json!({ "customer_id": customer, "fail": fail }).to_string();
        self.change("POST", &self.operator_token, "/sandbox/v1/cards", &body).await
    }

    async fn wallet(&self, key: &str) -> String {
        let wallet = self.native(key, "/api/v1/wallet").await.json();
        wallet["balance"].as_str().unwrap().to_owned()
    }
}

async fn sandbox() -> Shop {
    Shop::open_with(With { sandbox: true, ..With::default() }).await
}

/// The path of the page of a payment that was begun.
fn page(begun: &Value) -> String {
    let url = begun["url"].as_str().unwrap();
    url[url.find("/pay/").unwrap()..].to_owned()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, name: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json()["type"], format!("urn:sublet:problem:{name}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_a_payment_once() {
    let shop = sandbox().await;
    let methods = shop.native(&shop.ka, "/api/v1/payment-methods").await.json();
    let names: Vec<&Value> =
        methods["methods"].as_array().unwrap().iter().map(|it| &it["method"]).collect();
    assert_eq!(names, ["manual", "sandbox-card"]);
    let begun = shop.begins(&shop.ka, "5.00", "sandbox-card").await.json();
    assert_eq!((&begun["state"], &begun["amount"]), (&json!("pending"), &json!("5.00")));
    let page = page(&begun);
    let shown = shop.get(&page).await;
    assert_eq!(shown.status, 200);
    for text in ["5.00 USD", "waiting", "value=\"pay\"", begun["id"].as_str().unwrap()] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self'"), "{policy}");

    for button in ["pay", "pay", "decline"] {
        let pressed = shop.presses(&page, button).await;
        assert_eq!((pressed.status, pressed.header("location")), (303, Some(page.as_str())));
    }
    assert_eq!(shop.presses(&page, "steal").await.status, 400);
    assert_eq!(shop.wallet(&shop.ka).await, "105.00");
    let shown = shop.get(&page).await;
    assert!(shown.body.contains("paid") && !shown.body.contains("<form"), "{}", shown.body);
    let listed = shop.native(&shop.ka, "/api/v1/payments").await.json();
    assert_eq!(listed["payments"][0]["state"], "settled");
    let receipt = listed["payments"][0]["receipt_id"].as_str().unwrap();
    let receipt = shop.native(&shop.ka, &format!("/api/v1/receipts/{receipt}")).await.json();
    assert_eq!((&receipt["event"], &receipt["amount"]), (&json!("payment"), &json!("5.00")));
    let cards = shop.native(&shop.ka, "/api/v1/cards").await.json();
    assert_eq!((&cards["cards"][0]["last4"], &cards["cards"][1]), (&json!("4242"), &Value::Null));
    // Nobody else sees any of it.
    for path in ["payments", "cards"] {
        let others = shop.native(&shop.kb, &format!("/api/v1/{path}")).await.json();
        assert_eq!(others[path], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_has_no_buttons() {
    let shop = Shop::open().await;
    let begun = shop.begins(&shop.ka, "5.00", "manual").await.json();
    let page = page(&begun);
    let shown = shop.get(&page).await;
    assert!(shown.body.contains("waiting") && !shown.body.contains("<form"), "{}", shown.body);
    shop.presses(&page, "pay").await;
    assert_eq!(shop.wallet(&shop.ka).await, "100.00");
    let mut other = page.clone();
    let last = if other.pop() == Some('0') { '1' } else { '0' };
    other.push(last);
    for wrong in [other.as_str(), "/pay/", "/pay/x", "/pay/%3Cscript%3E"] {
        let answer = shop.get(wrong).await;
        assert_eq!(answer.status, 404, "{wrong}");
        assert!(!answer.body.contains("script>"), "{wrong}");
    }
    refused(&shop.begins(&shop.ka, "5.00", "sandbox-card").await, 422, "unknown-means");
    for amount in ["0.99", "-5", "five", "5.001"] {
        refused(&shop.begins(&shop.ka, amount, "manual").await, 422, "bad-amount");
    }
    assert_eq!(shop.begins(&shop.kro, "5.00", "manual").await.status, 403);
    assert_eq!(shop.begins("wrong", "5.00", "manual").await.status, 401);
    assert_eq!(shop.plays(1, None).await.status, 404, "cards are played with in sandboxes only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pays_for_an_extension_or_it_is_not_done() {
    let shop = sandbox().await;
    let (ann, bob) = (shop.ann.0, shop.bob.0);
    let card = shop.plays(ann, None).await.json()["card_id"].as_str().unwrap().to_owned();
    let others = shop.plays(bob, None).await.json()["card_id"].as_str().unwrap().to_owned();
    let body =
        |card: &str| json!({ "ids": [shop.a4()], "period_days": 30, "card_id": card }).to_string();
    for strange in [others.as_str(), "x", &"0".repeat(24)] {
        refused(&shop.native_extend(&shop.ka, "", &body(strange)).await, 422, "no-card");
    }
    shop.plays(ann, Some("declined")).await;
    let declined = shop.native_extend(&shop.ka, "idempotency-key: k\r\n", &body(&card)).await;
    refused(&declined, 402, "card-declined");
    shop.plays(ann, None).await;
    let done = shop.native_extend(&shop.ka, "idempotency-key: k\r\n", &body(&card)).await;
    assert_eq!(done.status, 200, "{done:?}");
    let again = shop.native_extend(&shop.ka, "idempotency-key: k\r\n", &body(&card)).await;
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &done.body));
    assert_eq!(
        (done.json()["balance"].as_str(), done.json()["total"].as_str()),
        (Some("100.00"), Some("1.31"))
    );
    assert_eq!(shop.wallet(&shop.ka).await, "100.00");
    let payments = shop.native(&shop.ka, "/api/v1/payments").await.json();
    let states: Vec<&Value> =
        payments["payments"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["refused", "settled"]);
    assert_eq!(done.json()["payment_id"], payments["payments"][1]["id"]);
    assert_eq!(shop.store.audit(&mut |_| {}).unwrap().violations, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_pays_for_an_order_or_it_is_not_placed() {
    let shop = sandbox().await;
    let card = shop.plays(shop.ann.0, None).await.json()["card_id"].as_str().unwrap().to_owned();
    let others = shop.plays(shop.bob.0, None).await.json()["card_id"].as_str().unwrap().to_owned();
    let order = async |card: &str, promo: Option<&str>| {
        let body = json!({
            "kind": "IPv4", "package": "america-2", "quantity": 2, "period_days": 30,
            "card_id": card, "promo_code": promo
        });
        let headers = format!("authorization: Bearer {}\r\nidempotency-key: k\r\n", shop.ka);
        shop.raw(post("/api/v1/orders", &headers, &body.to_string())).await
    };
    refused(&order(&others, None).await, 422, "no-card");
    refused(&order(&card, Some("NOPE")).await, 422, "promo-not-applicable");
    let payments = shop.native(&shop.ka, "/api/v1/payments").await.json();
    assert_eq!(payments["payments"], json!([]), "the card was not asked for what is refused");
    shop.plays(shop.ann.0, Some("declined")).await;
    refused(&order(&card, None).await, 402, "card-declined");
    shop.plays(shop.ann.0, None).await;
    let placed = order(&card, None).await;
    assert_eq!(placed.status, 200, "{placed:?}");
    let again = order(&card, None).await;
    assert_eq!((again.is_replayed(), &again.body), (true, &placed.body));
    let placed = placed.json();
    assert_eq!((&placed["total"], &placed["balance"]), (&json!("3.60"), &json!("100.00")));
    let payments = shop.native(&shop.ka, "/api/v1/payments").await.json();
    let of = |name: &str| -> Vec<Value> {
        payments["payments"].as_array().unwrap().iter().map(|it| it[name].clone()).collect()
    };
    assert_eq!(
        (of("state"), of("purpose")),
        (vec![json!("refused"), json!("settled")], vec![json!("order"), json!("order")])
    );
    assert_eq!(placed["payment_id"], payments["payments"][1]["id"]);
    assert_eq!(shop.store.audit(&mut |_| {}).unwrap().violations, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_top_up_is_set_shown_and_done() {
    let shop = sandbox().await;
    let path = "/api/v1/auto-top-up";
    let shown = shop.native(&shop.ka, path).await.json();
    assert_eq!((&shown["state"], &shown["last"]), (&json!("no_payment_method"), &Value::Null));
    let on = json!({ "enabled": true, "threshold": "150.00", "amount": "200.00" }).to_string();
    refused(&shop.change("PATCH", &shop.ka, path, &on).await, 422, "no-card");
    shop.plays(shop.ann.0, None).await;
    for (change, name) in [
        (json!({ "threshold": "0.99" }), "threshold-too-low"),
        (json!({ "amount": "4.99", "threshold": "1.00" }), "top-up-too-low"),
        (json!({ "threshold": "26.00" }), "top-up-below-threshold"),
    ] {
        refused(&shop.change("PATCH", &shop.ka, path, &change.to_string()).await, 422, name);
    }
    assert_eq!(shop.change("PATCH", &shop.ka, path, "[]").await.status, 400);
    assert_eq!(shop.change("PATCH", &shop.kro, path, &on).await.status, 403);
    let set = shop.change("PATCH", &shop.ka, path, &on).await.json();
    assert_eq!((&set["state"], &set["card"]["last4"]), (&json!("active"), &json!("4242")));
    shop.engine.sweep().await.unwrap();
    assert_eq!(shop.wallet(&shop.ka).await, "300.00");
    let shown = shop.native(&shop.ka, path).await.json();
    assert_eq!(shown["last"]["event"], "succeeded");
    let card = shown["card"]["id"].as_str().unwrap();
    let one = format!("/api/v1/cards/{card}");
    assert_eq!(shop.change("DELETE", &shop.kb, &one, "").await.status, 404);
    assert_eq!(shop.change("DELETE", &shop.ka, &one, "").await.json()["state"], "removed");
    assert_eq!(shop.change("DELETE", &shop.ka, &one, "").await.status, 404);
    assert_eq!(shop.native(&shop.ka, path).await.json()["state"], "payment_invalid");
}
