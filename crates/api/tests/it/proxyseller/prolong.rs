//! `prolong/calc` and `prolong/make`

use domain::ids::OrderId;
use serde_json::{Value, json};

use super::{VERSIONS, dollars};
use crate::shop::{Bought, Shop};

fn leases(bought: &Bought) -> Value {
    json!(bought.leases)
}

/// The number of a lease, as v1 names it.
fn number(shop: &Shop, lease: &str) -> u64 {
    let ids = shop.engine.public_ids();
    ids.lease_number(ids.read_lease(lease).unwrap())
}

fn order(shop: &Shop, bought: &Bought) -> OrderId {
    shop.engine.public_ids().read_order(&bought.order).unwrap()
}

#[tokio::test]
async fn a_prolongation_is_priced_with_its_proxies() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let body = json!({ "ids": leases(&shop.o4), "periodId": "1m" });
        let quoted = shop.ps(version, "prolong/calc/ipv4", &body).await.ps_ok();
        assert_eq!(quoted["warning"], json!(""));
        assert_eq!((&quoted["balance"], &quoted["total"]), (&json!(100), &json!(2.62)));
        assert_eq!((&quoted["quantity"], &quoted["orders"]), (&json!(2), &json!(1)));
        assert_eq!((&quoted["price"], &quoted["discount"]), (&json!(1.31), &json!(0)));
        let items = quoted["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        let item = &items[1];
        let (id, order_id) = match version {
            "v1" => {
                let order = shop.engine.public_ids().order_number(order(&shop, &shop.o4));
                (json!(number(&shop, shop.a4b())), json!(order))
            }
            _ => (json!(shop.a4b()), json!(shop.o4.order)),
        };
        assert_eq!((&item["id"], &item["order_id"]), (&id, &order_id));
        assert_eq!(item["order_number"], item["base_order_number"]);
        assert_eq!((&item["port_http"], &item["port_socks"]), (&json!(8081), &json!(8082)));
        assert_eq!(item["country"], json!("United States"));
        assert_eq!(item["date_start"], json!("03.02.2026 00:00:00"));
        assert_eq!(item["date_end"], json!("05.03.2026 00:00:00"));
        assert_eq!((&item["rotation"], &item["link_reboot"]), (&json!(""), &json!("#")));
        assert_eq!(item["can_prolong"], json!(true));
        assert!(!item["login"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_prolongation_moves_the_ends_and_marks_the_number() {
    let shop = Shop::open().await;
    let mut left = 10_000;
    for version in VERSIONS {
        let id = match version {
            "v1" => json!(number(&shop, shop.a4())),
            _ => json!(shop.a4()),
        };
        let body = json!({ "ids": id, "periodId": "1m", "coupon": "" });
        let call = if version == "v1" { "prolong/makeipv4" } else { "prolong/make/ipv4" };
        let made = shop.ps(version, call, &body).await.ps_ok();
        left -= 131;
        assert_eq!((&made["total"], &made["balance"]), (&json!(1.31), &dollars(left)));
        assert_eq!(shop.balance(shop.ann), left);
        let base = made["listBaseOrderNumbers"][0].as_str().unwrap().to_owned();
        match version {
            "v1" => {
                assert!(made["orderId"].is_u64());
                assert_eq!(made.get("orderIds"), None);
            }
            _ => {
                assert_eq!(made["orderId"], json!(shop.o4.order));
                assert_eq!(made["orderIds"], json!([shop.o4.order]));
            }
        }
        let body = json!({ "ids": [id], "periodId": "1m" });
        let quoted = shop.ps(version, "prolong/calc/ipv4", &body).await.ps_ok();
        let item = &quoted["items"][0];
        assert_eq!(item["base_order_number"], json!(base));
        let number = item["order_number"].as_str().unwrap();
        assert!(number.starts_with(&format!("{base}_e_")), "{number}");
    }
}

#[tokio::test]
async fn each_section_has_its_kind() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for (section, bought) in [("mobile", &shop.am), ("isp", &shop.ai)] {
            let body = json!({ "ids": leases(bought), "periodId": "1m" });
            let quoted = shop.ps(version, &format!("prolong/calc/{section}"), &body).await.ps_ok();
            let item = &quoted["items"][0];
            if section == "mobile" {
                assert_eq!(item["rotation"], json!("5"));
                let link = item["link_reboot"].as_str().unwrap();
                assert!(link.contains("/api/proxy/reboot?token="), "{link}");
            }
            shop.ps(version, &format!("prolong/make/{section}"), &body).await.ps_ok();
            let wrong = format!("prolong/make/{}", if section == "isp" { "ipv4" } else { "isp" });
            shop.ps_refuses(version, &wrong, &body, "IP not found", 0).await;
        }
        let body = json!({ "ids": [shop.a4()], "periodId": "1m" });
        for section in ["ipv5", ""] {
            let call = format!("prolong/make/{section}");
            shop.ps_refuses(version, &call, &body, "Incorrect proxy type", 4).await;
        }
    }
}

#[tokio::test]
async fn what_is_not_ones_own_is_not_found() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        for wrong in [
            json!([shop.ob.lease()]),
            json!([shop.a4(), shop.ob.lease()]),
            json!([shop.over.lease()]),
            json!([shop.o4.order]),
            json!(["x"]),
            json!([]),
            json!("absent"),
            json!([[1]]),
            json!(7),
        ] {
            let body = json!({ "ids": wrong, "periodId": "1m" });
            for call in ["prolong/calc/ipv4", "prolong/make/ipv4"] {
                shop.ps_refuses(version, call, &body, "IP not found", 0).await;
            }
        }
        let body = json!({ "ids": [shop.a4()], "periodId": "2w" });
        let words = "Set existed [periodId] from reference";
        shop.ps_refuses(version, "prolong/make/ipv4", &body, words, 0).await;
    }
}

