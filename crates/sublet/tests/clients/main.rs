//! Programs as customers have them, through what they have rented: each is told by its destination
//! that it comes from the rented address.
//!
//! The programs are real and are not touched: curl, Python's requests, aiohttp and httpx, dnspython,
//! undici for Node, and Chromium. They, and the destinations, need what `.ci/run` installs: curl,
//! openssl, python3 with venv, nodejs, npm, chromium. Where one is missing, its test fails and says
//! so.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod environment;
mod targets;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::bodies::{order, with};
use e2e::network::{in_own_network, ip};
use e2e::proxies::Proxy;
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

use environment::{SCRIPTS, browser, certificate, certificate_for, node_modules, python, succeed};
use targets::Targets;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// A rented address, and what is needed to go somewhere through it.
struct Rented {
    shop: Shop,
    targets: Targets,
    proxy: Proxy,
}

impl Rented {
    #[track_caller]
    fn new() -> Rented {
        Rented::of(Setup::new(BINARY))
    }

    #[track_caller]
    fn of(setup: Setup) -> Rented {
        let setup = setup.traffic("127.0.0.9").alone();
        let shop = setup.stock("--kind IPv4 --country USA --cidr 127.40.0.0/28").open();
        let ann = shop.customer("Ann", "100.00");
        let listed = shop.order(&ann, &order("IPv4", "USA", 1, 30));
        Rented { shop, targets: Targets::new(), proxy: Proxy::listed(&listed[0]) }
    }

    /// What a script has to know.
    fn facts(&self) -> Value {
        json!({
            "host": self.proxy.host,
            "http": self.proxy.http,
            "socks": self.proxy.socks,
            "login": self.proxy.login,
            "password": self.proxy.password,
            "targets": self.targets.ports,
            "ca": certificate().1,
        })
    }

    /// Runs a program whose destinations must say that it comes from the rented address, and gives
    /// back what else they said.
    #[track_caller]
    fn tells(&self, needs: &str, command: &mut Command, facts: &Value) -> BTreeMap<String, String> {
        // Nothing else that is configured on this machine has a say.
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        let told = succeed(needs, command.arg(facts.to_string()));
        let told: BTreeMap<String, String> = serde_json::from_str(&told).expect(&told);
        let exit = format!("{} ", self.proxy.host);
        let rest = |(name, told): (String, String)| {
            let rest = told.strip_prefix(&exit).unwrap_or_else(|| panic!("{name}: {told}"));
            (name, rest.to_owned())
        };
        told.into_iter().map(rest).collect()
    }
}

#[test]
fn curl_over_everything_that_it_speaks() {
    let rented = Rented::new();
    let Proxy { host, http, socks, login, password, .. } = &rented.proxy;
    for (scheme, port) in [("http", http), ("socks5", socks), ("socks5h", socks)] {
        for (to, option, expected) in [
            ("http", "--http1.1", "HTTP/1.1"),
            ("https", "--http1.1", "HTTP/1.1"),
            ("https", "--http2", "HTTP/2.0"),
        ] {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "--noproxy", "", "--max-time", "20", option, "--cacert"]);
            curl.arg(&certificate().1);
            curl.args(["-x", &format!("{scheme}://{login}:{password}@{host}:{port}")]);
            // Twice, so that a connection is used again.
            let url = rented.targets.url(to);
            let said = succeed("curl", curl.args([&url, &url]));
            let expected = format!("{host} {expected}").repeat(2);
            assert_eq!(said, expected, "{to} over {scheme}, {option}");
        }
    }
}

#[test]
fn python_programs() {
    let rented = Rented::new();
    let mut command = Command::new(python());
    command.args(["-B", &format!("{SCRIPTS}/clients.py")]);
    let facts = with(&rented.facts(), json!({ "of": ["connections"] }));
    let told = rented.tells("Python", &mut command, &facts);
    let by = |word: &str| told.iter().filter(|(name, _)| name.contains(word)).count();
    assert_eq!((by("requests"), by("aiohttp"), by("WebSocket")), (6, 8, 4), "{told:?}");
    let two: Vec<_> = told.iter().filter(|(name, _)| name.contains("HTTP/2")).collect();
    assert_eq!(two.len(), 2);
    assert!(two.iter().all(|(_, rest)| *rest == "HTTP/2.0"), "{two:?}");
}

/// What goes to the proxy is inside TLS, and what goes through it may be once more.
#[test]
fn python_programs_inside_tls() {
    let addresses: Vec<String> = (0..16).map(|last| format!("127.40.0.{last}")).collect();
    let (key, gateway) = certificate_for("gateway", &addresses);
    let (_, stranger) = certificate_for("gateway", &addresses);
    let options =
        ["--gateway-cert", gateway.to_str().unwrap(), "--gateway-key", key.to_str().unwrap()];
    let setup = options.iter().fold(Setup::new(BINARY), |setup, option| setup.serve(option));
    let rented = Rented::of(setup);
    // The last port of the shop is no longer one of a shared host.
    let text = rented.shop.run(&["catalogue", "show"])[0]["text"].as_str().unwrap().to_owned();
    let http = rented.proxy.http;
    let (https, before) = (http + 9, format!("shared_ports = [{}, {}]", http + 2, http + 9));
    assert!(text.contains(&before), "{text}");
    let now = format!("shared_ports = [{}, {}]\nhttps_port = {https}", http + 2, http + 8);
    rented.shop.apply_catalogue(&text.replace(&before, &now));
    let since = Instant::now();
    while TcpStream::connect((rented.proxy.host.as_str(), https)).is_err() {
        assert!(since.elapsed() < Duration::from_secs(5), "nobody listens at https_port");
        std::thread::sleep(Duration::from_millis(20));
    }

    // Who trusts the gateway, and who trusts somebody of the same name.
    let trusting = |proxy: &Path| {
        let both = [proxy, &certificate().1].map(|file| std::fs::read_to_string(file).unwrap());
        let file = proxy.with_file_name("both.pem");
        std::fs::write(&file, both.concat()).unwrap();
        file
    };
    let mut command = Command::new(python());
    command.args(["-B", &format!("{SCRIPTS}/clients.py")]);
    let facts = json!({
        "of": ["secure"], "https": https, "ca": trusting(&gateway), "other_ca": trusting(&stranger),
    });
    let told = rented.tells("Python", &mut command, &with(&rented.facts(), facts));
    let by = |word: &str| told.iter().filter(|(name, _)| name.starts_with(word)).count();
    for library in ["requests", "urllib3", "httpx", "aiohttp"] {
        assert_eq!(by(library), 2, "{library}: {told:?}");
    }
}

