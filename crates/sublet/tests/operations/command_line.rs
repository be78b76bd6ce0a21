//! The command line, also beside a running server.

use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::http::cents;
use e2e::shop::{FLAT, Setup};
use serde_json::json;

use crate::BINARY;

#[test]
fn the_command_line_works_beside_the_server() {
    let shop = Setup::new(BINARY).open();
    let ann = shop.customer("Ann", "10.00");
    assert_eq!(shop.balance(&ann), 1_000, "a new key works at once");
    shop.deposit(ann.id, "5.50");
    assert_eq!(shop.balance(&ann), 1_550);
    let wanted = order("IPv4", "USA", 1, 30);
    assert_eq!(shop.post(&ann, "/order", &wanted).code(), 35, "nothing is in stock");
    shop.stock("--kind IPv4 --country USA --cidr 203.0.113.0/30");
    shop.post(&ann, "/order", &wanted).ok();
    let line = shop.run(&["stock", "list"]).remove(0);
    assert_eq!((&line["pool"], &line["leased"]), (&json!("IPv4/USA"), &json!(1)));

    shop.apply_catalogue(FLAT);
    assert_eq!(cents(&shop.post(&ann, "/calculate/order", &wanted).ok()["price"]), 100);

    let keys = shop.run(&["key", "list", "--customer", &ann.id.to_string()]);
    let number = keys[0]["key_id"].to_string();
    shop.run(&["key", "revoke", &number]);
    let revoked = Instant::now();
    while shop.get(&ann, "/balance").code() == 0 {
        assert!(revoked.elapsed() < Duration::from_secs(30), "a revoked key still works");
        std::thread::sleep(Duration::from_millis(20));
    }
    let fresh = ann.with_key(&shop.key(ann.id, ""));
    assert_eq!(shop.get(&fresh, "/balance").code(), 0);
    shop.audit();
}

#[test]
fn exit_codes_and_results_are_for_scripts() {
    let shop = Setup::new(BINARY).open();
    let ann = shop.customer("Ann", "10.00");
    let number = ann.id.to_string();
    for (words, code) in [
        (&["customer", "list"][..], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["customer", "show", &number], 0),
        (&["wallet", "show", "--customer", &number], 0),
        (&["key", "list"], 0),
        (&["catalogue", "show"], 0),
        (&["promo", "list"], 0),
        (&["stock", "list"], 0),
        (&["events", "list"], 0),
        (&["operator", "token", "list"], 0),
        (&["audit"], 0),
        (&[], 2),
        (&["nothing"], 2),
        (&["customer", "create"], 2),
        (&["customer", "show", "x"], 2),
        (&["wallet", "deposit", "--customer", &number, "--amount", "ten"], 2),
        (&["wallet", "deposit", "--customer", &number, "--amount", "-5.00"], 2),
        (&["wallet", "deposit", "--customer", &number, "--amount", "1.005"], 2),
        (&["stock", "add", "--kind", "IPv4", "--country", "USA", "--cidr", "x"], 2),
        (&["promo", "create", "X", "--percent", "101"], 2),
        (&["serve", "--listen", "nowhere"], 2),
        (&["customer", "show", "4711"], 1),
        (&["wallet", "deposit", "--customer", "4711", "--amount", "1.00"], 1),
        (&["key", "revoke", "4711"], 1),
        (&["catalogue", "apply", "/nowhere/at.all", "--yes"], 1),
    ] {
        for json in [false, true] {
            let words: Vec<&str> =
                json.then_some("--json").into_iter().chain(words.iter().copied()).collect();
            let said = shop.say(&words);
            assert_eq!(said.code, Some(code), "{words:?}: {}{}", said.out, said.err);
            if code == 0 && json && !words.iter().any(|word| ["--help", "--version"].contains(word))
            {
                said.objects();
            }
            if code != 0 {
                assert!(said.out.is_empty(), "{words:?} has a result: {}", said.out);
                let lines: Vec<&str> = said.err.lines().collect();
                assert!((1..=2).contains(&lines.len()), "{words:?}: {}", said.err);
                assert!(lines[0].starts_with("error: "), "{words:?}: {}", said.err);
                assert!(!said.err.contains("panicked"), "{words:?}: {}", said.err);
            }
        }
    }
    assert_eq!(shop.balance(&ann), 1_000);
}
