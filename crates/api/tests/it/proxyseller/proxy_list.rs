//! `proxy/list`

use domain::time::Span;
use serde_json::{Value, json};

use super::VERSIONS;
use crate::shop::Shop;

const SECTIONS: [&str; 7] = ["ipv4", "ipv6", "mobile", "isp", "mix", "mix_isp", "resident"];

/// The proxies of a section.
async fn items(shop: &Shop, version: &str, section: &str, query: &str) -> Vec<Value> {
    let call = format!("proxy/list/{section}?{query}");
    let listed = shop.ps_get(version, &call).await.ps_ok();
    assert_eq!(listed.as_object().unwrap().len(), 1);
    listed["items"].as_array().unwrap().clone()
}

/// The addresses of a section.
async fn ips(shop: &Shop, version: &str, section: &str, query: &str) -> Vec<String> {
    let items = items(shop, version, section, query).await;
    items.iter().map(|item| item["ip"].as_str().unwrap().to_owned()).collect()
}

/// How many proxies there are in each section.
async fn counts(shop: &Shop, version: &str, query: &str) -> [usize; 7] {
    let listed = shop.ps_get(version, &format!("proxy/list{query}")).await.ps_ok();
    assert_eq!(listed.as_object().unwrap().len(), SECTIONS.len());
    SECTIONS.map(|section| listed[section].as_array().unwrap().len())
}

/// Orders the package of four addresses.
async fn package(shop: &Shop) -> Value {
    let body = json!({ "sectionCode": "mix", "mixId": "america-2", "periodId": "1m", "quantity": 4,
        "paymentId": "balance" });
    shop.ps("v2", "order/make", &body).await.ps_ok()
}

#[tokio::test]
async fn a_proxy_is_shown_with_all_that_there_is_to_it() {
    let shop = Shop::open().await;
    let body = json!({ "ids": [shop.a4()], "comment": "for prices" });
    shop.ps("v1", "proxy/comment/set", &body).await.ps_ok();
    let ids = shop.engine.public_ids();
    let lease = ids.lease_number(ids.read_lease(shop.a4()).unwrap());
    let order = ids.order_number(ids.read_order(&shop.o4.order).unwrap());
    for (version, id, order_id) in [
        ("v1", lease.to_string(), order.to_string()),
        ("v2", shop.a4().to_owned(), shop.o4.order.clone()),
    ] {
        let listed = items(&shop, version, "ipv4", "").await;
        let quoted = json!({ "ids": [shop.a4()], "periodId": "1m" });
        let quoted = shop.ps(version, "prolong/calc/ipv4", &quoted).await.ps_ok();
        let quoted = &quoted["items"][0];
        let item = &listed[0];
        let mut expected = json!({
            "id": id,
            "order_id": order_id,
            "order_number": quoted["order_number"],
            "base_order_number": quoted["base_order_number"],
            "basket_id": item["basket_id"],
            "ip": quoted["ip"],
            "ip_only": quoted["ip"],
            "protocol": "HTTP",
            "port_socks": 8082,
            "port_http": 8081,
            "login": quoted["login"],
            "password": quoted["password"],
            "auth_ip": "",
            "rotation": "",
            "link_reboot": "#",
            "country": "United States",
            "country_alpha3": "USA",
            "status": "Active",
            "status_type": "ACTIVE",
            "can_prolong": true,
            "date_start": "03.02.2026",
            "date_end": "05.03.2026",
            "comment": "for prices",
            "auto_renew": "N",
            "auto_renew_period": "",
            "is_uptime": false,
        });
        if version == "v1" {
            expected["can_prolong"] = json!(1);
            expected.as_object_mut().unwrap().remove("base_order_number");
            expected.as_object_mut().unwrap().remove("is_uptime");
        }
        assert_eq!(*item, expected);
        assert_eq!(listed[1]["basket_id"], item["basket_id"]);
        assert!(item["basket_id"].is_string());
    }
}

