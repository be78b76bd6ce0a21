//! What an operator decides about proxies, and what customers are told of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::customer::Customer;
use e2e::http::Request;
use e2e::shop::Shop;
use serde_json::{Value, json};

use crate::town::{Proxy, SOON, Town, setup};

/// The status and the body of an answer to a CONNECT through `proxy`.
pub(crate) fn connect(proxy: &Proxy, to: &str) -> (u16, String) {
    let mut stream = TcpStream::connect((proxy.host.as_str(), proxy.http)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let pair = STANDARD.encode(format!("{}:{}", proxy.login, proxy.password));
    let head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {pair}");
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0; 1];
    while !answer.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = String::new();
    if status != 200 {
        stream.read_to_string(&mut body).unwrap();
    }
    (status, body)
}

#[track_caller]
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < SOON, "not soon: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn get(shop: &Shop, customer: &Customer, target: &str) -> Value {
    let bearer = format!("Bearer {}", customer.key);
    let answer = Request::get(target).header("Authorization", &bearer).send(shop.address());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn post(shop: &Shop, customer: &Customer, target: &str) -> (u16, Value) {
    let bearer = format!("Bearer {}", customer.key);
    let answer =
        Request::post(target, &json!({})).header("Authorization", &bearer).send(shop.address());
    (answer.status, answer.json())
}

pub(crate) fn leases(shop: &Shop, customer: &Customer) -> Vec<Value> {
    get(shop, customer, "/api/v1/leases")["leases"].as_array().unwrap().clone()
}

fn certificates() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/certificates")
}

/// The catalogue of `shop` as it is in force.
pub(crate) fn catalogue(shop: &Shop) -> String {
    shop.run(&["catalogue", "show"])[0]["text"].as_str().unwrap().to_owned()
}

#[test]
fn proxies_are_reached_inside_tls_with_whatever_certificate_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let put = |which: &str| {
        std::fs::copy(certificates().join(format!("{which}.key")), &key).unwrap();
        std::fs::copy(certificates().join(format!("{which}.pem")), &cert).unwrap();
    };
    put("first");
    let setup = setup().alone();
    let options =
        ["--gateway-cert", cert.to_str().unwrap(), "--gateway-key", key.to_str().unwrap()];
    let setup = options.iter().fold(setup, |setup, option| setup.serve(option));
    let town = Town::of(setup.open());
    let before = catalogue(&town.shop);
    let (socks_line, socks) = before
        .lines()
        .find_map(|line| line.strip_prefix("socks_port = ").map(|port| (line, port)))
        .unwrap();
    let https: u16 = socks.parse::<u16>().unwrap() + 9;
    let with_https = format!("{socks_line}\nhttps_port = {https}");
    town.shop.apply_catalogue(&before.replace(socks_line, &with_https));
    let (ann, proxies) = town.ann_served(1);
    let proxy = &proxies[0];
    assert_eq!(leases(&town.shop, &ann)[0]["https_port"], https);
    let Proxy { login, password, host, .. } = proxy;
    let curl = |which: &str, port: u16| {
        let to = format!("http://{}/", town.echo_v4());
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "", "--max-time", "10"])
            .args(["--connect-to", &format!("localhost:{port}:{host}:{port}")])
            .args(["-x", &format!("https://{login}:{password}@localhost:{port}")])
            .args(["--proxy-cacert", certificates().join(format!("{which}.pem")).to_str().unwrap()])
            .arg("--resolve")
            .arg(format!("localhost:{port}:{host}"))
            .args(["-w", "|%{http_code}", &to])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let seen = format!("{host}|200");
    soon("https_port is listened at", || TcpStream::connect((host.as_str(), https)).is_ok());
    assert_eq!(curl("first", https), seen);
    assert_eq!(curl("first", proxy.http), seen);
    assert_ne!(curl("second", https), seen);
    put("second");
    soon("another certificate is shown", || curl("second", https) == seen);
    // One that cannot be used changes nothing.
    std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\n").unwrap();
    soon("it is told", || town.shop.logged().contains("goes on with the certificate that it has"));
    assert_eq!(curl("second", https), seen);
    // The checker goes through it as well, and says that nobody has signed this certificate.
    let id = leases(&town.shop, &ann)[0]["id"].as_str().unwrap().to_owned();
    let (status, checked) = post(&town.shop, &ann, &format!("/api/v1/leases/{id}/check"));
    assert_eq!((status, &checked["works"]), (200, &true.into()), "{checked}");
    let ways = checked["ways"].as_array().unwrap();
    let protocols: Vec<_> = ways.iter().map(|way| way["protocol"].as_str().unwrap()).collect();
    assert_eq!(protocols, ["http", "https", "socks5"]);
    assert!(ways.iter().all(|way| way["exit"] == host.as_str() && way["connect_ms"].is_u64()));
    assert_eq!(ways[1]["certificate_trusted"], false);
}

