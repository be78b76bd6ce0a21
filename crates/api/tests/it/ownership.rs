//! Nobody sees or moves another's things, and a list is done wholly or not at all.

use serde_json::json;

use crate::forms::{message, refusal};
use crate::shop::{Bought, Shop};

/// Bodies that name `lease` or `order` for every call that names one.
fn bodies(kind: &str, lease: &str, order: &str) -> Vec<(&'static str, String, u64)> {
    let by_address = json!({
        "proxyType": kind, "ipAddressIds": [lease], "rentPeriodDays": 30, "autoExtend": true
    });
    let by_order = json!({
        "proxyType": kind, "orderIds": [order], "rentPeriodDays": 30, "autoExtend": true
    });
    vec![
        ("calculate/extend", by_address.to_string(), 24),
        ("extend", by_address.to_string(), 24),
        ("extend/auto", by_address.to_string(), 24),
        ("calculate/extend/order", by_order.to_string(), 29),
        ("extend/order", by_order.to_string(), 29),
        ("extend/order/auto", by_order.to_string(), 29),
        ("extend", by_order.to_string(), 29),
    ]
}

/// Every customer, every id of every other in each of its forms, every call that takes one: the
/// same bytes as for an id that nobody has.
#[tokio::test]
async fn the_ids_of_others_do_not_exist() {
    let shop = Shop::open().await;
    let before = shop.digest();
    let ids = shop.engine.public_ids();
    let mine: [(&str, Vec<(&str, &Bought)>); 3] = [
        (
            &shop.ka,
            vec![("IPv4", &shop.o4), ("MOBILE", &shop.am), ("ISP", &shop.ai), ("IPv6", &shop.o6)],
        ),
        (&shop.kb, vec![("IPv4", &shop.ob)]),
        (&shop.kz, vec![("IPv4", &shop.oz)]),
    ];
    let mut tried = 0;
    for (key, _) in &mine {
        let balance = shop.shown_balance(key);
        for (_, theirs) in mine.iter().filter(|(other, _)| other != key) {
            for (kind, bought) in theirs {
                let lease = ids.read_lease(bought.lease()).unwrap();
                let number = ids.lease_number(lease).to_string();
                let digits = bought.number.trim_start_matches("NUMBER-").to_owned();
                let forms = [
                    (bought.lease(), &bought.order),
                    (&number, &bought.number),
                    ("ffffffffffffffffffffffff", &digits),
                ];
                for (lease, order) in forms {
                    for (call, body, code) in bodies(kind, lease, order) {
                        let answer = shop.call(key, call, &body).await;
                        let form = if call == "extend/auto" && code == 29 {
                            "extend/order/auto"
                        } else {
                            call
                        };
                        assert_eq!(answer.body, refusal(form, code, message(code), &balance));
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 100);
    assert!(shop.digest() == before, "something of another's was changed");
}

/// R12: one bad id of every kind at every place of a list.
#[tokio::test]
async fn one_bad_id_anywhere_undoes_the_whole_list() {
    let shop = Shop::open().await;
    shop.buy("IPv4", 6).await.is_ok();
    let list = shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.json();
    let good: Vec<String> = list["IPv4"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|order| order["ipAddresses"].as_array().unwrap())
        .map(|address| address["ipAddressId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(good.len(), 8);
    let before = shop.digest();
    let bad = [shop.ob.lease(), "nosuch", shop.over.lease(), shop.relet.lease(), shop.ai.lease()];
    for bad in bad {
        for place in 0..=good.len() {
            let mut ids = good.clone();
            ids.insert(place, bad.to_owned());
            for (call, body) in [
                (
                    "extend",
                    json!({ "proxyType": "IPv4", "ipAddressIds": ids, "rentPeriodDays": 30 }),
                ),
                (
                    "extend/auto",
                    json!({
                        "proxyType": "IPv4", "ipAddressIds": ids, "rentPeriodDays": 30,
                        "autoExtend": true
                    }),
                ),
            ] {
                assert_eq!(shop.call(&shop.ka, call, &body.to_string()).await.code(), Some(24));
            }
        }
    }
    assert!(shop.digest() == before);
    let all = json!({ "proxyType": "IPv4", "ipAddressIds": good, "rentPeriodDays": 30 });
    assert_eq!(shop.call(&shop.ka, "extend", &all.to_string()).await.is_ok()["quantity"], 8);
}

#[tokio::test]
async fn lists_show_ones_own_things_only() {
    let shop = Shop::open().await;
    let anns = [&shop.o4, &shop.am, &shop.ai, &shop.o6];
    for (key, own, others) in [
        (&shop.kb, vec![&shop.ob], anns.to_vec()),
        (&shop.ka, anns.to_vec(), vec![&shop.ob, &shop.oz]),
    ] {
        let lists = [
            shop.look(key, "ipAddress").await.body,
            shop.look(key, "ipAddress/page?size=500").await.body,
            shop.native(key, "/api/v1/leases").await.body,
            shop.native(key, "/api/v1/receipts").await.body,
        ];
        for list in lists {
            for bought in &own {
                assert!(list.contains(&bought.order) && list.contains(bought.lease()));
            }
            for bought in &others {
                assert!(!list.contains(&bought.order) && !list.contains(bought.lease()));
            }
        }
    }
    let receipts = shop.native(&shop.ka, "/api/v1/receipts").await.json();
    let anns = receipts["receipts"][1]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/receipts/{anns}");
    assert_eq!(shop.native(&shop.ka, &path).await.status, 200);
    let bobs_view = shop.native(&shop.kb, &path).await;
    let nobodys = shop.native(&shop.kb, "/api/v1/receipts/nosuch").await;
    assert_eq!((bobs_view.status, bobs_view.body), (404, nobodys.body));
    let body = format!("{{\"ids\":[\"{}\"],\"period_days\":30}}", shop.a4());
    let refused = shop.native_extend(&shop.kb, "", &body).await;
    assert_eq!(refused.status, 422);
}
