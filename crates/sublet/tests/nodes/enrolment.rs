//! A gateway enrols once, and is known by its key from then on.

use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::key::Key;
use crate::outpost::{Away, Outpost};

/// What a gateway that must not start says.
#[track_caller]
fn refused(away: &Away, name: &str, words: &[&str], says: &str) {
    let data = away.data().with_file_name(name);
    let mut outpost = Outpost::begin(&data, &[&away.control], words);
    let status = outpost.ended();
    assert!(!status.success(), "it starts");
    assert!(outpost.logged().contains(says), "{}", outpost.logged());
    assert_eq!(outpost.printed(), "");
}

#[test]
fn tokens_are_good_once_in_time_and_for_one_shop() {
    let away = Away::open();
    let of_another = Away::alone().token("rotterdam");
    refused(&away, "none", &[], "has not enrolled yet");
    refused(&away, "half", &["--token", &of_another[..40]], "not a token");
    // The shop is told nothing that is another's.
    let data = away.data().with_file_name("another");
    let stranger = Outpost::begin(&data, &[&away.control], &["--token", &of_another]);
    stranger.soon_logs("Cannot enrol");

    let token = away.token("paris");
    let mut damaged = token.clone().into_bytes();
    let last = damaged.iter().position(|byte| *byte == b'.').unwrap() - 1;
    damaged[last] = if damaged[last] == b'a' { b'b' } else { b'a' };
    let damaged = String::from_utf8(damaged).unwrap();
    refused(&away, "damaged", &["--token", &damaged], "not a token");

    let paris = away.data().with_file_name("paris");
    let first = Outpost::start(&paris, &[&away.control], &["--token", &token]);
    refused(&away, "second", &["--token", &token], "was used by another gateway");
    // It needs no token any more, and is not hurt by one.
    first.kill9();
    Outpost::start(&paris, &[&away.control], &["--token", &token]).kill9();
    Outpost::start(&paris, &[&away.control], &[]).kill9();

    let late = away.town.shop.run(&[
        "node",
        "add",
        "--gateway",
        "main",
        "--name",
        "late",
        "--until",
        "0s",
    ]);
    let late = late[0]["token"].as_str().unwrap().to_owned();
    refused(&away, "late", &["--token", &late], "time is over");
    let same = away.town.shop.say(&["node", "add", "--gateway", "main", "--name", "paris"]);
    assert!(same.err.contains("there is a node paris already"), "{}", same.err);
    let unknown = away.town.shop.say(&["node", "add", "--gateway", "nowhere"]);
    assert!(unknown.err.contains("no gateway nowhere"), "{}", unknown.err);
}

#[test]
fn a_gateway_that_was_removed_serves_no_more() {
    let mut away = Away::open();
    let (_, proxies) = away.town.ann_served(1);
    let open = away.town.tunnel(&proxies[0]).unwrap();
    away.town.shop.run(&["node", "remove", "rotterdam"]);
    let mut outpost = away.outpost.take().unwrap();
    assert_eq!(outpost.ended().code(), Some(1));
    assert!(outpost.logged().contains("has removed this gateway"), "{}", outpost.logged());
    open.soon_closed();
    assert!(!away.data().join("table").exists(), "its table is still there");
    assert_eq!(away.listed("rotterdam")["state"], "removed");
    let mut again = Outpost::begin(&away.data(), &[&away.control], &[]);
    assert_eq!(again.ended().code(), Some(1));
    // The name is free, and what serves under it is another.
    let token = away.token("rotterdam");
    let data = away.data().with_file_name("again");
    let again = Outpost::start(&data, &[&away.control], &["--token", &token]);
    away.town.soon_seen_through(&proxies[0]);
    drop(again);
}

/// What the shop answers to a request with this key; nothing if it hangs up.
fn answered(address: &str, config: Option<Arc<rustls::ClientConfig>>) -> Option<String> {
    answered_to(
        "POST /v1/feed HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nnull",
        address,
        config,
    )
}

/// The same to this request.
fn answered_to(
    request: &str,
    address: &str,
    config: Option<Arc<rustls::ClientConfig>>,
) -> Option<String> {
    use std::io::{Read as _, Write as _};
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(crate::outpost::PATIENCE)).unwrap();
    let request = request.as_bytes();
    let mut answer = vec![0; 4096];
    let length = match config {
        Some(config) => {
            let name = "shop".try_into().unwrap();
            let connection = rustls::ClientConnection::new(config, name).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            stream.write_all(request).ok()?;
            stream.read(&mut answer).ok()?
        }
        None => {
            let mut stream = stream;
            stream.write_all(request).ok()?;
            stream.read(&mut answer).ok()?
        }
    };
    let text = String::from_utf8_lossy(&answer[..length]).into_owned();
    Some(text).filter(|text| text.starts_with("HTTP/"))
}

#[test]
fn who_has_no_key_or_another_is_told_nothing() {
    let away = Away::alone();
    let token = away.token("rotterdam");
    let address = away.control.strip_prefix("https://").unwrap();
    assert_eq!(answered(address, None), None, "it speaks without encryption");
    // Without a key, and with certificates as others use them.
    let output = Command::new("curl").args(["-sk", "-m", "5", &away.control]).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    // A key that nobody knows.
    let shop: Vec<u8> = (0..32)
        .map(|at| {
            let hex = token.split('.').nth(1).unwrap();
            u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()
        })
        .collect();
    let shop: [u8; 32] = shop.try_into().unwrap();
    let key = Key::read(&Key::draw().unwrap()).unwrap();
    let answer = answered(address, Some(key.asking(shop))).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("unknown_key"), "{answer}");
    // What it still has to say is not waited for, and not kept: it may be much.
    for path in ["feed", "report", "usage", "rotations", "rotations/ended", "refusals"] {
        let head =
            format!("POST /v1/{path} HTTP/1.1\r\nHost: shop\r\nContent-Length: 50000\r\n\r\n");
        let since = Instant::now();
        let answer = answered_to(&head, address, Some(key.asking(shop))).unwrap();
        assert!(answer.contains("unknown_key"), "{path}: {answer}");
        assert!(since.elapsed() < Duration::from_secs(5), "{path}: it was waited for");
    }
    // A shop that has another key than the one that is asked for.
    assert_eq!(answered(address, Some(key.asking([7; 32]))), None);
}
