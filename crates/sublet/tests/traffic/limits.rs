//! What an operator says of single leases and customers, and what a product says of ports.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::order;
use serde_json::{Value, json};

use crate::controls::{catalogue, connect, leases, soon};
use crate::town::{Proxy, Town, Tunnel, setup};

/// A destination that takes a byte and then sends so many.
fn fountain(bytes: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                while stream.read_exact(&mut [0]).is_ok() {
                    stream.write_all(&vec![7; bytes]).unwrap();
                }
            });
        }
    });
    address
}

/// A tunnel that is open, at the latest soon: what was closed a moment ago may still be counted.
fn soon_open(town: &Town, proxy: &Proxy) -> Tunnel {
    let mut open = None;
    soon("there is room for one", || {
        open = town.tunnel(proxy).ok();
        open.is_some()
    });
    open.unwrap()
}

/// What `limit list` says, without what only people need.
fn listed(town: &Town) -> Vec<Value> {
    let mut all = town.shop.run(&["limit", "list"]);
    for line in &mut all {
        assert_eq!(line["lease"].is_null(), line["lease_id"].is_null(), "{line}");
        line.as_object_mut().unwrap().remove("lease_id");
    }
    all
}

#[test]
fn limits_of_a_lease_go_before_those_of_its_customer_and_these_before_the_catalogue() {
    let town = Town::of(setup().alone().open());
    let (ann, proxies) = town.ann_with(2);
    let customer = ann.id.to_string();
    for proxy in &proxies {
        town.soon_seen_through(proxy);
    }
    let to = town.echo_v4().to_string();
    // Whether a further connection is let in beside the one that is open.
    let open = |at: usize| town.tunnel(&proxies[at]);
    let mut first = [open(0).unwrap(), open(1).unwrap()];
    let full = |at: usize| connect(&proxies[at], &to).0 == 429;
    let limits = || -> Vec<Value> {
        leases(&town.shop, &ann)
            .iter()
            .map(|lease| lease["limits"]["connections"].clone())
            .collect()
    };
    assert_eq!(limits(), [500, 500]);
    assert!(!full(0) && !full(1));

    // One lease, by its number and by its id; the other one is as it was.
    let said = town.shop.run(&["limit", "set", "1", "--connections", "1"]);
    let since = Instant::now();
    assert_eq!((&said[0]["lease"], &said[0]["connections"]), (&json!(1), &json!(1)));
    soon("a lease is limited", || full(0));
    println!("a limit is in force after {} ms", since.elapsed().as_millis());
    assert!(!full(1) && first[0].echoes());
    assert_eq!(limits(), [1, 500]);
    let id = leases(&town.shop, &ann)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(said[0]["lease_id"], id);
    town.shop.run(&["limit", "set", &id, "--bandwidth", "80Mbit"]);
    let lease = json!({ "customer_id": ann.id, "lease": 1, "connections": 1,
        "new_connections_per_second": null, "bytes_per_second": 10_000_000 });
    assert_eq!(listed(&town), [lease]);

    // All of the customer, also what he buys later; what is said of the lease stays.
    town.shop.run(&["limit", "set", "--customer", &customer, "--connections", "1"]);
    soon("the customer is limited", || full(1));
    town.shop.run(&["limit", "set", "1", "--connections", "0"]);
    soon("the lease is limited no more", || !full(0));
    let bought = town.shop.order(&ann, &order("IPv4", "USA", 1, 30));
    let bought = Proxy::listed(&bought[0]);
    let another = soon_open(&town, &bought);
    assert_eq!(connect(&bought, &to).0, 429);
    drop(another);
    assert_eq!(limits(), [Value::Null, 1.into(), 1.into()]);
    assert_eq!(listed(&town).len(), 2);
    assert_eq!(listed(&town)[0]["lease"], Value::Null);

    // Taken away, what is wider holds; and nothing that was open was closed by any of it.
    town.shop.run(&["limit", "clear", "1", "--connections"]);
    soon("the lease has its customer's", || full(0));
    town.shop.run(&["limit", "clear", "--customer", &customer]);
    soon("the catalogue holds", || !full(0) && !full(1));
    assert_eq!(limits(), [500, 500, 500]);
    town.shop.run(&["limit", "clear", "1"]);
    assert_eq!(listed(&town), [] as [Value; 0]);
    assert!(first.iter_mut().all(|tunnel| tunnel.echoes()));

    // What makes no sense.
    for (words, code) in [
        ("limit set 1", 2),
        ("limit set --connections 1", 2),
        ("limit set 1 --customer 1 --connections 1", 2),
        ("limit set 1 --bandwidth 100", 2),
        ("limit set 1 --bandwidth 2mb", 2),
        ("limit set x --connections 1", 2),
        ("limit clear", 2),
        ("limit set 99 --connections 1", 1),
        ("limit clear --customer 99", 1),
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        assert_eq!(town.shop.say(&words).code, Some(code), "{words:?}");
    }
    assert_eq!(listed(&town), [] as [Value; 0]);
    town.shop.audit();
}

