//! The operator's side: starting, stopping, the command line beside a running server, and secrets
//! that stay secret.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::bodies::{extend, order, with};
use e2e::customer::{Customer, id};
use e2e::http::{Request, cents};
use e2e::race::Held;
use e2e::server::{listening, wait};
use e2e::shop::{FLAT, Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// A program that a test has started itself, ended with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn demo(folder: &Path, json: bool) -> (Running, BufReader<impl Read>) {
    let mut command = Command::new(BINARY);
    command.args(json.then_some("--json")).args(["demo", "--listen", "127.0.0.1:0", "--data"]);
    command.arg(folder.join("demo")).current_dir(folder).env_remove("SUBLET_DATABASE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (Running(child), out)
}

#[test]
fn every_line_that_the_demo_prints_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let (running, mut out) = demo(folder.path(), false);
    let mut script = String::new();
    let mut comments = 0;
    loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "the demo has ended: {script}");
        let word = line.split([' ', '=']).next().unwrap_or_default();
        if ["curl", "ORDER", "sublet"].contains(&word) {
            script.push_str(&format!("{line}echo\n"));
        }
        comments += usize::from(line.starts_with('#'));
        if line.contains("Ctrl-C") {
            break;
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "it took {:?}", start.elapsed());
    let curls = script.lines().filter(|line| line.starts_with("curl")).count();
    assert!(curls >= comments - 1 && curls >= 6, "{script}");

    let binaries = Path::new(BINARY).parent().unwrap().display();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &script]).env("PATH", path).current_dir(folder.path());
    let output = bash.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}\n{wrong}");
    let answers: Vec<Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(answers.len() >= curls, "{said}");
    for answer in &answers {
        assert!(answer.get("success").is_none_or(|success| success == true), "{answer}");
        assert!(answer["error"].is_null(), "{answer}");
    }
    let ordered = answers.iter().find(|answer| answer.get("orderNumber").is_some()).unwrap();
    let extended = answers.iter().find(|answer| answer.get("ipAddressIds").is_some()).unwrap();
    assert_eq!((&ordered["proxyType"], &extended["quantity"]), (&json!("IPv4"), &json!(2)));
    assert!(said.contains("renewal"), "no renewal is among the receipts: {said}");
    drop(running);

    // A later demo goes on from there.
    let (_again, mut out) = demo(folder.path(), true);
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let key = ready["api_key"].as_str().unwrap().to_owned();
    assert!(script.contains(&key), "it has another key");
    let customer = Customer { id: ready["customer_id"].as_i64().unwrap(), key };
    let balance = customer.reading("/balance").send(listening(&ready).unwrap()).ok();
    assert!(cents(&balance["balance"]) < 50_000, "its books are new: {balance}");
}

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
    let database = format!("sqlite:{}", other.path().join("sublet.db").display());
    let listen = shop.address().to_string();
    let output = Command::new(BINARY)
        .args(["--database", &database, "serve", "--listen", &listen])
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
        assert!(revoked.elapsed() < Duration::from_secs(1), "a revoked key still works");
        std::thread::sleep(Duration::from_millis(20));
    }
    let fresh = ann.with_key(&shop.key(ann.id, ""));
    assert_eq!(shop.get(&fresh, "/balance").code(), 0);
    shop.audit();
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
    let database = format!("sqlite:{}", folder.path().join("sublet.db").display());
    let sublet = |words: &[&str]| {
        let mut command = Command::new(BINARY);
        command.args(["--database", &database, "--json"]).args(words);
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

/// Everything that a running server shows to whoever asks for it without a key.
fn shown(address: SocketAddr) -> String {
    let paths = ["/metrics", "/healthz", "/readyz", "/api/openapi.json", "/docs", "/", "/nothing"];
    paths.map(|path| Request::get(path).send(address).text()).concat()
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
    let files = |shop: &Shop| -> Vec<(String, Vec<u8>)> {
        let files = std::fs::read_dir(shop.folder()).unwrap().map(Result::unwrap);
        files
            .map(|file| {
                (file.file_name().display().to_string(), std::fs::read(file.path()).unwrap())
            })
            .collect()
    };
    let mut kept = files(&shop);
    assert!(kept.iter().any(|(name, _)| name.ends_with("-wal")), "there is no log of the database");
    let backup = shop.folder().join("copy.db");
    shop.run(&["backup", backup.to_str().unwrap()]);
    shop.sigterm();
    kept.extend(files(&shop));
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
