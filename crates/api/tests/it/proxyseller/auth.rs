//! `auth/*`, and the credentials of orders.

use serde_json::{Value, json};

use super::{VERSIONS, with};
use crate::shop::Shop;

/// Orders one IPv4 address; the number of the order.
async fn ordered(shop: &Shop, version: &str, changes: Value) -> String {
    let base = json!({ "sectionCode": "ipv4", "countryId": 1840, "periodId": "1m", "quantity": 1,
        "paymentId": 1, "customTargetName": "prices" });
    let made = shop.ps(version, "order/make", &with(&base, &changes)).await.ps_ok();
    made["listBaseOrderNumbers"][0].as_str().unwrap().to_owned()
}

/// The authorisations of an order.
async fn of(shop: &Shop, version: &str, number: &str) -> Vec<Value> {
    let all = shop.ps_get(version, "auth/list").await.ps_ok();
    let all = all.as_array().unwrap().iter();
    all.filter(|it| it["orderNumber"] == number).cloned().collect()
}

#[tokio::test]
async fn orders_share_the_usual_pair_unless_they_get_their_own() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let plain = ordered(&shop, version, json!({})).await;
        let plain = of(&shop, version, &plain).await;
        assert_eq!(plain.len(), 1);
        let own = ordered(&shop, version, json!({ "generateAuth": "Y" })).await;
        let own = of(&shop, version, &own).await;
        assert_eq!(own.len(), 2);
        assert_eq!(own[0]["login"], plain[0]["login"]);
        assert_ne!(own[1]["login"], plain[0]["login"]);
        let ip = json!({ "authorization": "198.51.100.9", "generateAuth": "N" });
        let ip = ordered(&shop, version, ip).await;
        let ip = of(&shop, version, &ip).await;
        let members = ip[0].as_object().unwrap();
        assert_eq!((ip.len(), &ip[0]["ip"]), (1, &json!("198.51.100.9")));
        assert!(!members.contains_key("login") && !members.contains_key("password"));
    }
}

#[tokio::test]
async fn authorisations_are_added_changed_and_deleted() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let number = ordered(&shop, version, json!({})).await;
        let body = json!({ "orderNumber": number, "generateAuth": "Y" });
        let pair = shop.ps(version, "auth/add", &body).await.ps_ok();
        assert_eq!((&pair["active"], &pair["orderNumber"]), (&json!(true), &json!(number)));
        assert_eq!(pair["id"].as_str().unwrap().len(), 24);
        assert!(!pair["password"].as_str().unwrap().is_empty());
        let body = json!({ "orderNumber": number, "ip": "198.51.100.7" });
        let ip = shop.ps(version, "auth/add/ip", &body).await.ps_ok();
        assert_eq!(ip["ip"], json!("198.51.100.7"));
        assert_eq!(of(&shop, version, &number).await.len(), 3);

        let nulls = json!({ "id": pair["id"], "active": false, "login": null, "password": null,
            "ip": null });
        let off = shop.ps(version, "auth/change", &nulls).await.ps_ok();
        assert_eq!((&off["active"], &off["login"]), (&json!(false), &pair["login"]));
        let login = format!("ann-{version}");
        let body = json!({ "id": pair["id"], "active": true, "login": login });
        let on = shop.ps(version, "auth/change", &body).await.ps_ok();
        assert_eq!((&on["active"], &on["login"]), (&json!(true), &json!(login)));
        assert_eq!(on["password"], pair["password"]);
        let body = json!({ "id": ip["id"], "ip": "198.51.100.8" });
        let moved = shop.ps(version, "auth/change", &body).await.ps_ok();
        assert_eq!(moved["ip"], json!("198.51.100.8"));

        let deleted = json!({ "deleted": true });
        let body = json!({ "id": pair["id"] }).to_string();
        assert_eq!(shop.ps_delete(version, "auth/delete", &body).await.ps_ok(), deleted);
        shop.ps_delete(version, "auth/delete", &body).await.ps_refused("Set exists [id]", 0);
        // By a query, with a body that says nothing.
        let call = format!("auth/delete?id={}", ip["id"].as_str().unwrap());
        assert_eq!(shop.ps_delete(version, &call, "null").await.ps_ok(), deleted);
        assert_eq!(of(&shop, version, &number).await.len(), 1);
    }
}

