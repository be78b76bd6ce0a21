//! What is true of every call: rows TR-01 to TR-30.

use serde_json::json;

use crate::client::{Answer, Client, post};
use crate::forms::{CALLS, assert_common, message, refusal};
use crate::shop::{Shop, With};

/// A body that every call with one accepts, or refuses for its content only.
fn body(shop: &Shop) -> String {
    json!({
        "proxyType": "IPv4", "ipAddressIds": [shop.a4()], "orderIds": [shop.o4.order],
        "rentPeriodDays": 30, "autoExtend": true, "authType": "LOGIN", "goal": "tests",
        "country": "USA", "quantity": 1
    })
    .to_string()
}

async fn any(shop: &Shop, key: &str, call: &str, has_body: bool) -> Answer {
    match has_body {
        true => shop.call(key, call, &body(shop)).await,
        false => shop.look(key, call).await,
    }
}

/// The form of a call that names a type in its query.
fn expected(call: &str, code: u64, balance: &str) -> String {
    refusal(call, code, message(code), balance)
}

/// TR-01 to TR-05.
#[tokio::test]
async fn a_wrong_key_of_any_kind_gets_the_same_bytes() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let changed = |at: usize| {
        let mut key = shop.ka.clone().into_bytes();
        key[at] = if key[at] == b'a' { b'b' } else { b'a' };
        String::from_utf8(key).unwrap()
    };
    let (start, end) = (changed(3), changed(shop.ka.len() - 1));
    let (long, longer) = ("x".repeat(129), "x".repeat(8 * 1024));
    let unknown = engine::secret::new_api_key([77; 32]).reveal().to_owned();
    let keys = [
        &unknown,
        &shop.krev,
        &start,
        &end,
        &long,
        &longer,
        "",
        "%00",
        "%2F",
        "%ff",
        "a%2Fb",
        "..",
        "*",
        &shop.operator_token,
    ];
    for (call, has_body) in CALLS {
        for key in keys {
            let answer = any(&shop, key, call, has_body).await;
            assert_eq!(answer.body, expected(call, 2, "null"), "{key}");
            assert_common(&answer, 200);
        }
    }
    assert!(shop.digest() == before);
    let target = format!("/client/api/v1/{}/balance", "x".repeat(64 * 1024));
    assert_eq!(shop.get(&target).await.status, 414);
}

/// TR-06 to TR-08.
#[tokio::test]
async fn a_key_is_decoded_once_and_a_slash_is_nothing() {
    let shop = Shop::open().await;
    let plain = shop.look(&shop.ka, "balance").await;
    assert_eq!(
        plain.body,
        "{\"success\":true,\"balance\":100,\"currencyCode\":\"USD\",\"error\":null}"
    );
    let encoded = format!("%{:02x}{}", shop.ka.as_bytes()[0], &shop.ka[1..]);
    assert_eq!(shop.look(&encoded, "balance").await.body, plain.body);
    let twice = encoded.replace('%', "%25");
    assert_eq!(shop.look(&twice, "balance").await.body, expected("balance", 2, "null"));
    for (call, has_body) in CALLS {
        let (path, query) = call.split_once('?').unwrap_or((call, ""));
        let slashed = format!("{path}/?{query}");
        let answer = any(&shop, &shop.kz, &slashed, has_body).await;
        assert_eq!(answer.status, 200, "{call}");
        let two = any(&shop, &shop.ka, &format!("{path}//?{query}"), has_body).await;
        assert_eq!((two.status, two.body.as_str()), (404, "{}"), "{call}");
    }
}

/// TR-07, and that the address is looked at before anything else.
#[tokio::test]
async fn a_key_for_another_address_is_refused() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for (call, has_body) in CALLS {
        let answer = any(&shop, &shop.kip, call, has_body).await;
        assert_eq!(answer.body, expected(call, 3, "null"));
    }
    assert!(shop.digest() == before);
}

/// TR-09 and TR-10.
#[tokio::test]
async fn a_wrong_method_is_refused_and_does_nothing() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let body = body(&shop);
    for (call, has_body) in CALLS {
        let allowed = if has_body { "POST" } else { "GET" };
        for method in
            ["GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "get"]
        {
            if method == allowed {
                continue;
            }
            let request = format!(
                "{method} /client/api/v1/{}/{call} HTTP/1.1\r\nhost: x\r\norigin: https://e.example\r\n\
                 content-length: {}\r\n\r\n{body}",
                shop.ka,
                body.len()
            );
            let mut client = shop.connect().await;
            client.try_send(request).await;
            let answer = client.answer_to(method == "HEAD").await;
            assert_common(&answer, 405);
            assert_eq!(answer.header("allow"), Some(allowed), "{method} {call}");
            if method != "HEAD" {
                assert_eq!(answer.body, expected(call, 35, "null"), "{method} {call}");
            }
        }
    }
    assert!(shop.digest() == before);
}

