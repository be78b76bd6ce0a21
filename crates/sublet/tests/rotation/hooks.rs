//! A modem that is rotated by a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use serde_json::json;

use crate::farm::{Farm, setup};

/// Somebody who looks after modems, gives them these addresses one after another, and tells what he
/// was asked.
fn keeper(addresses: &'static [&'static str]) -> (SocketAddr, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for ip in addresses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            sender.send(String::from_utf8_lossy(&request[..count]).to_lowercase()).unwrap();
            let body = format!("{{\"ip\":\"{ip}\"}}");
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, receiver)
}

#[test]
fn a_hook_is_called_with_its_secret_and_the_traffic_follows_its_answer() {
    let (address, asked) = keeper(&["127.50.7.2", "127.50.7.2"]);
    let modem = format!(
        "interval_seconds = 1\n[modems.driver.http]\nurl = \"http://{address}/rotate/{{modem}}\"\n\
         method = \"POST\"\nheaders = {{ Authorization = \"Bearer {{secret}}\" }}\nsecret = \"farm\""
    );
    let folder = tempfile::tempdir().unwrap();
    let secrets = format!("--modem-secrets={}", folder.path().display());
    let farm = Farm::of(setup(&[("hooked", "127.50.7.1", &modem)]).serve(&secrets).open());
    let [one] = &farm.rent(1, 0)[..] else { panic!("one was rented") };
    farm.served(one);
    let ended = farm.ended(&farm.rotate(one));
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("failed"), &json!("misconfigured")));
    farm.soon_seen(one, "127.50.7.1");
    std::fs::write(folder.path().join("farm"), "canary0secret\n").unwrap();
    for state in ["changed", "same"] {
        farm.shop.advance("2s");
        let ended = farm.ended(&farm.rotate(one));
        assert_eq!((&ended["state"], &ended["exit"]), (&json!(state), &json!("127.50.7.2")));
        farm.soon_seen(one, "127.50.7.2");
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with("post /rotate/hooked http/1.1\r\n"), "{asked}");
        assert!(asked.contains("\r\nauthorization: bearer canary0secret\r\n"), "{asked}");
    }
    // Nobody is there any more.
    farm.shop.advance("2s");
    let ended = farm.ended(&farm.rotate(one));
    assert_eq!((&ended["state"], &ended["failure"]), (&json!("failed"), &json!("unreachable")));
    farm.soon_seen(one, "127.50.7.2");
    let catalogue = farm.shop.say(&["catalogue", "show"]);
    let told = farm.shop.logged() + &catalogue.out;
    assert!(!told.contains("canary0secret"), "a secret is shown");
}