#[tokio::test]
async fn v1_turns_an_authorisation_on_and_off_by_a_letter() {
    let shop = Shop::open().await;
    let number = ordered(&shop, "v1", json!({})).await;
    let item = of(&shop, "v1", &number).await[0].clone();
    for (letter, active) in [("N", false), ("Y", true), ("n", false)] {
        let body = json!({ "id": item["id"], "active": letter });
        let shown = shop.ps("v1", "auth/active", &body).await.ps_ok();
        assert_eq!(shown["active"], json!(active), "{letter}");
    }
    let body = json!({ "id": item["id"] });
    shop.ps_refuses("v1", "auth/active", &body, "Set existed [active]", 0).await;
    let body = json!({ "id": 7, "active": "Y" });
    shop.ps_refuses("v1", "auth/active", &body, "Set exists [id]", 0).await;
    assert_eq!(shop.ps("v2", "auth/active", &body).await.status, 404);
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_known_words() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let number = ordered(&shop, version, json!({})).await;
        for wrong in [json!("absent"), json!("1_1"), json!("NS_1-aa"), json!(shop.ob.order)] {
            let body = with(&json!({ "ip": "198.51.100.7" }), &json!({ "orderNumber": wrong }));
            for call in ["auth/add", "auth/add/ip"] {
                shop.ps_refuses(version, call, &body, "Set exists [orderNumber]", 0).await;
            }
        }
        for wrong in [json!("absent"), json!("x"), json!("10.0.0.1"), json!("127.0.0.1")] {
            let body = with(&json!({ "orderNumber": number }), &json!({ "ip": wrong }));
            shop.ps_refuses(version, "auth/add/ip", &body, "Set existed [ip]", 0).await;
        }
        for wrong in [json!("absent"), json!("x"), json!(7), json!(shop.a4())] {
            let body = with(&json!({ "active": true }), &json!({ "id": wrong }));
            shop.ps_refuses(version, "auth/change", &body, "Set exists [id]", 0).await;
        }
        let id = of(&shop, version, &number).await[0]["id"].clone();
        let body = json!({ "id": id, "active": "maybe" });
        shop.ps_refuses(version, "auth/change", &body, "Set existed [active]", 0).await;
        // Nobody else's.
        let answer = shop.get(&format!("/personal/api/{version}/{}/auth/list", shop.kb)).await;
        assert!(!answer.body.contains(id.as_str().unwrap()));
    }
}

#[tokio::test]
async fn the_number_of_a_prolonged_order_finds_it_too() {
    let shop = Shop::open().await;
    for version in VERSIONS {
        let number = ordered(&shop, version, json!({})).await;
        let id = shop.ps_get(version, "auth/list").await.ps_ok();
        let id = id.as_array().unwrap().iter().find(|it| it["orderNumber"] == number).unwrap();
        let leases = shop.native(&shop.ka, "/api/v1/leases?limit=500").await.json();
        let last = leases["leases"].as_array().unwrap().iter().map(|it| &it["id"]);
        let last = last.max_by_key(|it| {
            let ids = shop.engine.public_ids();
            ids.read_lease(it.as_str().unwrap()).unwrap()
        });
        let body = json!({ "ids": last.unwrap(), "periodId": "1m" });
        shop.ps(version, "prolong/make/ipv4", &body).await.ps_ok();
        let listed = shop.ps_get(version, "auth/list").await.ps_ok();
        let now = listed.as_array().unwrap().iter().find(|it| it["id"] == id["id"]).unwrap();
        let now = now["orderNumber"].as_str().unwrap();
        assert!(now.starts_with(&format!("{number}_e_")), "{now}");
        let body = json!({ "orderNumber": now, "ip": "198.51.100.7" });
        shop.ps(version, "auth/add/ip", &body).await.ps_ok();
    }
}
