//! Secrets stay secret.

use std::fs::DirEntry;
use std::net::SocketAddr;

use e2e::bodies::{extend, order, with};
use e2e::customer::id;
use e2e::database::Database;
use e2e::http::Request;
use e2e::shop::{Setup, Shop};
use serde_json::json;

use crate::BINARY;

/// Everything that a running server shows to whoever asks for it without a key.
fn shown(address: SocketAddr) -> String {
    let paths = ["/metrics", "/healthz", "/readyz", "/api/openapi.json", "/docs", "/", "/nothing"];
    paths.map(|path| Request::get(path).send(address).text()).concat()
}

/// Everything that is on the disk, by where it is.
fn kept_by(shop: &Shop) -> Vec<(String, Vec<u8>)> {
    // The socket at which servers hand over keeps nothing.
    let is_file = |entry: &DirEntry| entry.file_type().unwrap().is_file();
    let files = std::fs::read_dir(shop.folder()).unwrap().map(Result::unwrap).filter(is_file);
    let read =
        |file: DirEntry| (file.path().display().to_string(), std::fs::read(file.path()).unwrap());
    files.map(read).chain(shop.books().bytes()).collect()
}

#[test]
fn secrets_stay_secret() {
    let mut shop = Setup::new(BINARY)
        .log("trace")
        .stock("--kind IPv4 --country USA --cidr 203.0.113.0/28")
        .stock("--kind MOBILE --country USA --operator verizon --cidr 192.0.2.0/28")
        .open();
    let ann = shop.customer("Ann", "200.00");
    let mobile = json!({ "proxyType": "MOBILE", "mobileOperator": "verizon", "rotationTime": 0 });
    let mut leases = shop.order(&ann, &order("IPv4", "USA", 2, 30));
    leases.extend(shop.order(&ann, &with(&order("IPv4", "USA", 1, 30), mobile)));
    let mut secrets = vec![ann.key.clone(), shop.token().to_owned()];
    for lease in &leases {
        secrets.push(lease["authInfo"]["password"].as_str().unwrap().to_owned());
        if let Some(link) = lease["rebootLink"].as_str() {
            secrets.push(link.split('=').next_back().unwrap().to_owned());
        }
    }
    let revoked = shop.key(ann.id, "--name gone");
    let keys = shop.run(&["key", "list"]);
    let number = keys.iter().find(|key| key["name"] == "gone").unwrap()["key_id"].to_string();
    shop.run(&["key", "revoke", &number]);
    secrets.push(revoked.clone());

    // Every way to be refused, with the secrets in every place where a client may put them.
    let mut told = String::new();
    let body = extend("IPv4", &[id(&leases[0])], 30);
    for key in [&ann.key, &revoked] {
        for call in
            ["", "/", "/nothing", "/balance/x", "/extend", "/order", "/ipAddress/page?size=x"]
        {
            let target = ann.with_key(key).target(call);
            for method in ["GET", "POST", "DELETE", "HEAD", "OPTIONS"] {
                let request = Request::new(method, &target).body(b"{");
                told.push_str(&request.send(shop.address()).text());
            }
        }
        let bad_body = with(&body, json!({ "proxyType": key, "promoCode": key, "goal": key }));
        told.push_str(&shop.post(&ann, "/extend", &bad_body).text());
        for header in ["Authorization", "X-API-Key", "Referer", "Cookie", "Idempotency-Key"] {
            let request = ann.posting("/extend", &with(&body, json!({ "rentPeriodDays": 1 })));
            told.push_str(&request.header(header, key).send(shop.address()).text());
        }
        for target in [
            format!("/api/v1/{key}"),
            format!("/{key}"),
            format!("/docs/{key}"),
            format!("/client/api/v2/{key}/x"),
        ] {
            told.push_str(&Request::get(&target).send(shop.address()).text());
        }
        let long = format!("/client/api/v1/{key}/{}", "x".repeat(20_000));
        told.push_str(&Request::get(&long).send(shop.address()).text());
    }
    let wrong = Request::post("/sandbox/v1/clock", &json!({ "advance": shop.token() }));
    told.push_str(
        &wrong
            .header("Authorization", &format!("Bearer {}", shop.token()))
            .send(shop.address())
            .text(),
    );
    told.push_str(&shop.post(&ann, "/extend", &body).text());
    told.push_str(&shown(shop.address()));
    for words in [
        &["key", "list"][..],
        &["operator", "token", "list"],
        &["events", "list"],
        &["customer", "list"],
    ] {
        let said = shop.say(words);
        told.push_str(&said.out);
        told.push_str(&said.err);
    }
    let mut kept = kept_by(&shop);
    if let Database::File(_) = shop.database() {
        assert!(kept.iter().any(|(name, _)| name.ends_with("-wal")), "the books have no log");
        let backup = shop.folder().join("copy.db");
        shop.run(&["backup", backup.to_str().unwrap()]);
    }
    shop.sigterm();
    kept.extend(kept_by(&shop));
    kept.push(("answers".to_owned(), told.into_bytes()));
    let log = shop.logged();
    assert!(log.lines().count() > 50, "the log says too little to show anything: {log}");
    for (name, bytes) in &kept {
        for (number, secret) in secrets.iter().enumerate() {
            assert!(secret.len() >= 12, "too short to be looked for: {secret}");
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{name} has secret {number}");
        }
    }
}
