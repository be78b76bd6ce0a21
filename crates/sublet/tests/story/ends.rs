//! How leases end: tried in vain, kept, restored, given back, and let again.

use e2e::bodies::{extend, order, with};
use e2e::customer::id;
use e2e::dates::{DAY, HOUR, millis};
use e2e::http::cents;
use e2e::shop::Shop;
use serde_json::json;

use crate::BINARY;
use crate::steps::{end, events, ids, moment, quoted_and_done, to};

#[test]
fn a_renewal_without_money_is_tried_every_hour_until_the_end() {
    let shop = Shop::start(BINARY);
    let ann = shop.customer("Ann", "2.62");
    let mut leases = vec![];
    for goal in ["late", "never"] {
        let body = with(&order("IPv4", "USA", 1, 30), json!({ "goal": goal }));
        leases.extend(shop.order(&ann, &body));
    }
    let auto = with(&extend("IPv4", &ids(&leases), 30), json!({ "autoExtend": true }));
    shop.post(&ann, "/extend/auto", &auto).ok();
    let (late, never) = (end(&leases[0]), end(&leases[1]));
    to(&shop, never - DAY + 60_000);
    let failures = events(&shop, &ann, "renewal_failed");
    let failed: usize =
        failures.iter().map(|entry| entry["leases"].as_array().unwrap().len()).sum();
    assert_eq!(failed, 2);
    assert_eq!(cents(&failures[0]["missing"]), 131);
    assert_eq!(moment(&failures[0]), late - DAY);

    // Money for one comes between the first and the second try.
    shop.deposit(ann.id, "1.31");
    to(&shop, late - DAY + HOUR - 5_000);
    assert_eq!(shop.balance(&ann), 131);
    to(&shop, never - DAY + HOUR + 60_000);
    assert_eq!(shop.balance(&ann), 0);
    let renewals = events(&shop, &ann, "renewal");
    assert_eq!((renewals.len(), moment(&renewals[0])), (1, late - DAY + HOUR));
    assert_eq!(end(&shop.addresses(&ann, "IPv4")[0]), late + 30 * DAY);

    // The other is tried in vain, told of once, ends, and is kept.
    to(&shop, never + 60_000);
    assert_eq!(events(&shop, &ann, "renewal_failed").len(), failures.len(), "told of twice");
    let ended = events(&shop, &ann, "ended");
    assert_eq!((ended.len(), moment(&ended[0])), (1, never));
    assert_eq!(ended[0]["leases"][0]["lease_id"], id(&leases[1]));
    let kept_until = millis(ended[0]["leases"][0]["reserved_until"].as_str().unwrap());
    assert_eq!(kept_until, never + DAY);
    assert_eq!(shop.addresses(&ann, "IPv4").len(), 1);

    // Money alone does not bring it back; asking for it does.
    shop.deposit(ann.id, "5.00");
    to(&shop, never + 2 * HOUR);
    assert_eq!(shop.balance(&ann), 500);
    quoted_and_done(&shop, &ann, "/extend", &extend("IPv4", &ids(&leases[1..]), 30));
    let back = shop.addresses(&ann, "IPv4");
    assert_eq!(ids(&back), ids(&leases));
    assert_eq!(back[1]["authInfo"], leases[1]["authInfo"]);
}

#[test]
fn an_address_is_let_again_after_its_reserve_and_a_rest_as_something_new() {
    let shop = Shop::start(BINARY);
    shop.stock("--kind IPv4 --country POL --cidr 192.0.2.77/32");
    let ann = shop.customer("Ann", "100.00");
    let bob = shop.customer("Bob", "100.00");
    let wanted = order("IPv4", "POL", 1, 30);
    let hers = shop.order(&ann, &wanted).remove(0);
    assert_eq!(shop.post(&bob, "/order", &wanted).code(), 35);
    assert_eq!(shop.post(&bob, "/calculate/order", &wanted).code(), 35);
    let ends = end(&hers);
    for after in [-HOUR, HOUR, DAY - HOUR, DAY + HOUR, 2 * DAY - HOUR] {
        to(&shop, ends + after);
        assert_eq!(shop.post(&bob, "/order", &wanted).code(), 35, "{after} after the end");
    }
    assert_eq!(shop.balance(&bob), 10_000);
    to(&shop, ends + 2 * DAY + 60_000);
    let his = shop.order(&bob, &wanted).remove(0);
    shop.audit();
    assert_eq!(his["ipAddressIp"], hers["ipAddressIp"]);
    for member in ["ipAddressId", "orderId"] {
        assert_ne!(his[member], hers[member]);
    }
    for member in ["login", "password"] {
        assert_ne!(his["authInfo"][member], hers["authInfo"][member]);
    }
    for call in ["/extend", "/calculate/extend"] {
        assert_eq!(
            shop.post(&ann, call, &extend("IPv4", &ids(std::slice::from_ref(&hers)), 30)).code(),
            24
        );
    }
    assert!(shop.addresses(&ann, "IPv4").is_empty());
}

#[test]
fn a_modem_place_is_let_again_with_a_new_link() {
    let shop = Shop::start(BINARY);
    shop.stock("--kind MOBILE --country DEU --operator telekom_de --cidr 192.0.2.99/32");
    let ann = shop.customer("Ann", "200.00");
    let bob = shop.customer("Bob", "200.00");
    let members = json!({ "mobileOperator": "telekom_de", "rotationTime": 0 });
    let wanted = with(&order("MOBILE", "DEU", 1, 30), members);
    let hers = shop.order(&ann, &wanted).remove(0);
    let ends = end(&hers);
    to(&shop, ends + HOUR - 60_000);
    assert_eq!(shop.post(&bob, "/order", &wanted).code(), 35, "it rests for an hour");
    to(&shop, ends + HOUR + 60_000);
    let his = shop.order(&bob, &wanted).remove(0);
    for member in ["ipAddressId", "rebootLink"] {
        assert_ne!(his[member], hers[member]);
    }
    assert_ne!(his["authInfo"]["password"], hers["authInfo"]["password"]);
    shop.audit();
}