#[test]
fn a_dns_query_over_socks() {
    let rented = Rented::new();
    let mut command = Command::new(python());
    command.args(["-B", &format!("{SCRIPTS}/clients.py")]);
    let facts = with(&rented.facts(), json!({ "of": ["datagrams"] }));
    let told = rented.tells("Python", &mut command, &facts);
    assert_eq!(told["dnspython, a DNS query over socks5"], "DNS");
}

#[test]
fn programs_for_node() {
    let rented = Rented::new();
    let mut command = Command::new("node");
    command.arg(format!("{SCRIPTS}/clients.mjs"));
    let mut facts = rented.facts();
    facts["modules"] = json!(node_modules());
    let told = rented.tells("node", &mut command, &facts);
    assert_eq!(told.len(), 7, "{told:?}");
    assert_eq!(told["undici with HTTP/2, https"], "HTTP/2.0");
    assert_eq!(told["undici, WebSocket in wss"], "WebSocket");
}

#[test]
fn a_browser_with_a_login() {
    let rented = Rented::new();
    let mut facts = rented.facts();
    facts["proxy"] = json!(format!("http://{}:{}", rented.proxy.host, rented.proxy.http));
    check_browser(&rented, &facts);
}

/// Runs the browser, which must see the destinations as from the rented address.
#[track_caller]
fn check_browser(rented: &Rented, facts: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let facts = with(facts, json!({ "folder": folder.path(), "browser": browser() }));
    let mut command = Command::new("node");
    command.arg(format!("{SCRIPTS}/chromium.mjs"));
    let told = rented.tells("node and Chromium", &mut command, &facts);
    let told: Vec<_> = told.iter().map(|(name, rest)| (name.as_str(), rest.as_str())).collect();
    let expected = [
        ("Chromium, WebSocket in http", "WebSocket"),
        ("Chromium, WebSocket in https", "WebSocket"),
        ("Chromium, http", "HTTP/1.1"),
        ("Chromium, https", "HTTP/2.0"),
    ];
    assert_eq!(told, expected);
}

/// Customers' addresses are public ones, and the machine has none: so this is in a network of its own.
#[test]
fn a_browser_and_curl_that_are_known_by_their_address() {
    if !in_own_network("a_browser_and_curl_that_are_known_by_their_address") {
        return;
    }
    const CUSTOMER: &str = "203.0.113.10";
    const STRANGER: &str = "203.0.113.11";
    const EXIT: &str = "127.40.0.7";
    for address in [CUSTOMER, STRANGER] {
        ip(&format!("addr add {address}/32 dev lo"));
    }
    let shop = Setup::new(BINARY)
        .traffic(CUSTOMER)
        .alone()
        .stock("--kind MOBILE --country USA --operator verizon --cidr 127.40.0.7/32")
        .open();
    let ann = shop.customer("Ann", "100.00");
    let members = json!({
        "authType": "IP", "authIp": CUSTOMER, "mobileOperator": "verizon", "rotationTime": 0,
    });
    let listed = shop.order(&ann, &with(&order("MOBILE", "USA", 1, 30), members));
    let text = |name: &str| listed[0][name].as_str().unwrap_or_else(|| panic!("{}", listed[0]));
    let (http, socks): (u16, u16) =
        (text("httpsPort").parse().unwrap(), text("socks5Port").parse().unwrap());
    let proxy = Proxy {
        id: text("ipAddressId").to_owned(),
        host: EXIT.to_owned(),
        http,
        socks,
        login: String::new(),
        password: String::new(),
    };
    let rented = Rented { shop, targets: Targets::new(), proxy };
    // Whoever connects to one of his own addresses comes from it.
    for (scheme, port) in [("http", http), ("socks5", socks)] {
        for (from, is_known) in [(CUSTOMER, true), (STRANGER, false)] {
            let mut curl = Command::new("curl");
            curl.args(["-sS", "--noproxy", "", "--max-time", "20"]);
            curl.args(["-x", &format!("{scheme}://{from}:{port}"), &rented.targets.url("http")]);
            let output = curl.output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(said == format!("{EXIT} HTTP/1.1"), is_known, "{from}: {said}");
            assert_eq!(said.contains(EXIT), is_known, "{from}: {said}");
        }
    }
    for (scheme, port) in [("http", http), ("socks5", socks)] {
        let mut facts = rented.facts();
        facts["login"] = Value::Null;
        facts["proxy"] = json!(format!("{scheme}://{CUSTOMER}:{port}"));
        check_browser(&rented, &facts);
    }
}