#[tokio::test]
async fn in_v1_ipv6_is_prolonged_by_all_ids_of_an_order() {
    let shop = Shop::open().await;
    let body = json!({ "ids": [shop.o6.lease()], "periodId": "1m" });
    let left: Vec<String> =
        shop.o6.leases[1..].iter().map(|lease| number(&shop, lease).to_string()).collect();
    let words = format!("The order is prolonged as a whole, missing [ids]: {}", left.join(", "));
    shop.ps_refuses("v1", "prolong/make/ipv6", &body, &words, 0).await;
    let body = json!({ "ids": leases(&shop.o6), "periodId": "1m" });
    let quoted = shop.ps("v1", "prolong/calc/ipv6", &body).await.ps_ok();
    let item = &quoted["items"][0];
    // The one port is for SOCKS5.
    let port = &item["port_socks"];
    assert_eq!(item["ip"], json!(format!("127.0.0.1:{port}")));
    assert_eq!(&item["port_http"], port);
    shop.ps("v1", "prolong/make/ipv6", &body).await.ps_ok();
}

#[tokio::test]
async fn in_v2_each_section_has_its_way_to_select() {
    let shop = Shop::open().await;
    let period = |selection: Value| {
        let mut body = selection;
        body["periodId"] = json!("1m");
        body
    };
    // Whole orders, by any of their names.
    let by_order = period(json!({ "orderIds": [shop.o6.order] }));
    let quoted = shop.ps("v2", "prolong/calc/ipv6", &by_order).await.ps_ok();
    assert_eq!((&quoted["quantity"], &quoted["orders"]), (&json!(3), &json!(1)));
    shop.ps("v2", "prolong/make/ipv6", &by_order).await.ps_ok();
    let base = quoted["items"][0]["base_order_number"].clone();
    shop.ps("v2", "prolong/make/ipv6", &period(json!({ "orderIds": base }))).await.ps_ok();
    for wrong in [json!([shop.o4.order]), json!([shop.ob.order]), json!("x"), json!([])] {
        let body = period(json!({ "orderIds": wrong }));
        shop.ps_refuses("v2", "prolong/make/ipv6", &body, "Incorrect orderIds", 29).await;
    }
    for (name, section, right) in [
        ("ids", "ipv6", "orderIds"),
        ("ips", "ipv6", "orderIds"),
        ("ipIds", "mix", "orderIds"),
        ("orderIds", "ipv4", "ids"),
        ("orderIds", "mobile", "ids"),
    ] {
        let shown = if name == "ipIds" { "ids" } else { name };
        let words = format!("[{shown}] is not applicable for {section}: prolong by [{right}]");
        let body = period(json!({ name: ["7"] }));
        shop.ps_refuses("v2", &format!("prolong/make/{section}"), &body, &words, 0).await;
    }
    // By addresses, as lists show them.
    let calc = period(json!({ "ids": leases(&shop.o4) }));
    let quoted = shop.ps("v2", "prolong/calc/ipv4", &calc).await.ps_ok();
    let ips: Vec<_> = quoted["items"].as_array().unwrap().iter().map(|it| &it["ip"]).collect();
    let by_ips = shop.ps("v2", "prolong/calc/ipv4", &period(json!({ "ips": ips }))).await.ps_ok();
    assert_eq!(by_ips, quoted);
    let body = period(json!({ "ips": [ips[0], "192.0.2.77"] }));
    shop.ps_refuses("v2", "prolong/make/ipv4", &body, "IP not found", 0).await;
    let both = period(json!({ "ids": shop.a4(), "ips": ["192.0.2.77"] }));
    shop.ps("v2", "prolong/make/ipv4", &both).await.ps_ok();
    // A modem by its address and ports.
    let calc = period(json!({ "ipIds": leases(&shop.am) }));
    let quoted = shop.ps("v2", "prolong/calc/mobile", &calc).await.ps_ok();
    let item = &quoted["items"][0];
    let ip = item["ip"].as_str().unwrap();
    let ip = format!("{ip}:{}:{}", item["port_http"], item["port_socks"]);
    shop.ps("v2", "prolong/make/mobile", &period(json!({ "ips": ip }))).await.ps_ok();
}

