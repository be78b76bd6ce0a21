//! What is rented works, over every dialect and protocol.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use e2e::bodies::{extend, order, with};
use serde_json::{Value, json};

use crate::town::{Proxy, SHARED_HOST, Town};

#[test]
fn what_is_ordered_over_any_dialect_works_at_once_and_leaves_from_its_own_address() {
    let town = Town::open();
    let (ann, first) = town.ann_with(2);
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut check = |proxies: &[Proxy]| {
        for proxy in proxies {
            assert!(known.insert(proxy.id.clone()));
            assert_eq!(town.soon_seen_through(proxy), proxy.exit());
            let seen = format!("{}|200", proxy.host);
            for (scheme, port) in [
                ("http", proxy.http),
                ("socks5", proxy.socks),
                ("socks5h", proxy.socks),
                // Either port speaks both.
                ("http", proxy.socks),
                ("socks5", proxy.http),
            ] {
                assert_eq!(town.curl(scheme, proxy, port), seen, "{scheme}");
            }
        }
    };
    check(&first);
    for (version, place) in
        [("v1", json!({ "countryId": 1840 })), ("v2", json!({ "countryId": "USA" }))]
    {
        let before: BTreeSet<String> = ids(&town.shop.addresses(&ann, "IPv4"));
        let body = with(
            &json!({ "sectionCode": "ipv4", "quantity": 2, "periodId": "1m",
                "customTargetName": "prices", "paymentId": if version == "v1" { json!(1) } else { json!("balance") } }),
            place,
        );
        let target = format!("/personal/api/{version}/{}/order/make", ann.key);
        let answer = e2e::http::Request::post(&target, &body).send(town.shop.address());
        assert_eq!(answer.json()["status"], "success", "{}", answer.text());
        let now = town.shop.addresses(&ann, "IPv4");
        let new: Vec<Proxy> = now
            .iter()
            .filter(|it| !before.contains(it["ipAddressId"].as_str().unwrap()))
            .map(Proxy::listed)
            .collect();
        assert_eq!(new.len(), 2);
        check(&new);
    }
    town.shop.audit();
}

fn ids(listed: &[Value]) -> BTreeSet<String> {
    listed.iter().map(|it| it["ipAddressId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_proxy_is_its_customer_s_alone() {
    let town = Town::open();
    let (_, proxies) = town.ann_with(2);
    let [one, two] = &proxies[..] else { panic!("two were ordered") };
    assert_eq!(town.soon_seen_through(one), one.exit());
    assert_eq!(one.login, two.login, "they are of one order");
    for wrong in [
        Proxy { password: "wrong".into(), ..one.clone() },
        Proxy { login: "nobody".into(), ..one.clone() },
        // An address of the stock that nobody has rented.
        Proxy { host: "127.40.0.127".into(), ..one.clone() },
        Proxy { host: "127.0.0.1".into(), ..one.clone() },
    ] {
        town.tunnel(&wrong).map(|tunnel| tunnel.seen).unwrap_err();
        assert!(town.curl("http", &wrong, wrong.http).ends_with("|407"), "{wrong:?}");
    }
    // The other one of the same order has the same login and its own address.
    assert_eq!(town.tunnel(two).unwrap().seen, two.exit());
    // What serves the shop itself is no destination.
    let shop = format!("http://{}/healthz", town.shop.address());
    let proxy = format!("http://{}:{}@{}:{}", one.login, one.password, one.host, one.http);
    let output = std::process::Command::new("curl")
        .args([
            "-sS",
            "--noproxy",
            "",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-x",
            &proxy,
            &shop,
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "403");
}

#[test]
fn a_lease_at_a_shared_host_has_a_port_of_its_own_and_speaks_what_was_ordered() {
    let town = Town::open();
    if !town.echo.has_v6() {
        return;
    }
    let ann = town.shop.customer("Ann", "100.00");
    let body = with(&order("IPv6", "DEU", 1, 30), json!({ "protocol": "SOCKS" }));
    let listed = town.shop.order(&ann, &body);
    let (login, password) = (&listed[0]["authInfo"]["login"], &listed[0]["authInfo"]["password"]);
    let socks: u16 = listed[0]["port"].as_str().unwrap().parse().unwrap();
    let proxy = Proxy {
        id: listed[0]["ipAddressId"].as_str().unwrap().to_owned(),
        host: SHARED_HOST.to_owned(),
        http: socks - 1,
        socks,
        login: login.as_str().unwrap().to_owned(),
        password: password.as_str().unwrap().to_owned(),
    };
    assert_eq!(town.soon_seen_through(&proxy), IpAddr::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(town.curl("http", &proxy, proxy.http), "|000", "it speaks SOCKS alone");
}

#[test]
fn what_is_extended_goes_on_and_what_is_over_does_not() {
    let town = Town::open();
    let (ann, proxies) = town.ann_with(2);
    let [one, two] = &proxies[..] else { panic!("two were ordered") };
    assert_eq!(town.soon_seen_through(one), one.exit());
    town.shop.advance("29d");
    let mut stays = town.tunnel(one).unwrap();
    let goes = town.tunnel(two).unwrap();
    town.shop.post(&ann, "/extend", &extend("IPv4", &[&one.id], 30)).ok();
    town.shop.advance("30h");
    // The clock has been noticed when the call returns.
    town.tunnel(two).map(|tunnel| tunnel.seen).unwrap_err();
    assert!(town.curl("http", two, two.http).ends_with("|403"), "it is told that it has ended");
    goes.soon_closed();
    assert!(stays.echoes());
    // Paid late, it is served again: it was kept in reserve.
    let (bob, kept) = (town.shop.customer("Bob", "100.00"), &["IPv4", "USA"]);
    let listed = town.shop.order(&bob, &order(kept[0], kept[1], 1, 30));
    let late = Proxy::listed(&listed[0]);
    town.soon_seen_through(&late);
    town.shop.advance("30d");
    town.tunnel(&late).map(|tunnel| tunnel.seen).unwrap_err();
    town.shop.post(&bob, "/extend", &extend("IPv4", &[&late.id], 30)).ok();
    assert_eq!(town.soon_seen_through(&late), late.exit());
    town.shop.audit();
}