#[tokio::test]
async fn every_section_has_its_own() {
    let shop = Shop::open().await;
    shop.stock_canada();
    package(&shop).await;
    for version in VERSIONS {
        for untyped in ["", "/", "/None", "?latest=N&ends=&orderId=null&country="] {
            assert_eq!(counts(&shop, version, untyped).await, [2, 3, 1, 1, 4, 0, 0], "{untyped}");
        }
        let all = shop.ps_get(version, "proxy/list").await.ps_ok();
        for section in SECTIONS {
            assert_eq!(all[section], json!(items(&shop, version, section, "").await), "{section}");
        }
        let six = &all["ipv6"][0];
        let port = six["port_socks"].as_u64().unwrap();
        assert_eq!(six["ip"], json!(format!("127.0.0.1:{port}")));
        assert_eq!((&six["ip_only"], &six["protocol"]), (&json!("127.0.0.1"), &json!("SOCKS5")));
        assert_eq!(six["port_http"], six["port_socks"]);
        let modem = &all["mobile"][0];
        assert_eq!(modem["rotation"], json!("5"));
        assert!(modem["link_reboot"].as_str().unwrap().contains("/api/proxy/reboot?token="));
        assert_eq!(
            (&modem["protocol"], &all["isp"][0]["link_reboot"]),
            (&json!("HTTP"), &json!("#"))
        );
        let countries: Vec<_> = all["mix"].as_array().unwrap().iter().collect();
        let baskets: std::collections::BTreeSet<_> =
            countries.iter().map(|it| it["basket_id"].as_str().unwrap()).collect();
        assert_eq!(baskets.len(), 2, "one for each country");
        shop.ps_get(version, "proxy/list/ipv5").await.ps_refused("Incorrect proxy type", 4);
    }
    assert_eq!(counts(&shop, "v2", "?country=can").await, [0, 0, 0, 0, 2, 0, 0]);
    assert_eq!(ips(&shop, "v1", "mix", "country=CAN").await.len(), 2);
    assert_eq!(counts(&shop, "v2", "?country=CA").await, [0; 7]);
}

#[tokio::test]
async fn proxies_of_one_order() {
    let shop = Shop::open().await;
    let made = package(&shop).await;
    let mixed = made["listBaseOrderNumbers"][0].as_str().unwrap();
    let extend = json!({ "ids": [shop.a4b()], "periodId": "1m" });
    shop.ps("v1", "prolong/make/ipv4", &extend).await.ps_ok();
    let ids = shop.engine.public_ids();
    let o4 = ids.read_order(&shop.o4.order).unwrap();
    for version in VERSIONS {
        for (order, expected) in [
            (mixed, [0, 0, 0, 0, 4, 0, 0]),
            (&shop.o6.order, [0, 3, 0, 0, 0, 0, 0]),
            (&ids.order_number(o4).to_string(), [2, 0, 0, 0, 0, 0, 0]),
            // Bob's, one that is over, and what is none at all.
            (&shop.ob.order, [0; 7]),
            (&shop.over.order, [0; 7]),
            ("zzz", [0; 7]),
            ("1234567", [0; 7]),
        ] {
            let query = format!("?orderId={order}&latest=Y");
            assert_eq!(counts(&shop, version, &query).await, expected, "{version} {order}");
        }
        // Any number that the order has had.
        let listed = items(&shop, version, "ipv4", "").await;
        let numbers = [&listed[0]["order_number"], &listed[1]["order_number"]];
        assert!(!numbers[0].as_str().unwrap().contains("_e_"));
        assert!(numbers[1].as_str().unwrap().contains("_e_"));
        for number in numbers {
            let query = format!("orderId={}", number.as_str().unwrap());
            assert_eq!(ips(&shop, version, "ipv4", &query).await.len(), 2, "{query}");
            assert_eq!(ips(&shop, version, "isp", &query).await.len(), 0);
        }
    }
}