/// TR-11 to TR-15, TR-17, TR-23.
#[tokio::test]
async fn an_unreadable_body_is_refused() {
    let shop = Shop::open().await;
    let whole = body(&shop);
    let by_position = format!("[\"IPv4\",[\"{}\"],30]", shop.a4());
    let trailing = whole.replace('}', ",}");
    let comment = whole.replace('{', "{/* */");
    let twice = whole.replace('{', "{\"rentPeriodDays\":360,");
    let more = format!("{whole}{whole}");
    let unreadable = [
        "",
        " ",
        "{",
        "{\"proxyType\":",
        "[]",
        "null",
        "\"x\"",
        "7",
        "true",
        &by_position,
        &trailing,
        &comment,
        "{'proxyType':'IPv4'}",
        "{\"rentPeriodDays\":NaN}",
        "{\"rentPeriodDays\":Infinity}",
        "{\"rentPeriodDays\":030}",
        &twice,
        &more,
    ];
    for (call, _) in CALLS.into_iter().filter(|(_, has_body)| *has_body) {
        for body in unreadable {
            shop.refuses(&shop.ka, call, body, 35).await;
        }
    }
    let path = format!("/client/api/v1/{}/extend", shop.ka);
    let mut request = post(&path, "", &whole.replace("IPv4", "IP~4")).into_bytes();
    let at = request.iter().position(|byte| *byte == b'~').unwrap();
    request[at] = 0xff;
    let answer = shop.raw(request).await;
    assert_eq!(answer.body, expected("extend", 35, "100"));
}

/// TR-16, TR-18, TR-22, TR-27.
#[tokio::test]
async fn what_does_not_matter_does_not() {
    let shop = Shop::open().await;
    let price = |headers: &'static str, body: String| {
        let path = format!("/client/api/v1/{}/calculate/extend", shop.ka);
        let length = body.len();
        let shop = &shop;
        async move {
            let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
            shop.raw(format!("{head}{headers}\r\n{body}")).await
        }
    };
    let plain = price("content-type: application/json\r\n", body(&shop)).await;
    plain.is_ok();
    for headers in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        "content-type: application/json; charset=utf-16\r\n",
        "content-encoding: identity\r\n",
    ] {
        assert_eq!(price(headers, body(&shop)).await.body, plain.body, "{headers}");
    }
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for extra in [
        "\"price\":0,\"customerId\":\"B\",\"balance\":999,\"discount\":100,\"role\":\"admin\"",
        &format!("\"unknown\":{nested}"),
    ] {
        let with_extra = body(&shop).replacen('{', &format!("{{{extra},"), 1);
        let before = price("", body(&shop)).await.body;
        assert_eq!(price("", with_extra.clone()).await.body, before);
        let extended = shop.call(&shop.ka, "extend", &with_extra).await.is_ok();
        assert_eq!(extended["quantity"], 1);
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = body(&shop).replacen('{', &format!("{{\"unknown\":{deep},"), 1);
    shop.call(&shop.ka, "extend", &deep).await.is_ok();
    let marked = format!("\u{feff}{}", body(&shop));
    for _ in 0..2 {
        assert_eq!(price("", marked.clone()).await.code(), Some(35));
    }
}

/// TR-19 and TR-20.
#[tokio::test]
async fn bodies_that_are_encoded_or_in_parts_are_refused() {
    let shop = Shop::open().await;
    for headers in [
        "content-encoding: gzip\r\n",
        "content-encoding: identity\r\ncontent-encoding: br\r\n",
        "content-type: multipart/form-data; boundary=x\r\n",
        "Content-Type: MULTIPART/mixed\r\n",
    ] {
        shop.refuses_with(&shop.ka, "extend", headers, &body(&shop), 35).await;
    }
}

/// TR-21.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_connection_closed() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let path = format!("/client/api/v1/{}/extend", shop.ka);
    let large = format!("{{{}}}", " ".repeat(1024 * 1024 - 1));
    assert_eq!(large.len(), 1024 * 1024 + 1);
    let chunked = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n\
         0\r\n\r\n",
        large.len()
    );
    for request in [post(&path, "", &large), chunked] {
        let mut client = shop.connect().await;
        client.try_send(request).await;
        let answer = client.answer().await;
        assert_common(&answer, 413);
        assert_eq!(answer.body, expected("extend", 35, "100"));
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.rest().await.is_empty());
    }
    let exact = format!("{{{}}}", " ".repeat(1024 * 1024 - 2));
    let answer = shop.call(&shop.ka, "extend", &exact).await;
    assert_eq!((answer.status, answer.code()), (200, Some(4)));
    assert!(shop.digest() == before);
}