#[test]
fn limits_of_the_catalogue_hold_and_follow_it() {
    let town = Town::of(setup().alone().open());
    let (ann, proxies) = town.ann_served(1);
    let proxy = &proxies[0];
    let limits = |at: &Town| leases(&at.shop, &ann)[0]["limits"].clone();
    let usual = json!({ "connections": 500, "new_connections_per_second": 50,
        "bytes_per_second": null, "udp": false });
    assert_eq!(limits(&town), usual);
    let before = catalogue(&town.shop);
    let kind = "[kinds.IPv4]\n";
    let limited = format!("{kind}limits = {{ connections = 1, udp = true }}\n");
    assert!(before.contains(kind));
    let mut open = town.tunnel(proxy).unwrap();
    town.shop.apply_catalogue(&before.replace(kind, &limited));
    let to = town.echo_v4().to_string();
    soon("a second connection is refused", || connect(proxy, &to).0 == 429);
    assert!(open.echoes());
    assert_eq!(limits(&town)["connections"], 1);
    assert_eq!(limits(&town)["udp"], true);
    drop(open);
    soon("there is room for one again", || connect(proxy, &to).0 == 200);
    town.shop.apply_catalogue(&before);
    soon("the limit is gone", || {
        let _open = (town.tunnel(proxy), town.tunnel(proxy));
        matches!(_open, (Ok(_), Ok(_)))
    });
}

#[test]
fn what_is_blocked_is_refused_with_a_reason_that_everybody_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("blocked.txt");
    std::fs::write(&list, "# nothing yet\n").unwrap();
    let setup = setup().alone().serve("--blocked-destinations").serve(list.to_str().unwrap());
    let setup = setup.serve("--allow-ports").serve("22,2300-2399");
    let town = Town::of(setup.open());
    let (ann, proxies) = town.ann_with(1);
    let bob = town.shop.customer("Bob", "0");
    let proxy = &proxies[0];
    town.soon_seen_through(proxy);
    let to = town.echo_v4();
    assert_eq!(connect(proxy, &to.to_string()).0, 200);
    let refused = |to: &str, code: &str| {
        let (status, body) = connect(proxy, to);
        (status, body.split(':').next().unwrap()) == (403, code)
    };
    assert!(refused("127.0.0.1:25", "port_not_allowed"));
    assert!(refused("127.0.0.1:3389", "port_not_allowed"));
    // Opened by the operator: nobody is there, which is another matter.
    assert_eq!(connect(proxy, "127.0.0.1:2323").0, 502);
    std::fs::write(&list, format!("*.blocked.example\nport {}\n", to.port())).unwrap();
    soon("the port is closed", || refused(&to.to_string(), "port_not_allowed"));
    assert!(refused("a.blocked.example:443", "destination_not_allowed"));
    std::fs::write(&list, "127.0.0.0/24 # all of it\n").unwrap();
    soon("the address is closed", || refused(&to.to_string(), "destination_not_allowed"));
    // A list that cannot be read leaves all as it is, and is told.
    std::fs::write(&list, "127.0.0.1/24\n").unwrap();
    soon("it is told", || town.shop.logged().contains("is not a name such as example.com"));
    assert!(refused(&to.to_string(), "destination_not_allowed"));

    let id = leases(&town.shop, &ann)[0]["id"].as_str().unwrap().to_owned();
    let of = format!("/api/v1/leases/{id}/refusals");
    let told = get(&town.shop, &ann, &of);
    let last = &told["last"][0];
    assert_eq!(last["reason"], "destination_not_allowed");
    assert_eq!(last["destination"], to.to_string());
    assert!(last["source"].as_str().unwrap().starts_with("127."), "{last}");
    assert!(told["counts"]["port_not_allowed"].as_u64() >= Some(3), "{told}");
    let bearer = format!("Bearer {}", bob.key);
    let stranger = Request::get(&of).header("Authorization", &bearer).send(town.shop.address());
    assert_eq!(stranger.status, 404);
    let metrics = Request::get("/metrics").send(town.shop.address()).text();
    let counted = metrics.lines().any(|line| {
        line.starts_with("sublet_gateway_refusals_total{reason=\"port_not_allowed\"}")
            && !line.ends_with(" 0")
    });
    assert!(counted, "{metrics}");
    let log = town.shop.logged();
    assert!(log.contains("port_not_allowed") && !log.contains(&proxy.password), "{log}");

    // The checker tells the same reason, for SOCKS too, which has fewer words.
    let (status, checked) = post(&town.shop, &ann, &format!("/api/v1/leases/{id}/check"));
    assert_eq!((status, &checked["works"]), (200, &false.into()), "{checked}");
    for way in checked["ways"].as_array().unwrap() {
        assert_eq!(way["reason"], "destination_not_allowed", "{checked}");
    }
}

