//! What is rented works through a gateway on another host, and what is taken away is cut.

use std::time::{Duration, Instant};

use crate::outpost::{Away, PATIENCE, soon};
use crate::town::{Proxy, SHARED_HOST, SOON};

#[test]
fn what_is_rented_works_at_once_and_what_is_taken_away_is_cut() {
    let away = Away::open();
    let town = &away.town;
    let (ann, proxies) = town.ann_with(2);
    let since = Instant::now();
    assert_eq!(town.soon_seen_through(&proxies[0]), proxies[0].exit());
    println!("what was ordered works after {} ms", since.elapsed().as_millis());
    assert!(town.curl("http", &proxies[1], proxies[1].http).ends_with("|200"));

    // Suspended, and let go on.
    let open = town.tunnel(&proxies[0]).unwrap();
    town.shop.run(&["customer", "suspend", &ann.id.to_string()]);
    open.soon_closed();
    town.soon_refused(&proxies[0]);
    town.shop.run(&["customer", "resume", &ann.id.to_string()]);
    town.soon_seen_through(&proxies[0]);

    // Another password.
    let open = town.tunnel(&proxies[1]).unwrap();
    let ways = town.shop.seller(&ann, "GET", "auth/list", &serde_json::json!({}));
    let id = ways[0]["id"].clone();
    let body = serde_json::json!({ "id": id, "password": "an0ther-secret" });
    town.shop.seller(&ann, "POST", "auth/change", &body);
    open.soon_closed();
    town.soon_refused(&proxies[1]);
    let other = Proxy { password: "an0ther-secret".into(), ..proxies[1].clone() };
    assert_eq!(town.soon_seen_through(&other), other.exit());

    // When the call that moves the clock returns, the gateway has noticed: nothing is admitted, and
    // whatever was open is closed.
    let open = town.tunnel(&other).unwrap();
    town.shop.advance("31d");
    assert!(town.tunnel(&other).is_err(), "it has ended, and is served");
    open.soon_closed();

    soon(|| away.listed("rotterdam")["lag"] == 0, || away.listed("rotterdam").to_string());
    let listed = away.listed("rotterdam");
    assert_eq!((&listed["state"], &listed["gateways"][0]), (&"here".into(), &"main".into()));
    assert_eq!(listed["report"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(listed["report"]["memory_bytes"].as_u64().unwrap() > 1_000_000, "{listed}");
}

#[test]
fn limits_and_ports_hold_at_a_gateway_on_another_host_and_after_it_was_away() {
    let mut away = Away::open();
    let (ann, proxies) = away.town.ann_served(1);
    let proxy = &proxies[0];
    let two = |away: &Away| {
        let (one, other) = (away.town.tunnel(proxy), away.town.tunnel(proxy));
        one.is_ok() && other.is_ok()
    };
    let soon_two = |away: &Away, wanted: bool| {
        let since = Instant::now();
        soon(|| two(away) == wanted, || format!("two at a time: {}", !wanted));
        println!("it is felt after {} ms", since.elapsed().as_millis());
    };
    assert!(two(&away));
    let customer = ann.id.to_string();
    let mut open = away.town.tunnel(proxy).unwrap();
    away.town.shop.run(&["limit", "set", "1", "--connections", "2"]);
    soon_two(&away, false);
    assert!(open.echoes(), "what was open is closed");
    drop(open);
    away.town.shop.run(&["limit", "clear", "1"]);
    soon_two(&away, true);

    // While it is away nothing can be told; it is when it comes back, though nothing else happened.
    away.kill9();
    away.town.shop.run(&["limit", "set", "--customer", &customer, "--connections", "1"]);
    away.start(&[]);
    soon_two(&away, false);

    // What a product says of ports is told as well.
    away.town.shop.run(&["limit", "clear", "--customer", &customer]);
    soon_two(&away, true);
    let before = away.town.shop.run(&["catalogue", "show"])[0]["text"].as_str().unwrap().to_owned();
    let saved = away.saved();
    let denies = format!("[kinds.IPv4]\ndeny_ports = [{}]", away.town.echo_v4().port());
    away.town.shop.apply_catalogue(&before.replace("[kinds.IPv4]", &denies));
    soon(|| away.town.tunnel(proxy).is_err(), || "the port is open".to_owned());
    // What was told is saved within seconds, and holds though the shop is away.
    away.soon_saved_since(&saved);
    away.town.shop.kill9();
    away.kill9();
    away.start(&[]);
    assert_eq!(away.outpost().ready["saved"], true);
    let refused = away.town.tunnel(proxy).err().unwrap();
    assert_eq!(refused, "the request was refused with 2");
    away.town.shop.reopen();
    away.town.shop.apply_catalogue(&before);
    away.town.soon_seen_through(proxy);
}

#[test]
fn a_shared_host_is_served_at_ports_of_its_leases() {
    let away = Away::open();
    if !away.town.echo.has_v6() {
        return;
    }
    let ann = away.town.shop.customer("Ann", "10.00");
    let order = e2e::bodies::order("IPv6", "DEU", 1, 30);
    let order = e2e::bodies::with(&order, serde_json::json!({ "protocol": "SOCKS" }));
    let listed = away.town.shop.order(&ann, &order).remove(0);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let socks: u16 = text(&listed["port"]).parse().unwrap();
    let proxy = Proxy {
        id: text(&listed["ipAddressId"]),
        host: SHARED_HOST.to_owned(),
        http: socks - 1,
        socks,
        login: text(&listed["authInfo"]["login"]),
        password: text(&listed["authInfo"]["password"]),
    };
    let since = Instant::now();
    while away.town.tunnel(&proxy).is_err() {
        assert!(since.elapsed() < SOON, "{}", away.outpost().logged());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_used_is_counted_once_though_the_shop_is_killed_and_the_gateway_restarted() {
    let mut away = Away::open();
    let (_, proxies) = away.town.ann_served(1);
    // Four bytes up each time, and one when a tunnel begins; one has been opened by now.
    let echo = |away: &Away, times: u64| {
        let mut tunnel = away.town.tunnel(&proxies[0]).unwrap();
        (0..times).for_each(|_| assert!(tunnel.echoes()));
    };
    let used = |away: &Away| -> u64 {
        let lines = away.town.shop.run(&["usage"]);
        lines.iter().map(|line| line["bytes_up"].as_u64().unwrap()).sum()
    };
    echo(&away, 10);
    soon(|| used(&away) == 42, || format!("{} bytes are counted", used(&away)));
    away.town.shop.kill9();
    echo(&away, 20);
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    assert!(outpost.ended().success());
    away.start(&[]);
    echo(&away, 5);
    away.town.shop.reopen();
    soon(|| used(&away) == 144, || format!("{} bytes are counted", used(&away)));
    let mut outpost = away.outpost.take().unwrap();
    outpost.signal("TERM");
    assert!(outpost.ended().success());
    assert_eq!(used(&away), 144);
}

#[test]
fn neither_passwords_nor_the_token_lie_about() {
    let mut away = Away::alone();
    let token = away.token("rotterdam");
    away.start(&["--token", &token]);
    let (_, proxies) = away.town.ann_served(1);
    let saved = away.data().join("table");
    soon(|| saved.exists(), || "no table is saved".to_owned());
    away.outpost.take().unwrap().signal("TERM");
    let secret = token.split('.').next().unwrap();
    let mut kept = vec![away.town.shop.logged()];
    for folder in [away.data(), away.data().parent().unwrap().to_owned()] {
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.is_file() {
                kept.push(String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned());
            }
        }
    }
    for (at, text) in kept.iter().enumerate() {
        for hidden in [secret, &proxies[0].password, &proxies[0].login] {
            assert!(!text.contains(hidden), "{hidden} lies about in place {at}");
        }
    }
}

#[test]
fn the_gateway_goes_on_with_another_server_of_the_shop() {
    let Some(mut away) = Away::of_two_servers() else { return };
    let (_, proxies) = away.town.ann_served(1);
    let mut open = away.town.tunnel(&proxies[0]).unwrap();
    // Whichever server moves the clock, the gateway has noticed when that returns.
    for _ in 0..4 {
        let moved = away.town.shop.advance("1d");
        let there: jiff::Timestamp = moved["now"].as_str().unwrap().parse().unwrap();
        let here = away.outpost().status()["time"].as_i64().unwrap();
        assert!(there.as_millisecond() <= here + 50, "{there} has not come to {here}");
    }
    away.town.shop.kill_node(0);
    let since = Instant::now();
    let (_, more) = loop {
        // The address of a server that is there.
        let ordered = std::panic::AssertUnwindSafe(|| away.town.ann_with(1));
        let made = std::panic::catch_unwind(ordered);
        if let Ok(made) = made {
            break made;
        }
        assert!(since.elapsed() < PATIENCE);
    };
    away.town.soon_seen_through(&more[0]);
    assert!(open.echoes(), "what was open is closed");
}
