//! Authorisations, comments and replacements in the native API.

use serde_json::{Value, json};

use crate::client::{Answer, post};
use crate::shop::Shop;

impl Shop {
    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let headers = format!("authorization: Bearer {}\r\n{headers}", self.ka);
        let request = post(path, &headers, body);
        self.raw(request.replacen("POST", method, 1)).await
    }

    async fn authorisations(&self, query: &str) -> Vec<Value> {
        let answer = self.native(&self.ka, &format!("/api/v1/authorisations{query}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["authorisations"].as_array().unwrap().clone()
    }
}

fn kind(answer: &Answer) -> String {
    let kind = answer.json()["type"].as_str().unwrap().to_owned();
    kind.strip_prefix("urn:sublet:problem:").map(str::to_owned).unwrap_or(kind)
}

#[tokio::test]
async fn ways_in_are_listed_added_changed_and_deleted() {
    let shop = Shop::open().await;
    let list = shop.authorisations("").await;
    let order = list[0]["order_id"].as_str().unwrap().to_owned();
    assert_eq!(list[0]["shown_in_lists"], true);
    let add =
        async |body: Value| shop.ask("POST", "/api/v1/authorisations", "", &body.to_string()).await;
    let own = add(json!({ "order_id": order, "by": "own" })).await;
    assert_eq!(own.status, 200, "{own:?}");
    let own = own.json()["authorisation"].clone();
    assert_eq!((&own["shown_in_lists"], &own["usual"]), (&json!(false), &json!(false)));
    let usual = add(json!({ "order_id": order, "by": "usual" })).await.json();
    assert_eq!(usual["authorisation"]["usual"], true);
    let again = add(json!({ "order_id": order, "by": "usual" })).await.json();
    assert_eq!((&again["receipt_id"], &again["id"]), (&Value::Null, &usual["id"]));
    let ip = json!({ "order_id": order, "by": "source_ip", "source_ip": "203.0.113.7" });
    let ip = add(ip).await.json();
    assert_eq!(ip["authorisation"]["access"], json!({ "source_ip": "203.0.113.7" }));
    for (body, status, name) in [
        (json!({ "order_id": order, "by": "magic" }), 400, "about:blank"),
        (json!({ "by": "own" }), 400, "about:blank"),
        (json!({ "order_id": "x", "by": "own" }), 422, "unknown-order"),
        (json!({ "order_id": order, "by": "source_ip" }), 422, "bad-source-ip"),
        (
            json!({ "order_id": order, "by": "source_ip", "source_ip": "10.0.0.1" }),
            422,
            "bad-source-ip",
        ),
    ] {
        let answer = add(body).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (status, name), "{answer:?}");
    }

    let path = format!("/api/v1/authorisations/{}", own["id"].as_str().unwrap());
    let body = r#"{"active":false,"login":"ann.two","password":"s3cret!"}"#;
    let changed = shop.ask("PATCH", &path, "", body).await.json();
    let now = &changed["authorisation"];
    assert_eq!(now["access"], json!({ "login": "ann.two", "password": "s3cret!" }));
    assert_eq!((&now["active"], &now["id"]), (&json!(false), &own["id"]));
    let same = shop.ask("PATCH", &path, "", body).await.json();
    assert_eq!(same["receipt_id"], Value::Null);
    for (body, status, name) in [
        (r#"{"login":"x"}"#, 422, "bad-login"),
        (r#"{"password":"x"}"#, 422, "bad-password"),
        (r#"{"source_ip":"203.0.113.7"}"#, 422, "unknown-access"),
    ] {
        let answer = shop.ask("PATCH", &path, "", body).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (status, name), "{answer:?}");
    }
    let taken = format!("/api/v1/authorisations/{}", list[0]["id"].as_str().unwrap());
    let answer = shop.ask("PATCH", &taken, "", r#"{"login":"ann.two"}"#).await;
    assert_eq!((answer.status, kind(&answer).as_str()), (409, "login-taken"));

    let of_order = shop.authorisations(&format!("?order_id={order}")).await;
    assert_eq!(of_order.len(), 4);
    let key = "idempotency-key: gone-1\r\n";
    let [gone, replayed] =
        [shop.ask("DELETE", &path, key, "").await, shop.ask("DELETE", &path, key, "").await];
    assert_eq!(gone.json()["authorisation"], Value::Null);
    assert_eq!(gone.body, replayed.body);
    assert!(replayed.is_replayed());
    let answer = shop.ask("DELETE", &path, "", "").await;
    assert_eq!((answer.status, kind(&answer).as_str()), (422, "unknown-authorisation"));
    assert_eq!(shop.authorisations(&format!("?order_id={order}")).await.len(), 3);

    let receipts = shop.native(&shop.ka, "/api/v1/receipts?limit=500").await;
    for secret in ["s3cret!", "ann.two", "203.0.113.7"] {
        assert!(!receipts.body.contains(secret), "no receipt tells {secret}");
    }
    assert!(receipts.body.contains("authorisation_deleted"));
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let shop = Shop::open().await;
    let his = shop.native(&shop.kb, "/api/v1/authorisations").await.json();
    let his = &his["authorisations"][0];
    let path = format!("/api/v1/authorisations/{}", his["id"].as_str().unwrap());
    for method in ["PATCH", "DELETE"] {
        let answer = shop.ask(method, &path, "", "{}").await;
        assert_eq!((answer.status, kind(&answer).as_str()), (422, "unknown-authorisation"));
    }
    let query = format!("?order_id={}", his["order_id"].as_str().unwrap());
    assert_eq!(shop.authorisations(&query).await, [Value::Null; 0]);
    let again = shop.native(&shop.kb, "/api/v1/authorisations").await.json();
    assert_eq!(&again["authorisations"][0], his);
}

#[tokio::test]
async fn the_pages_of_a_list_are_the_list() {
    let shop = Shop::open().await;
    let whole = shop.authorisations("").await;
    assert!(whole.len() > 2);
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/authorisations?limit=2{after}");
        let page = shop.native(&shop.ka, &path).await.json();
        pages.extend(page["authorisations"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(pages, whole);
}

#[tokio::test]
async fn a_lease_gets_another_address_once_a_day_and_a_comment() {
    let shop = Shop::open().await;
    let lease = shop.a4();
    let shown = async || {
        let leases = shop.native(&shop.ka, "/api/v1/leases?limit=500").await.json();
        let list = leases["leases"].as_array().unwrap().clone();
        list.into_iter().find(|it| it["id"] == lease).unwrap()
    };
    let before = shown().await;
    let replace = async |headers: &str, body: Value| {
        shop.ask("POST", "/api/v1/leases/replace", headers, &body.to_string()).await
    };
    let wish = json!({ "ids": [lease], "reason": "low_speed", "comment": "slow" });
    let key = "idempotency-key: slow-1\r\n";
    let done = replace(key, wish.clone()).await;
    assert_eq!(done.status, 200, "{done:?}");
    let replaced = done.json()["leases"][0].clone();
    let after = shown().await;
    assert_eq!(replaced["exit_before"], before["exit"]);
    assert_eq!(replaced["exit"], after["exit"]);
    assert_ne!(after["exit"], before["exit"]);
    assert_eq!((&after["access"], &after["ends_at"]), (&before["access"], &before["ends_at"]));
    let again = replace(key, wish.clone()).await;
    assert!(again.is_replayed());
    assert_eq!(again.body, done.body);
    for (body, status, name) in [
        (wish, 409, "replaced-recently"),
        (json!({ "ids": [lease], "reason": "bored" }), 422, "unknown-reason"),
        (json!({ "ids": [lease], "reason": "CUSTOM" }), 422, "bad-comment"),
        (json!({ "ids": ["x"], "reason": "LOW_SPEED" }), 422, "unknown-lease"),
        (json!({ "ids": [], "reason": "LOW_SPEED" }), 422, "unknown-lease"),
    ] {
        let answer = replace("", body).await;
        assert_eq!((answer.status, kind(&answer).as_str()), (status, name), "{answer:?}");
    }
    let path = format!("/api/v1/leases/{lease}/replacements");
    let history = shop.native(&shop.ka, &path).await.json();
    let only = &history["replacements"][0];
    assert_eq!((&only["reason"], &only["comment"]), (&json!("LOW_SPEED"), &json!("slow")));
    assert_eq!(only["exit"], after["exit"]);
    assert_eq!(shop.native(&shop.kb, &path).await.status, 404);

    let body = json!({ "ids": [lease], "comment": "shop 7" }).to_string();
    let noted = shop.ask("POST", "/api/v1/leases/comment", "", &body).await.json();
    assert_eq!(noted["updated"], 1);
    assert_eq!(shown().await["comment"], "shop 7");
    let body = json!({ "ids": [lease] }).to_string();
    shop.ask("POST", "/api/v1/leases/comment", "", &body).await;
    assert_eq!(shown().await["comment"], Value::Null);
}