#[test]
fn another_bandwidth_is_felt_by_what_is_open_and_stays_when_the_server_is_restarted() {
    const BYTES: usize = 60_000;
    let mut town = Town::of(setup().alone().open());
    let (_, proxies) = town.ann_with(1);
    let proxy = proxies[0].clone();
    town.soon_seen_through(&proxy);
    let from = fountain(BYTES);
    let mut stream = tunnel_to(&proxy, from);
    let mut takes = || {
        let since = Instant::now();
        stream.write_all(&[1]).unwrap();
        stream.read_exact(&mut vec![0; BYTES]).unwrap();
        since.elapsed()
    };
    takes();
    town.shop.run(&["limit", "set", "1", "--bandwidth", "20kB"]);
    let since = Instant::now();
    while takes() < Duration::from_secs(2) {
        assert!(since.elapsed() < Duration::from_secs(10), "it is as fast as before");
    }
    town.shop.run(&["limit", "clear", "1"]);
    let since = Instant::now();
    while takes() > Duration::from_secs(1) {
        assert!(since.elapsed() < Duration::from_secs(15), "it is as slow as before");
    }
    drop(stream);

    town.shop.run(&["limit", "set", "1", "--connections", "1"]);
    town.shop.kill9();
    town.shop.reopen();
    let _open = soon_open(&town, &proxy);
    assert_eq!(connect(&proxy, &town.echo_v4().to_string()).0, 429);
}

/// A tunnel to `to` over HTTP.
fn tunnel_to(proxy: &Proxy, to: SocketAddr) -> std::net::TcpStream {
    use base64::Engine as _;
    let mut stream = std::net::TcpStream::connect((proxy.host.as_str(), proxy.http)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let pair = format!("{}:{}", proxy.login, proxy.password);
    let pair = base64::engine::general_purpose::STANDARD.encode(pair);
    let head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {pair}");
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    let (mut answer, mut byte) = (Vec::new(), [0]);
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    stream
}

#[test]
fn a_product_has_ports_of_its_own_within_what_the_site_denies() {
    let setup = setup().alone().serve("--deny-ports").serve("2525");
    let setup = setup.stock("--kind IPv4 --country DEU --cidr 127.40.1.0/28");
    let town = Town::of(setup.open());
    let ann = town.shop.customer("Ann", "100.00");
    let of =
        |country: &str| Proxy::listed(&town.shop.order(&ann, &order("IPv4", country, 1, 30))[0]);
    let [usa, deu] = ["USA", "DEU"].map(of);
    for proxy in [&usa, &deu] {
        town.soon_seen_through(proxy);
    }
    let refused = |proxy: &Proxy, to: &str| {
        let (status, body) = connect(proxy, to);
        status == 403 && body.starts_with("port_not_allowed:")
    };
    let mail = ["127.0.0.1:25", "127.0.0.1:587", "127.0.0.1:2525"];
    for to in mail {
        assert!(refused(&usa, to) && refused(&deu, to), "{to}");
    }
    let echo = town.echo_v4();
    let mut open = town.tunnel(&usa).unwrap();
    let before = catalogue(&town.shop);
    let with = |rules: &str| {
        let others =
            before.replace("countries = [\"USA\", \"DEU\", \"GBR\"", "countries = [\"DEU\"");
        assert_ne!(others, before);
        let product = "[[products]]\nkind = \"IPv4\"\ncountry = \"USA\"";
        let prices = "per_period.USD = { \"30\" = \"1.00\", \"90\" = \"3.00\" }";
        format!("{others}\n{product}\n{prices}\n{rules}\n")
    };
    let denies = format!("deny_ports = [{}]", echo.port());
    town.shop.apply_catalogue(&with(&format!("allow_ports = [25, \"2000-3000\"]\n{denies}")));
    // Opened: nobody is there, which is another matter.
    soon("mail is open for the product", || connect(&usa, mail[0]).0 == 502);
    assert!(refused(&usa, mail[1]), "a port that nobody named is open");
    assert!(refused(&usa, mail[2]), "the site denies it");
    assert!(refused(&usa, &echo.to_string()), "the product denies it");
    assert!(open.echoes(), "what is open goes on");
    for to in mail {
        assert!(refused(&deu, to), "it is another product: {to}");
    }
    assert_eq!(connect(&deu, &echo.to_string()).0, 200);
    assert!(town.tunnel(&usa).is_err(), "over SOCKS5 too");
    // A slip of the pen changes nothing, and is told.
    let file = town.shop.folder().join("slip.toml");
    std::fs::write(&file, with("allow_ports = [\"20-30\"]")).unwrap();
    let told = town.shop.say(&["catalogue", "apply", file.to_str().unwrap(), "--yes"]);
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("20-30 has port 25 among them"), "{}", told.err);
    town.shop.apply_catalogue(&before);
    soon("mail is closed again", || refused(&usa, mail[0]));
    assert_eq!(connect(&usa, &echo.to_string()).0, 200);
}
