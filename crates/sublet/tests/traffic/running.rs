//! How the gateway starts and ends with its server.

use std::time::{Duration, Instant};

use e2e::http::Request;

use crate::town::{Town, setup};

#[test]
fn after_a_kill_everything_is_served_as_before() {
    let mut town = Town::open();
    let (_, proxies) = town.ann_served(3);
    let open = town.tunnel(&proxies[0]).unwrap();
    town.shop.kill9();
    open.soon_closed();
    town.shop.reopen();
    // It is ready when it says so.
    for proxy in &proxies {
        assert_eq!(town.tunnel(proxy).unwrap().seen, proxy.exit());
    }
}

#[test]
fn a_server_that_ends_lets_tunnels_go_on_for_a_moment_and_ends_well() {
    let mut town = Town::open();
    let (_, proxies) = town.ann_served(1);
    let mut open = town.tunnel(&proxies[0]).unwrap();
    town.shop.ask_to_end();
    let since = Instant::now();
    while town.tunnel(&proxies[0]).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(3), "it takes new connections");
    }
    assert!(open.echoes(), "what was open was cut at once");
    let status = town.shop.ended();
    assert!(status.success(), "{status}: {}", town.shop.logged());
    open.soon_closed();
}

#[test]
fn numbers_and_health_tell_of_the_gateway() {
    let town = Town::open();
    let (_, proxies) = town.ann_with(2);
    town.soon_seen_through(&proxies[0]);
    let since = Instant::now();
    let count = |name: &str| -> Option<u64> {
        let text = Request::get("/metrics").send(town.shop.address()).text();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("sublet_{name} ")));
        line?.parse().ok()
    };
    while count("gateway_leases") != Some(2) || count("gateway_flows_total") == Some(0) {
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}", count("gateway_leases"));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(count("gateway_ready"), Some(1));
    let ready = Request::get("/readyz").send(town.shop.address());
    assert_eq!((ready.status, &ready.json()["gateway"]), (200, &"ready".into()));
}

#[test]
fn a_port_that_is_taken_is_told_and_everything_else_is_served() {
    let setup = setup().alone();
    let first = setup.clone().open();
    let second = setup.open();
    let since = Instant::now();
    while !second.logged().contains("cannot listen on") {
        assert!(since.elapsed() < Duration::from_secs(5), "{}", second.logged());
    }
    for (shop, gateway) in [(&first, "ready"), (&second, "impaired")] {
        let ready = Request::get("/readyz").send(shop.address());
        assert_eq!((ready.status, &ready.json()["gateway"]), (200, &gateway.into()));
    }
    // A server without the role says nothing of it.
    drop(first);
    let since = Instant::now();
    loop {
        let ready = Request::get("/readyz").send(second.address());
        if ready.json()["gateway"] == "ready" {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(15), "it is not tried again");
        std::thread::sleep(Duration::from_millis(100));
    }
}