#[tokio::test]
async fn the_latest_order_is_one_of_the_section_or_of_all() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let sections = async |shop: &Shop| {
            let mut counts = [0; 6];
            for (count, section) in counts.iter_mut().zip(SECTIONS) {
                *count = ips(shop, version, section, "latest=Y").await.len();
            }
            counts
        };
        let before = sections(&shop).await;
        assert_eq!(before[1..4], [3, 1, 1]);
        if version == "v1" {
            assert_eq!(before[0], 2);
            assert_eq!(counts(&shop, version, "?latest=Y").await, [0, 3, 0, 0, 0, 0, 0]);
        }
        shop.buy("IPv4", 1).await.is_ok();
        // A prolongation is no purchase.
        let extend = json!({ "ids": [shop.a4()], "periodId": "1m" });
        shop.ps("v1", "prolong/make/ipv4", &extend).await.ps_ok();
        assert_eq!(sections(&shop).await[0..4], [1, 3, 1, 1]);
        assert_eq!(counts(&shop, version, "?latest=Y").await, [1, 0, 0, 0, 0, 0, 0]);
    }
    // Packages of both kinds share one.
    package(&shop).await;
    assert_eq!(ips(&shop, "v2", "mix", "latest=Y").await.len(), 4);
    let body = json!({ "countryId": 60_003, "periodId": "1m", "quantity": 5, "paymentId": 1 });
    shop.ps("v1", "order/make", &body).await.ps_ok();
    assert_eq!(ips(&shop, "v2", "mix", "latest=Y").await.len(), 0);
    assert_eq!(ips(&shop, "v2", "mix_isp", "latest=Y").await.len(), 5);
    assert_eq!(ips(&shop, "v2", "ipv4", "latest=Y").await.len(), 1);
    assert_eq!(counts(&shop, "v2", "?latest=Y").await, [0, 0, 0, 0, 0, 5, 0]);
}

#[tokio::test]
async fn what_ends_is_told_when_it_is_asked_for() {
    let shop = Shop::open().await;
    let all = json!({ "ids": [shop.a4b()], "periodId": "1m" });
    shop.ps("v1", "prolong/make/ipv4", &all).await.ps_ok();
    for version in VERSIONS {
        assert_eq!(counts(&shop, version, "?ends=Y").await, [0; 7]);
    }
    // The first of the order's two has two days left.
    shop.clock.advance(Span::from_days(28));
    assert_eq!(counts(&shop, "v1", "?ends=Y").await[0], 1);
    assert_eq!(counts(&shop, "v1", "").await[0], 2);
    assert_eq!(counts(&shop, "v2", "?ends=Y").await, [0; 7]);
    shop.clock.advance(Span::from_days(2));
    for version in VERSIONS {
        assert_eq!(counts(&shop, version, "").await[0], 1);
        let ended = items(&shop, version, "ipv4", "ends=Y").await;
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0]["status_type"], json!("ENDED"));
        assert_eq!(ended[0]["date_end"], json!("05.03.2026"));
    }
}

#[tokio::test]
async fn pages() {
    let shop = Shop::open().await;
    shop.buy("IPv4", 10).await.is_ok();
    for version in VERSIONS {
        let all = ips(&shop, version, "ipv4", "").await;
        assert_eq!(all.len(), 12);
        for (query, expected) in [
            ("per_page=5", &all[..5]),
            ("page=2&per_page=5", &all[5..10]),
            ("page=3&per_page=5", &all[10..]),
            ("page=4&per_page=5", &[]),
            ("page=1", &all),
            ("page=2", &[]),
            ("page=&per_page=x", &all),
        ] {
            assert_eq!(ips(&shop, version, "ipv4", query).await, expected, "{query}");
        }
        let two = ips(&shop, version, "ipv4", "page=2&per_page=6&country=usa").await;
        assert_eq!(two, all[6..]);
        // Without a section there are no pages.
        assert_eq!(counts(&shop, version, "?page=2&per_page=1").await[0], 12);
    }
}

#[tokio::test]
async fn nobody_sees_another_s_proxies() {
    let shop = Shop::open().await;
    let path = format!("/personal/api/v2/{}/proxy/list", shop.kb);
    let bobs = shop.get(&path).await.ps_ok();
    let text = bobs.to_string();
    assert!(text.contains(shop.ob.lease()));
    assert!(!text.contains(shop.a4()));
    // A key for looking may look.
    let path = format!("/personal/api/v1/{}/proxy/list", shop.kro);
    assert_eq!(shop.get(&path).await.ps_ok()["ipv4"].as_array().unwrap().len(), 2);
}