#[test]
fn a_proxy_can_be_checked_in_every_way() {
    let town = Town::of(setup().alone().open());
    let (ann, proxies) = town.ann_with(1);
    let bob = town.shop.customer("Bob", "0");
    let proxy = &proxies[0];
    town.soon_seen_through(proxy);
    let id = leases(&town.shop, &ann)[0]["id"].as_str().unwrap().to_owned();
    let check = format!("/api/v1/leases/{id}/check");
    assert_eq!(post(&town.shop, &bob, &check).0, 404);
    let (status, checked) = post(&town.shop, &ann, &check);
    assert_eq!((status, &checked["works"]), (200, &true.into()), "{checked}");
    assert_eq!(checked["expected_exit"], proxy.host);

    // The Proxy-Seller API asks with what the customer says.
    let asked = |password: &str| {
        let Proxy { login, host, http, .. } = proxy;
        let target = format!(
            "/personal/api/v1/{}/tools/proxy/check?proxy={login}:{password}@{host}:{http}",
            ann.key
        );
        Request::get(&target).send(town.shop.address()).json()["data"].clone()
    };
    let data = asked(&proxy.password);
    assert_eq!((&data["valid"], &data["protocol"]), (&true.into(), &"HTTP".into()), "{data}");
    let data = asked("wrong");
    assert_eq!((&data["valid"], &data["protocol"]), (&false.into(), &Value::Null), "{data}");

    // Nobody may have it done for ever.
    let all: Vec<u16> = (0..6).map(|_| post(&town.shop, &ann, &check).0).collect();
    assert!(all.contains(&200) && all.contains(&429), "{all:?}");

    // The operator: by number, and any proxy by its URL.
    let said = town.shop.run(&["proxy", "check", "1"]);
    let works: Vec<_> = said.iter().map(|way| (&way["protocol"], &way["works"])).collect();
    assert_eq!(works, [(&"http".into(), &true.into()), (&"socks5".into(), &true.into())]);
    let Proxy { login, host, socks, .. } = proxy;
    let url = format!("socks5://{login}:wrong@{host}:{socks}");
    let said = town.shop.say(&["--json", "proxy", "check", &url]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert_eq!(said.objects()[0]["reason"], "credentials_wrong");
    assert_eq!(town.shop.say(&["proxy", "check", "99"]).code, Some(1));
    assert_eq!(town.shop.say(&["proxy", "check", "ftp://a"]).code, Some(2));
    assert!(!town.shop.logged().contains(&proxy.password));
}
