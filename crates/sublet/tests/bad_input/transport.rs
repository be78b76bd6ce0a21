//! `TR`: what is wrong before a call is understood.

use std::time::Duration;

use e2e::bodies::with;
use e2e::books::assert_same;
use e2e::customer::Customer;
use e2e::http::{Connection, Request};
use serde_json::json;

use crate::fixture::Fixture;
use crate::forms::{assert_headers, form};

/// Every call that takes a body.
const POSTED: [&str; 8] = [
    "/calculate/order",
    "/calculate/extend",
    "/calculate/extend/order",
    "/order",
    "/extend",
    "/extend/order",
    "/extend/auto",
    "/extend/order/auto",
];

fn somebody(key: &str) -> Customer {
    Customer { id: 0, key: key.to_owned() }
}

/// The key with the letter at `place` changed to another that keys are made of.
fn changed(key: &str, place: usize) -> String {
    let mut bytes = key.as_bytes().to_vec();
    bytes[place] = if bytes[place] == b'2' { b'3' } else { b'2' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn keys() {
    let f = Fixture::new();
    let body = f.extend();
    let revoked = f.shop.key(f.a.id, "--name old");
    let number =
        f.shop.run(&["key", "list"]).iter().find(|key| key["name"] == "old").unwrap()["key_id"]
            .to_string();
    f.shop.run(&["key", "revoke", &number]);
    std::thread::sleep(Duration::from_millis(1_100));
    let expired = f.shop.key(f.a.id, "--name short --expires 1h");
    f.shop.advance("2h");
    let key = &f.a.key;
    let unknown = changed(&changed(key, key.len() / 2), key.len() / 3);
    for (row, key) in [
        ("TR-01", unknown.clone()),
        ("TR-01 no form of a key", "nonsense".to_owned()),
        ("TR-02", revoked),
        ("TR-02 expired", expired),
        ("TR-03 start", changed(key, 0)),
        ("TR-03 end", changed(key, key.len() - 1)),
        ("TR-05", "k".repeat(129)),
        ("TR-05", "k".repeat(8 * 1024)),
        ("TR-05 upper case", key.to_uppercase()),
    ] {
        let wrong = somebody(&key);
        for call in POSTED {
            f.refused(row, call, &wrong.posting(call, &body), 2, None);
        }
        f.refused(row, "/balance", &wrong.reading("/balance"), 2, None);
        let lists = r#","error":{"code":2,"message":"Error api key"}}"#;
        for call in ["/ipAddress", "/promoCode", "/proxyType", "/country?proxyType=IPv4"] {
            let answer = f.shop.get(&wrong, call);
            assert_eq!(answer.status, 200);
            assert!(answer.text().ends_with(lists), "{row} {call}: {}", answer.text());
        }
    }
    let empty = somebody("").posting("/extend", &body).send(f.shop.address());
    let is_error = empty.status == 200 && empty.text() == form("/extend", 2, None);
    assert!(is_error || (empty.status == 404 && empty.text() == "{}"), "TR-04: {empty:?}");
    let long = somebody(&"k".repeat(64 * 1024)).posting("/extend", &body);
    assert_eq!(long.send(f.shop.address()).status, 414, "TR-05");
    let first = format!("%{:02x}{}", key.as_bytes()[0], &key[1..]);
    assert_eq!(f.shop.balance(&f.a.with_key(&first)), f.shop.balance(&f.a), "TR-06");
    let twice = format!("%25{:02x}{}", key.as_bytes()[0], &key[1..]);
    assert_eq!(f.shop.get(&somebody(&twice), "/balance").code(), 2, "TR-06: decoded once");

    let elsewhere = f.a.with_key(&f.shop.key(f.a.id, "--allow-ip 198.51.100.7/32"));
    for call in POSTED {
        f.refused("TR-07", call, &elsewhere.posting(call, &body), 3, None);
    }
    let here = f.a.with_key(&f.shop.key(f.a.id, "--allow-ip 127.0.0.0/8"));
    assert_eq!(f.shop.balance(&here), f.shop.balance(&f.a));
}

#[test]
fn paths_and_methods() {
    let f = Fixture::new();
    let before = f.shop.books().state();
    let slash = f.shop.post(&f.a, "/calculate/extend/", &f.extend());
    let plain = f.shop.post(&f.a, "/calculate/extend", &f.extend());
    assert_eq!((slash.status, slash.text()), (200, plain.text()), "TR-08");
    assert_eq!(f.shop.get(&f.a, "/balance/").text(), f.shop.get(&f.a, "/balance").text(), "TR-08");
    let balance = Some(f.shop.balance(&f.a));
    let body = f.extend().to_string();
    for call in POSTED {
        let get = f.shop.get(&f.a, call);
        assert_eq!((get.status, get.header("allow")), (405, Some("POST")), "TR-09 {call}");
        let texts = [form(call, 35, balance), form(call, 35, None)];
        assert!(texts.contains(&get.text()), "TR-09 {call}: {}", get.text());
        for method in ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post", "BREW"] {
            let request = Request::new(method, &f.a.target(call)).body(body.as_bytes());
            let answer = request.send(f.shop.address());
            assert_eq!(answer.status, 405, "TR-10 {method} {call}");
            let granted =
                answer.headers.iter().find(|(name, _)| name.starts_with("access-control"));
            assert_eq!(granted, None, "TR-10 {method} {call}");
        }
    }
    let posted = f.shop.post(&f.a, "/balance", &f.extend());
    assert_eq!(posted.status, 405);
    assert!(posted.header("allow").unwrap().contains("GET"), "TR-10");
    for call in ["/nothing", "/extend/auto/more", "/../balance", "/%2e%2e/balance", "//balance", ""]
    {
        let answer = f.shop.get(&f.a, call);
        assert_eq!((answer.status, answer.text()), (404, "{}".to_owned()), "{call}");
    }
    assert_same(&before, &f.shop.books().state(), "a wrong method or path");
}

#[test]
fn bodies_that_cannot_be_read() {
    let f = Fixture::new();
    let body = f.extend().to_string();
    let broken: Vec<(&str, Vec<u8>)> = [
        ("TR-11", ""),
        ("TR-11", "  "),
        ("TR-12", "{"),
        ("TR-12", r#"{"proxyType":"#),
        ("TR-13", "[]"),
        ("TR-13", "null"),
        ("TR-13", r#""x""#),
        ("TR-13", "7"),
        ("TR-13", "true"),
        ("TR-14", r#"["IPv4",["a4"],30]"#),
        ("TR-15", &body.replace('}', ",}")),
        ("TR-15", &format!("/* no */{body}")),
        ("TR-15", &format!("{body} // no")),
        ("TR-15", &body.replace('"', "'")),
        ("TR-15", &body.replace("30", "NaN")),
        ("TR-15", &body.replace("30", "Infinity")),
        ("TR-15", &body.replace(":30", ":030")),
        ("TR-15", &body.replace(":30", ":+30")),
        ("TR-15", &format!("{body}{body}")),
        ("TR-23", &body.replace('}', r#","rentPeriodDays":360}"#)),
        ("TR-23 the same twice", &body.replace('}', r#","proxyType":"IPv4"}"#)),
    ]
    .map(|(row, text)| (row, text.as_bytes().to_vec()))
    .into();
    let mut invalid = body.clone().into_bytes();
    invalid.splice(2..3, [0xff, 0xfe]);
    let mut in_value = with(&f.extend(), json!({ "promoCode": "?" })).to_string().into_bytes();
    let mark = in_value.iter().position(|byte| *byte == b'?').unwrap();
    in_value[mark] = 0xc3;
    let invalid = [("TR-17", invalid), ("TR-17", in_value)];
    let balance = Some(f.shop.balance(&f.a));
    for call in POSTED {
        for (row, bytes) in broken.iter().chain(&invalid) {
            let request = Request::new("POST", &f.a.target(call)).body(bytes);
            f.refused(&format!("{row} {call}"), call, &request, 35, balance);
        }
        for (row, name, value) in [
            ("TR-19", "Content-Encoding", "gzip"),
            ("TR-19", "Content-Encoding", "br, gzip"),
            ("TR-20", "Content-Type", "multipart/form-data; boundary=x"),
        ] {
            let request = f.a.posting(call, &f.extend()).header(name, value);
            let request = if name == "Content-Type" {
                let plain = Request::new("POST", &f.a.target(call)).header(name, value);
                plain.body(body.as_bytes())
            } else {
                request
            };
            f.refused(&format!("{row} {call}"), call, &request, 35, balance);
        }
    }
}

#[test]
fn bodies_that_can() {
    let f = Fixture::new();
    let call = "/calculate/extend";
    let plain = f.shop.post(&f.a, call, &f.extend()).text();
    let body = f.extend().to_string();
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")] {
        let mut request = Request::new("POST", &f.a.target(call)).body(body.as_bytes());
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        assert_eq!(request.send(f.shop.address()).text(), plain, "TR-18 {kind:?}");
    }
    let identity = f.a.posting(call, &f.extend()).header("Content-Encoding", "identity");
    assert_eq!(identity.send(f.shop.address()).text(), plain, "TR-19");

    let marked = [b"\xef\xbb\xbf", body.as_bytes()].concat();
    let request = Request::new("POST", &f.a.target(call)).body(&marked);
    let first = request.send(f.shop.address()).text();
    let balance = Some(f.shop.balance(&f.a));
    assert!(first == plain || first == form(call, 35, balance), "TR-16: {first}");
    assert_eq!(request.send(f.shop.address()).text(), first, "TR-16");

    let extra = json!({
        "price": 0, "customerId": f.b.id, "balance": 999, "discount": 100, "role": "admin",
    });
    let before = f.shop.balance(&f.b);
    let (paid, done) = f.done("TR-22", "/extend", &with(&f.extend(), extra));
    assert_eq!((paid, f.shop.balance(&f.b)), (131, before), "TR-22");
    assert!(done.get("role").is_none());

    let nested = body.replace('}', &format!(r#","x":{}{}}}"#, "[".repeat(100), "]".repeat(100)));
    let request = Request::new("POST", &f.a.target(call)).body(nested.as_bytes());
    assert_eq!(request.send(f.shop.address()).json()["price"], json!(1.31), "TR-27");
    for depth in [1_000, 100_000] {
        let deep =
            body.replace('}', &format!(r#","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth)));
        let request = Request::new("POST", &f.a.target(call)).body(deep.as_bytes());
        let answer = request.send(f.shop.address());
        assert!([0, 35].contains(&answer.code()), "TR-27 {depth}: {}", answer.text());
    }
}

#[test]
fn large_bodies_and_old_clients() {
    let f = Fixture::new();
    let before = f.shop.books().state();
    let call = "/extend";
    let head =
        |line: &str| format!("POST {} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n", f.a.target(call));
    let texts = [form(call, 35, Some(f.shop.balance(&f.a))), form(call, 35, None)];
    let large = vec![b' '; (1 << 20) + 1];

    for chunked in [false, true] {
        let mut connection = Connection::open(f.shop.address());
        // The server may close before it has read everything, so sending may fail.
        let _ = if chunked {
            connection.send(head("Transfer-Encoding: chunked").as_bytes()).unwrap();
            connection.send(format!("{:x}\r\n", large.len()).as_bytes()).unwrap();
            connection.send(&large).and_then(|()| connection.send(b"\r\n0\r\n\r\n"))
        } else {
            let line = format!("Content-Length: {}", large.len());
            connection.send(head(&line).as_bytes()).unwrap();
            connection.send(&large)
        };
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 413, "TR-21 chunked {chunked}: {}", answer.text());
        assert_headers("TR-21", &answer);
        assert!(texts.contains(&answer.text()), "TR-21: {}", answer.text());
        assert!(connection.is_closed_within(Duration::from_secs(5)), "TR-21: left open");
    }
    let full = [f.extend().to_string().into_bytes(), vec![b' '; 1 << 20]].concat();
    let request = Request::new("POST", &f.a.target("/calculate/extend")).body(&full[..1 << 20]);
    assert_eq!(request.send(f.shop.address()).code(), 0, "TR-21: exactly 1 MiB will do");
    assert_same(&before, &f.shop.books().state(), "a body that is too large");

    let body = f.extend().to_string();
    let old = |lines: &str, body: &str| {
        let mut connection = Connection::open(f.shop.address());
        let head = format!("POST {} HTTP/1.0\r\n{lines}\r\n", f.a.target("/calculate/extend"));
        connection.send(head.as_bytes()).unwrap();
        connection.send(body.as_bytes()).unwrap();
        let answer = connection.answer().unwrap();
        (answer, connection)
    };
    let (answer, mut connection) = old(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_eq!(answer.code(), 0, "TR-24");
    assert!(connection.is_closed_within(Duration::from_secs(5)), "TR-24: left open");
    let (answer, mut connection) = old("", "");
    assert_eq!(answer.code(), 35, "TR-25");
    assert!(connection.is_closed_within(Duration::from_secs(5)), "TR-25: left open");

    let mut connection = Connection::open(f.shop.address());
    let line = format!("Expect: 100-continue\r\nContent-Length: {}", body.len());
    connection.send(head(&line).replace(call, "/calculate/extend").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    connection.send(body.as_bytes()).unwrap();
    let answer = connection.answer().unwrap();
    assert_eq!((&answer.interim[..], answer.code()), (&[100][..], 0), "TR-26");
    assert_same(&before, &f.shop.books().state(), "asking for prices in old ways");
}

#[test]
fn keys_and_customers_that_may_less() {
    let f = Fixture::new();
    let looking = f.a.with_key(&f.shop.key(f.a.id, "--read-only"));
    let bodies = |call: &str| match call {
        "/order" | "/calculate/order" => Fixture::order(),
        "/extend" | "/calculate/extend" => f.extend(),
        "/extend/auto" => with(&f.extend(), json!({ "autoExtend": true })),
        _ => f.auto(),
    };
    let balance = f.shop.balance(&f.a);
    let only_looks = |row: &str, customer: &Customer| {
        for call in POSTED {
            let request = customer.posting(call, &bodies(call));
            if call.starts_with("/calculate") {
                assert_eq!(request.send(f.shop.address()).code(), 0, "{row} {call}");
            } else {
                f.refused(&format!("{row} {call}"), call, &request, 35, Some(balance));
            }
        }
        for call in ["/balance", "/ipAddress", "/promoCode", "/ipAddress?proxyType=IPv4"] {
            assert_eq!(f.shop.get(customer, call).code(), 0, "{row} {call}");
        }
    };
    only_looks("TR-29", &looking);
    f.shop.run(&["customer", "suspend", &f.a.id.to_string()]);
    std::thread::sleep(Duration::from_millis(1_100));
    only_looks("TR-28", &f.a);
    f.shop.run(&["customer", "resume", &f.a.id.to_string()]);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(f.done("TR-28", "/extend", &f.extend()).0, 131, "and goes on afterwards");
}

#[test]
fn too_many_requests() {
    // Each server counts for itself.
    let f = Fixture::alone();
    let slow = f.a.with_key(&f.shop.key(f.a.id, "--requests-per-minute 5"));
    let before = f.shop.books().state();
    let statuses: Vec<u16> = (0..8).map(|_| f.shop.get(&slow, "/balance").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429], "TR-30");
    for call in POSTED {
        let answer = f.shop.post(&slow, call, &f.extend());
        assert_eq!(answer.status, 429, "TR-30 {call}");
        assert_headers("TR-30", &answer);
        let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "TR-30: {wait}");
        let body = answer.json();
        assert_eq!((&body["success"], &body["error"]["code"]), (&json!(false), &json!(35)));
        assert!(body["error"]["message"].as_str().unwrap().ends_with("nothing was done"), "{body}");
    }
    assert_same(&before, &f.shop.books().state(), "a request too many");
    assert_eq!(f.shop.get(&f.a, "/balance").status, 200, "another key has its own limit");
}
