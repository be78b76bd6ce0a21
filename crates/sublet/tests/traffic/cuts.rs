//! What is taken away is cut, and nothing else is.

use serde_json::json;

use crate::town::{Proxy, Town};

#[test]
fn a_replaced_address_is_left_and_the_new_one_serves() {
    let town = Town::open();
    let (ann, proxies) = town.ann_with(2);
    let [one, two] = &proxies[..] else { panic!("two were ordered") };
    town.soon_seen_through(one);
    let (old, mut other) = (town.tunnel(one).unwrap(), town.tunnel(two).unwrap());
    town.shop.seller(
        &ann,
        "POST",
        "proxy/replace",
        &json!({ "ids": [one.id], "type": "NOT_WORK" }),
    );
    old.soon_closed();
    let listed = town.shop.addresses(&ann, "IPv4");
    let new = listed.iter().map(Proxy::listed).find(|proxy| proxy.id == one.id).unwrap();
    assert_ne!(new.host, one.host);
    assert_eq!(town.soon_seen_through(&new), new.exit());
    town.soon_refused(one);
    assert!(other.echoes(), "the other address of the order was not replaced");
}

#[test]
fn an_authorisation_counts_as_it_is_now() {
    let town = Town::open();
    let (ann, proxies) = town.ann_served(1);
    let proxy = &proxies[0];
    let ways = town.shop.seller(&ann, "GET", "auth/list", &json!({}));
    let way = ways.as_array().unwrap().iter().find(|way| way["login"] == proxy.login.as_str());
    let id = way.unwrap()["id"].clone();
    let (order, add) = (way.unwrap()["orderNumber"].clone(), "auth/add");

    // A second pair; what came with the first lives on.
    let mut open = town.tunnel(proxy).unwrap();
    let added =
        town.shop.seller(&ann, "POST", add, &json!({ "orderNumber": order, "generateAuth": "Y" }));
    let word = |name: &str| added[name].as_str().unwrap_or_else(|| panic!("{added}")).to_owned();
    let second = Proxy { login: word("login"), password: word("password"), ..proxy.clone() };
    town.soon_seen_through(&second);
    assert!(open.echoes());
    let mut by_second = town.tunnel(&second).unwrap();

    // Another password: what came with the old one is cut.
    town.shop.seller(
        &ann,
        "POST",
        "auth/change",
        &json!({ "id": id, "password": "an0ther-secret" }),
    );
    open.soon_closed();
    town.soon_refused(proxy);
    let proxy = Proxy { password: "an0ther-secret".into(), ..proxy.clone() };
    town.soon_seen_through(&proxy);
    assert!(by_second.echoes());

    // Out of force, in force again, deleted.
    let open = town.tunnel(&proxy).unwrap();
    town.shop.seller(&ann, "POST", "auth/change", &json!({ "id": id, "active": false }));
    open.soon_closed();
    town.soon_refused(&proxy);
    town.shop.seller(&ann, "POST", "auth/change", &json!({ "id": id, "active": true }));
    town.soon_seen_through(&proxy);
    let open = town.tunnel(&proxy).unwrap();
    town.shop.seller(&ann, "DELETE", "auth/delete", &json!({ "id": id }));
    open.soon_closed();
    town.soon_refused(&proxy);
    assert!(by_second.echoes());
}

#[test]
fn a_suspended_customer_is_cut_off_until_he_may_go_on() {
    let town = Town::open();
    let (ann, of_ann) = town.ann_with(1);
    let (_, of_bob) = town.ann_with(1);
    let (proxy, other) = (&of_ann[0], &of_bob[0]);
    town.soon_seen_through(proxy);
    let (open, mut stays) = (town.tunnel(proxy).unwrap(), town.tunnel(other).unwrap());
    town.shop.run(&["customer", "suspend", &ann.id.to_string()]);
    open.soon_closed();
    town.soon_refused(proxy);
    assert!(stays.echoes());
    town.shop.run(&["customer", "resume", &ann.id.to_string()]);
    town.soon_seen_through(proxy);
    assert!(stays.echoes());
}