/// TR-24 to TR-26.
#[tokio::test]
async fn old_and_careful_clients_are_served() {
    let shop = Shop::open().await;
    let path = format!("/client/api/v1/{}/calculate/extend", shop.ka);
    let body = body(&shop);
    let length = body.len();
    let mut client = shop.connect().await;
    client.send(format!("POST {path} HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{body}")).await;
    client.answer().await.is_ok();
    assert!(client.rest().await.is_empty());
    let without = shop.raw(format!("POST {path} HTTP/1.0\r\n\r\n{body}")).await;
    assert_eq!(without.code(), Some(35));

    let mut client = shop.connect().await;
    client
        .send(format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        ))
        .await;
    assert!(client.head().await.starts_with("HTTP/1.1 100"));
    client.send(&body).await;
    client.answer().await.is_ok();
}

/// TR-28 and TR-29.
#[tokio::test]
async fn who_may_only_look_can_look_and_nothing_else() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for (key, balance) in [(&shop.ks, "0"), (&shop.kro, "100")] {
        for (call, has_body) in CALLS {
            let answer = any(&shop, key, call, has_body).await;
            let changes = has_body && !call.starts_with("calculate");
            match changes {
                true => assert_eq!(answer.body, expected(call, 35, balance), "{call}"),
                // The suspended one owns nothing that could be extended.
                false if has_body && key == &shop.ks => {
                    assert!([None, Some(24), Some(29)].contains(&answer.code()), "{answer:?}");
                }
                false => {
                    answer.is_ok();
                }
            }
        }
    }
    assert!(shop.digest() == before);
    // What is wrong with the body comes later.
    shop.refuses(&shop.kro, "order", "{", 35).await;
}

/// TR-30.
#[tokio::test]
async fn more_than_the_limit_of_a_key_is_refused() {
    let shop = Shop::open().await;
    let key = shop.new_key(&|new| new.requests_per_minute = Some(3));
    for _ in 0..3 {
        shop.look(&key, "balance").await.is_ok();
    }
    let before = shop.digest();
    for (call, has_body) in CALLS {
        let answer = any(&shop, &key, call, has_body).await;
        assert_common(&answer, 429);
        let told = refusal(call, 35, "Too many requests, nothing was done", "100");
        assert_eq!(answer.body, told);
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=20).contains(&wait), "{wait}");
    }
    assert!(shop.digest() == before);
    shop.look(&shop.ka, "balance").await.is_ok();
}

#[tokio::test]
async fn wrong_keys_have_a_budget_and_good_ones_do_not_share_it() {
    let settings = api::Settings { failed_keys_per_minute: 2, ..api::Settings::default() };
    let shop = Shop::open_with(With { settings, ..With::default() }).await;
    for status in [200, 200, 429, 429] {
        let answer = shop.look("wrong", "balance").await;
        assert_eq!(answer.body, expected("balance", 2, "null"));
        assert_common(&answer, status);
        assert_eq!(answer.header("retry-after").is_some(), status == 429);
    }
    shop.look(&shop.ka, "balance").await.is_ok();
    shop.look(&shop.kip, "balance").await;
}

#[tokio::test]
async fn strict_clones_get_200_where_nothing_was_done() {
    let settings = api::Settings { always_200: true, ..api::Settings::default() };
    let shop = Shop::open_with(With { settings, ..With::default() }).await;
    let key = shop.new_key(&|new| new.requests_per_minute = Some(1));
    shop.look(&key, "balance").await.is_ok();
    let limited = shop.look(&key, "balance").await;
    assert_eq!((limited.status, limited.code()), (200, Some(35)));
    assert!(limited.header("retry-after").is_some());
    let method = shop.look(&shop.ka, "extend").await;
    assert_eq!((method.status, method.code()), (200, Some(35)));
    let large = shop.call(&shop.ka, "extend", &" ".repeat(1024 * 1024 + 1)).await;
    assert_eq!((large.status, large.code()), (200, Some(35)));
    assert_eq!(shop.look(&shop.ka, "nothing").await.status, 404);
}

#[tokio::test]
async fn an_unknown_path_is_404_and_says_nothing() {
    let shop = Shop::open().await;
    for path in [
        format!("/client/api/v1/{}", shop.ka),
        format!("/client/api/v1/{}/", shop.ka),
        format!("/client/api/v1/{}/nothing", shop.ka),
        format!("/client/api/v1/{}/Balance", shop.ka),
        "/client/api/v1".to_owned(),
        "/client/api/v2/x/balance".to_owned(),
        "/.git/config".to_owned(),
        "/docs/../Cargo.toml".to_owned(),
        "/docs/customers/..%2F..%2FCargo".to_owned(),
    ] {
        let answer = shop.get(&path).await;
        assert_common(&answer, 404);
        assert_eq!(answer.body, "{}", "{path}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_slow_is_408() {
    let limits =
        serve::Limits { body: std::time::Duration::from_millis(100), ..serve::Limits::default() };
    let shop = Shop::open_with(With { limits, ..With::default() }).await;
    let mut client = Client::connect(shop.address).await;
    let path = format!("/client/api/v1/{}/extend", shop.ka);
    client.send(format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{")).await;
    let answer = client.answer().await;
    assert_common(&answer, 408);
    assert_eq!(answer.body, expected("extend", 35, "100"));
    assert!(client.rest().await.is_empty());
}
