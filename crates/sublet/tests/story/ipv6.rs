//! IPv6 is extended by whole orders.

use e2e::bodies::{extend, order, with};
use e2e::customer::Customer;
use e2e::dates::{DAY, HOUR, millis};
use e2e::http::cents;
use e2e::shop::Shop;
use serde_json::json;

use crate::BINARY;
use crate::steps::{events, ids, quoted_and_done, to};

#[test]
fn ipv6_orders_are_extended_as_a_whole_or_not_at_all() {
    let shop = Shop::start(BINARY);
    let ann = shop.customer("Ann", "2.65");
    let wanted = with(&order("IPv6", "DEU", 3, 90), json!({ "protocol": "HTTP" }));
    let mut names = ids(&shop.order(&ann, &wanted));
    let other = ids(&shop.order(&ann, &wanted));
    let balance = shop.balance(&ann);
    for part in [&names[..1], &names[1..], &[&names[..], &other[..2]].concat()] {
        let body = extend("IPv6", part, 90);
        for call in ["/calculate/extend", "/extend"] {
            assert_eq!(shop.post(&ann, call, &body).code(), 28, "{call}");
        }
        let auto = with(&body, json!({ "autoExtend": true }));
        assert_eq!(shop.post(&ann, "/extend/auto", &auto).code(), 28);
    }
    assert_eq!(shop.balance(&ann), balance);

    // In any order, and with a second whole order among it.
    names.reverse();
    let mixed = [&other[..1], &names[..], &other[1..]].concat();
    let quote = shop.post(&ann, "/calculate/extend", &extend("IPv6", &mixed, 90)).ok();
    assert_eq!(cents(&quote["price"]), 146);
    assert_eq!(quote["warnings"][0]["code"], 16);
    let (_, done) = quoted_and_done(&shop, &ann, "/extend", &extend("IPv6", &other, 90));
    assert_eq!(done["quantity"], 3);

    // A renewal of half an order is no renewal: there is money for two of three.
    let auto = with(&extend("IPv6", &names, 90), json!({ "autoExtend": true }));
    shop.post(&ann, "/extend/auto", &auto).ok();
    assert!((0..73).contains(&shop.balance(&ann)));
    let balance = shop.balance(&ann);
    to(&shop, common_start(&shop, &ann) + 90 * DAY + HOUR);
    assert_eq!(shop.balance(&ann), balance);
    assert_eq!(ids(&shop.addresses(&ann, "IPv6")), other);
    let failed = events(&shop, &ann, "renewal_failed");
    assert_eq!(failed[0]["leases"].as_array().unwrap().len(), 3);
    shop.deposit(ann.id, "0.73");
    quoted_and_done(&shop, &ann, "/extend", &extend("IPv6", &names, 90));
    assert_eq!(shop.addresses(&ann, "IPv6").len(), 6);
}

/// When the first of a customer's IPv6 leases began.
fn common_start(shop: &Shop, customer: &Customer) -> i64 {
    let starts = shop.addresses(customer, "IPv6").into_iter();
    starts.map(|address| millis(address["dateStart"].as_str().unwrap())).max().unwrap()
}
