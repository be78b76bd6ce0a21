//! What a gateway on another host refuses is shown by the shop, whichever of its servers is asked;
//! and proxies are checked there as elsewhere.

use std::net::SocketAddr;
use std::process::Command;

use e2e::customer::Customer;
use e2e::http::{Answer, Request};
use serde_json::{Value, json};

use crate::outpost::{Away, soon};
use crate::town::Proxy;

/// A call of the native API about a lease.
fn native(at: SocketAddr, customer: &Customer, method: &str, proxy: &Proxy, call: &str) -> Answer {
    let bearer = format!("Bearer {}", customer.key);
    let target = format!("/api/v1/leases/{}/{call}", proxy.id);
    Request::new(method, &target).header("Authorization", &bearer).send(at)
}

/// Has the gateway refuse something to a client of `proxy`, with 403.
#[track_caller]
fn refused(proxy: &Proxy) {
    let Proxy { host, http, login, password, .. } = proxy;
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "", "--max-time", "10", "-p"])
        .args(["-x", &format!("http://{login}:{password}@{host}:{http}")])
        .args(["http://192.0.2.1:25/", "-w", "%{http_connect}"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).ends_with("403"), "{output:?}");
}

/// What the server at `at` shows of a lease, as soon as something was refused so often.
#[track_caller]
fn soon_shown(at: SocketAddr, customer: &Customer, proxy: &Proxy, times: u64) -> Value {
    let shown = || native(at, customer, "GET", proxy, "refusals").json();
    soon(|| shown()["counts"]["port_not_allowed"] == times, || shown().to_string());
    shown()
}

#[test]
fn a_customer_sees_what_was_refused_elsewhere_also_after_the_shop_was_killed() {
    let mut away = Away::open();
    let (ann, proxies) = away.town.ann_with(2);
    let [one, two] = &proxies[..] else { panic!("two were rented") };
    away.town.soon_seen_through(one);
    let nothing = native(away.town.shop.address(), &ann, "GET", one, "refusals");
    assert_eq!((nothing.status, nothing.json()), (200, json!({ "counts": {}, "last": [] })));
    refused(one);
    refused(one);
    let shown = soon_shown(away.town.shop.address(), &ann, one, 2);
    let last = shown["last"].as_array().unwrap();
    assert_eq!(last.len(), 2, "{shown}");
    assert_eq!(last[0]["destination"], "192.0.2.1:25");
    assert!(last[0]["source"].as_str().unwrap().starts_with("127."), "{shown}");
    let of_two = native(away.town.shop.address(), &ann, "GET", two, "refusals").json();
    assert_eq!(of_two["counts"], json!({}), "it was refused to another");
    let bob = away.town.shop.customer("Bob", "0");
    assert_eq!(native(away.town.shop.address(), &bob, "GET", one, "refusals").status, 404);
    let admin: SocketAddr = away.outpost().ready["admin"].as_str().unwrap().parse().unwrap();
    let metrics = || Request::get("/metrics").send(admin).text();
    let line = "sublet_gateway_refusals_total{reason=\"port_not_allowed\"} 2\n";
    soon(|| metrics().contains(line), metrics);

    // The gateway remembers more than the shop, which has forgotten everything.
    away.town.shop.kill9();
    refused(two);
    away.town.shop.reopen();
    soon_shown(away.town.shop.address(), &ann, two, 1);
    soon_shown(away.town.shop.address(), &ann, one, 2);
    refused(one);
    soon_shown(away.town.shop.address(), &ann, one, 3);
}

#[test]
fn a_proxy_of_a_gateway_elsewhere_is_checked_as_its_customer_would_use_it() {
    let mut away = Away::open();
    let (ann, proxies) = away.town.ann_served(1);
    let proxy = &proxies[0];
    let at = away.town.shop.address();
    let checked = || native(at, &ann, "POST", proxy, "check").json();
    let works = checked();
    assert_eq!((&works["works"], &works["expected_exit"]), (&json!(true), &json!(proxy.host)));
    assert_eq!(works["ways"].as_array().unwrap().len(), 2, "{works}");
    let Proxy { host, http, login, password, .. } = proxy;
    let tool = |password: &str| {
        let proxy = format!("{login}:{password}@{host}:{http}");
        let target = format!("/personal/api/v1/{}/tools/proxy/check?proxy={proxy}", ann.key);
        Request::get(&target).send(at).json()["data"]["valid"].clone()
    };
    assert_eq!((tool(password), tool("wrong")), (json!(true), json!(false)));
    let own = away.town.shop.say(&["proxy", "check", "1"]);
    assert_eq!(own.code, Some(0), "{} {}", own.out, own.err);
    away.kill9();
    let dead = checked();
    assert_eq!(
        (&dead["works"], &dead["ways"][0]["reason"]),
        (&json!(false), &json!("unreachable"))
    );
    assert_ne!(away.town.shop.say(&["proxy", "check", "1"]).code, Some(0));
}

#[test]
fn each_server_of_a_shop_shows_it() {
    let Some(away) = Away::of_two_servers() else { return };
    let (ann, proxies) = away.town.ann_served(1);
    refused(&proxies[0]);
    for node in [0, 1] {
        soon_shown(away.town.shop.address_of(node), &ann, &proxies[0], 1);
    }
}
