//! How a server starts and ends.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::bodies::order;
use e2e::database::{Database, Engine};
use e2e::http::Request;
use e2e::race::Held;
use e2e::server::{listening, wait};
use e2e::shop::{FLAT, Setup, Shop};
use serde_json::{Value, json};

use crate::{BINARY, Running};

#[test]
fn a_server_that_is_asked_to_end_answers_what_it_has_first() {
    let mut shop = Setup::new(BINARY)
        .catalogue(FLAT)
        .stock("--kind IPv4 --country USA --cidr 10.0.0.0/24")
        .open();
    let ann = shop.customer("Ann", "100.00");
    let address = shop.address();
    let requests: Vec<Request> =
        (0..40).map(|_| ann.posting("/order", &order("IPv4", "USA", 1, 30))).collect();
    let idle = TcpStream::connect(address).unwrap();
    let mut held = Held::start(address, &requests);
    shop.ask_to_end();
    std::thread::sleep(Duration::from_millis(200));
    let refused = TcpStream::connect_timeout(&address, Duration::from_secs(1));
    assert!(refused.is_err(), "it takes new connections while it ends");
    held.release();
    for answer in held.answers() {
        answer.ok();
    }
    let status = shop.ended();
    assert_eq!(status.code(), Some(0), "{}", shop.logged());
    drop(idle);
    shop.reopen();
    assert_eq!(shop.balance(&ann), 6_000);
    shop.audit();
}

#[test]
fn a_second_server_on_the_same_port_says_so() {
    let shop = Shop::start(BINARY);
    let other = tempfile::tempdir().unwrap();
    let database = Database::new(Engine::of_the_tests(), other.path());
    let listen = shop.address().to_string();
    let output = Command::new(BINARY)
        .args(database.words())
        .args(["serve", "--listen", &listen])
        .env("SUBLET_LOG", "error")
        .output()
        .unwrap();
    let wrong = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{wrong}");
    let first = wrong.lines().next().unwrap_or_default();
    assert!(first.starts_with("error: ") && first.contains(&listen), "{wrong}");
    assert!(wrong.lines().count() <= 2 && wrong.contains("in use"), "{wrong}");
}

#[test]
fn a_wrong_key_file_is_explained() {
    let mut shop = Shop::start(BINARY);
    let ann = shop.customer("Ann", "10.00");
    shop.order(&ann, &order("IPv4", "USA", 1, 30));
    shop.sigterm();
    let key_file = shop.folder().join("sublet.key");
    assert!(key_file.exists(), "the key is beside the database");
    let kept = std::fs::read(&key_file).unwrap();
    let other = Setup::new(BINARY).open();
    let wrong_key = std::fs::read(other.folder().join("sublet.key")).unwrap();
    assert_ne!(kept, wrong_key, "two installations share a key");
    for (what, bytes) in
        [("wrong", Some(wrong_key)), ("damaged", Some(b"x".to_vec())), ("missing", None)]
    {
        match &bytes {
            Some(bytes) => std::fs::write(&key_file, bytes).unwrap(),
            None => std::fs::remove_file(&key_file).unwrap(),
        }
        for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["customer", "list"], &["audit"]]
        {
            let said = shop.say(words);
            assert_eq!(said.code, Some(1), "{what} {words:?}: {}{}", said.out, said.err);
            assert!(said.err.contains("key"), "{what} {words:?}: {}", said.err);
            assert!(said.err.contains("sublet.key"), "{what} {words:?}: {}", said.err);
        }
        assert_eq!(key_file.exists(), bytes.is_some(), "a key was made for books that have one");
    }
    std::fs::write(&key_file, kept).unwrap();
    shop.reopen();
    assert_eq!(shop.addresses(&ann, "IPv4").len(), 1);
}

#[test]
fn only_a_sandbox_has_a_clock_to_move() {
    let shop = Setup::new(BINARY).open();
    let body = json!({ "advance": "1h" });
    assert_eq!(shop.clock_request(&body).send(shop.address()).status, 200);
    let bare = Request::post("/sandbox/v1/clock", &body);
    for request in [
        bare.clone(),
        bare.clone().header("Authorization", "Bearer x"),
        bare.clone().header("Authorization", &format!("Basic {}", shop.token())),
        bare.clone().header("Authorization", ""),
    ] {
        let answer = request.send(shop.address());
        assert_eq!(answer.status, 401, "{}", answer.text());
    }

    let folder = tempfile::tempdir().unwrap();
    let database = Database::new(Engine::of_the_tests(), folder.path());
    let sublet = |words: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(database.words()).arg("--json").args(words);
        command
    };
    assert!(sublet(&["init"]).output().unwrap().status.success());
    let made = sublet(&["operator", "token", "create"]).output().unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let mut serve = sublet(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running(child);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = listening(&serde_json::from_str(&line).unwrap()).unwrap();
    let token = format!("Bearer {}", made["token"].as_str().unwrap());
    let answer = bare.header("Authorization", &token).send(address);
    assert_eq!(answer.status, 404, "{}", answer.text());
    // Once a shop, never a sandbox.
    let turned = sublet(&["init", "--sandbox"]).output().unwrap();
    assert!(!turned.status.success(), "a shop was made a sandbox");
    assert!(
        Command::new("kill")
            .args(["-TERM", &running.0.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(wait(&mut running.0).success());
}