#[tokio::test]
async fn a_price_that_the_balance_does_not_cover_is_told_with_the_refusal() {
    let shop = Shop::open().await;
    let (poor, lease) = shop.newcomer(40).await;
    let before = shop.digest();
    for version in VERSIONS {
        let body = json!({ "ids": [lease], "periodId": "1m" });
        let quoted = shop.ps_as(&poor, version, "prolong/calc/ipv4", "", &body).await;
        let quoted = quoted.ps_unpaid();
        let warning = "Insufficient funds. Total $0.4. Not enough $0.91";
        assert_eq!(quoted["warning"], json!(warning));
        assert_eq!((&quoted["total"], &quoted["balance"]), (&json!(1.31), &json!(0.4)));
        assert_eq!(quoted["items"].as_array().unwrap().len(), 1);
        let made = shop.ps_as(&poor, version, "prolong/make/ipv4", "", &body).await;
        assert_eq!(made.json()["data"], quoted);
        match version {
            "v1" => drop(made.ps_unpaid()),
            _ => made.ps_refused("Insufficient funds on balance", 16),
        }
    }
    assert!(shop.digest() == before);
}

#[tokio::test]
async fn a_price_may_be_asked_for_by_a_get() {
    let shop = Shop::open().await;
    let before = shop.digest();
    for version in VERSIONS {
        let (one, two) = (shop.a4(), shop.a4b());
        for query in [
            format!("ids={one},{two}&periodId=1m"),
            format!("ids[]={one}&ids[]={two}&periodId=1m&coupon="),
        ] {
            let quoted = shop.ps_get(version, &format!("prolong/calc/ipv4?{query}")).await.ps_ok();
            assert_eq!(quoted["total"], json!(2.62));
        }
        let path = format!("prolong/make/ipv4?ids={one}&periodId=1m");
        assert_eq!(shop.ps_get(version, &path).await.status, 405);
    }
    assert!(shop.digest() == before);
}
