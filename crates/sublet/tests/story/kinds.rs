//! The same story for every kind: priced, ordered, listed, extended, renewed, ended, restored.

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, order_id};
use e2e::dates::{DAY, HOUR, millis};
use e2e::http::cents;
use e2e::shop::Shop;
use serde_json::{Value, json};

use crate::BINARY;
use crate::steps::{common_end, end, events, ids, moment, native, quoted_and_done, set_auto, to};

/// What is rented in a story, and what it costs by the sample catalogue.
struct Ware {
    kind: &'static str,
    country: &'static str,
    quantity: u32,
    days: u32,
    /// Members that only this kind has.
    members: Value,
    /// The price of the order and of every extension, in cents.
    price: i64,
    /// The same with a tenth off.
    reduced: i64,
}

impl Ware {
    fn order(&self) -> Value {
        let body = order(self.kind, self.country, self.quantity, self.days);
        with(&body, self.members.clone())
    }

    fn span(&self) -> i64 {
        i64::from(self.days) * DAY
    }
}

#[test]
fn ipv4_from_its_first_price_to_its_last_day() {
    let members = json!({});
    tell(&Ware {
        kind: "IPv4",
        country: "USA",
        quantity: 2,
        days: 30,
        members,
        price: 262,
        reduced: 236,
    });
}

#[test]
fn isp_from_its_first_price_to_its_last_day() {
    let members = json!({ "authType": "IP", "authIp": "198.51.100.7" });
    tell(&Ware {
        kind: "ISP",
        country: "USA",
        quantity: 2,
        days: 30,
        members,
        price: 478,
        reduced: 430,
    });
}

#[test]
fn ipv6_from_its_first_price_to_its_last_day() {
    let members = json!({ "protocol": "SOCKS" });
    tell(&Ware {
        kind: "IPv6",
        country: "DEU",
        quantity: 3,
        days: 90,
        members,
        price: 73,
        reduced: 66,
    });
}

#[test]
fn mobile_from_its_first_price_to_its_last_day() {
    let members = json!({ "mobileOperator": "verizon", "rotationTime": 300 });
    tell(&Ware {
        kind: "MOBILE",
        country: "USA",
        quantity: 2,
        days: 30,
        members,
        price: 14_400,
        reduced: 12_960,
    });
}

fn tell(ware: &Ware) {
    let shop = Shop::start(BINARY);
    shop.promo("TEN --percent 10");
    let ann = shop.customer("Ann", "1000.00");
    shop.audit();

    let (price, bought) = quoted_and_done(&shop, &ann, "/order", &ware.order());
    assert_eq!(price, ware.price);
    assert_eq!(bought["proxyType"], ware.kind);
    let number = bought["orderNumber"].as_str().unwrap().to_owned();
    let digits = number.strip_prefix("NUMBER-").unwrap();
    assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()), "{number}");

    let addresses = listed(&shop, &ann, ware, &number);
    let names = ids(&addresses);
    let order_of = order_id(&addresses[0]);
    let mut ends = end(&addresses[0]);

    // By addresses, with a code.
    let by_ids = extend(ware.kind, &names, ware.days);
    let with_code = with(&by_ids, json!({ "promoCode": " ten " }));
    let (price, done) = quoted_and_done(&shop, &ann, "/extend", &with_code);
    assert_eq!((price, &done["promoCodeStatus"]), (ware.reduced, &json!("VALID")));
    assert_eq!(done["ipAddressIds"], json!(names));
    assert_eq!(
        (&done["quantity"], &done["rentPeriodDays"]),
        (&json!(names.len()), &json!(ware.days))
    );
    ends += ware.span();
    assert_eq!(common_end(&shop, &ann, ware.kind), ends);

    // By the order's id and by its number, with a code that nobody has made.
    for name in [&order_of, &number] {
        let by_order = extend_order(ware.kind, &[name], ware.days);
        let with_code = with(&by_order, json!({ "promoCode": "NOPE" }));
        let (price, done) = quoted_and_done(&shop, &ann, "/extend/order", &with_code);
        assert_eq!((price, &done["promoCodeStatus"]), (ware.price, &json!("NO_VALID")));
        assert_eq!(done["ipAddressIds"], json!(names));
        ends += ware.span();
        assert_eq!(common_end(&shop, &ann, ware.kind), ends);
    }

    renewed_in_time(&shop, &ann, ware, &names, &order_of);
    ended_and_restored(&shop, &ann, ware, &addresses);
}

/// Looks at the new order in every list.
fn listed(shop: &Shop, ann: &Customer, ware: &Ware, number: &str) -> Vec<Value> {
    let all = shop.get(ann, "/ipAddress").ok();
    for kind in ["IPv4", "IPv6", "MOBILE", "ISP"] {
        let orders = all[kind].as_array().unwrap().len();
        assert_eq!(orders, usize::from(kind == ware.kind), "{all}");
    }
    let of_kind = shop.get(ann, &format!("/ipAddress?proxyType={}", ware.kind)).ok();
    assert_eq!(of_kind[ware.kind], all[ware.kind]);
    assert_eq!(of_kind.as_object().unwrap().len(), 3, "only its own group: {of_kind}");
    let order = &of_kind[ware.kind][0];
    assert_eq!(order["orderNumber"], number);

    let addresses = order["ipAddresses"].as_array().unwrap().clone();
    assert_eq!(addresses.len(), usize::try_from(ware.quantity).unwrap());
    let mut endpoints: Vec<String> = vec![];
    for address in &addresses {
        assert_eq!(address["proxyType"], ware.kind);
        assert_eq!(address["country"], ware.country);
        assert_eq!(address["orderId"], order["orderId"]);
        assert_eq!(address["extendInfo"], json!({ "autoExtend": false, "extendDays": 0 }));
        let start = millis(address["dateStart"].as_str().unwrap());
        assert_eq!(end(address) - start, ware.span());
        // Kinds that share their gateway's host have ports of their own.
        let members = ["ipAddressIp", "httpsPort", "socks5Port", "port"];
        endpoints.push(members.map(|member| address[member].to_string()).join(" "));
        match ware.kind {
            "ISP" => assert_eq!(
                address["authInfo"],
                json!({ "login": null, "password": null, "ip": "198.51.100.7" })
            ),
            _ => assert!(address["authInfo"]["password"].as_str().unwrap().len() >= 12),
        }
        match ware.kind {
            "IPv6" => assert_eq!(address["protocol"], "SOCKS"),
            "MOBILE" => {
                assert_eq!(address["mobileOperator"], "verizon");
                assert_eq!(address["rotationTime"], 300);
                assert!(address["rebootLink"].as_str().unwrap().starts_with("http://"));
            }
            _ => assert!(address["httpsPort"].is_string() && address["socks5Port"].is_string()),
        }
    }
    endpoints.sort_unstable();
    endpoints.dedup();
    assert_eq!(endpoints.len(), addresses.len(), "an endpoint was let twice: {endpoints:?}");

    let exits = native(shop, ann, "live");
    let mut distinct: Vec<String> = exits.iter().map(|lease| lease["exit"].to_string()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), addresses.len(), "an exit was let twice: {exits:?}");

    let mut paged = vec![];
    for (page, call) in ["/ipAddress/page?", "/ipAddress?", "/ipAddress/page?"].iter().enumerate() {
        let query = format!("{call}proxyType={}&page={page}&size=1", ware.kind);
        let body = shop.get(ann, &query).ok();
        assert_eq!(body["totalElements"], ware.quantity, "{body}");
        assert_eq!(body["totalPages"], ware.quantity);
        for order in body[ware.kind].as_array().unwrap() {
            paged.extend(order["ipAddresses"].as_array().unwrap().clone());
        }
    }
    assert_eq!(paged, addresses);
    addresses
}

/// Auto-extend is switched, and one renewal happens at the right instant.
fn renewed_in_time(shop: &Shop, ann: &Customer, ware: &Ware, names: &[String], order_of: &String) {
    let by_ids = extend(ware.kind, names, ware.days);
    let by_order = extend_order(ware.kind, &[order_of], ware.days);
    let on = set_auto(shop, ann, "/extend/order/auto", &by_order, true);
    assert_eq!(on["ipAddressIds"], json!(names));
    assert_eq!(on["orderIds"], json!([order_of]));
    let info = |shop: &Shop| shop.addresses(ann, ware.kind)[0]["extendInfo"].clone();
    assert_eq!(info(shop), json!({ "autoExtend": true, "extendDays": ware.days }));
    set_auto(shop, ann, "/extend/auto", &by_ids, false);
    assert_eq!(info(shop), json!({ "autoExtend": false, "extendDays": 0 }));
    set_auto(shop, ann, "/extend/auto", &by_ids, true);

    let ends = common_end(shop, ann, ware.kind);
    let before = shop.balance(ann);
    to(shop, ends - DAY - 60_000);
    assert_eq!(shop.balance(ann), before, "charged too early");
    to(shop, ends - DAY + 60_000);
    assert_eq!(shop.balance(ann), before - ware.price);
    assert_eq!(common_end(shop, ann, ware.kind), ends + ware.span());
    let renewals = events(shop, ann, "renewal");
    assert_eq!(renewals.len(), 1, "{renewals:?}");
    assert_eq!(moment(&renewals[0]), ends - DAY);
    assert_eq!(cents(&renewals[0]["amount"]), -ware.price);
    assert_eq!(renewals[0]["leases"].as_array().unwrap().len(), names.len());
    let after = shop.addresses(ann, ware.kind);
    assert_eq!(ids(&after), names, "ids survive a renewal");
    set_auto(shop, ann, "/extend/order/auto", &by_order, false);
}

/// The end comes; who comes back within the reserve gets the same addresses again.
fn ended_and_restored(shop: &Shop, ann: &Customer, ware: &Ware, addresses: &[Value]) {
    let names = ids(addresses);
    let by_ids = extend(ware.kind, &names, ware.days);
    let ends = common_end(shop, ann, ware.kind);
    let balance = shop.balance(ann);
    to(shop, ends - 60_000);
    assert_eq!(shop.addresses(ann, ware.kind).len(), names.len());
    to(shop, ends + HOUR / 2);
    assert!(shop.addresses(ann, ware.kind).is_empty(), "what has ended is not listed");
    assert_eq!(shop.balance(ann), balance);
    let ended = events(shop, ann, "ended");
    assert_eq!((ended.len(), moment(&ended[0])), (1, ends));

    let reserved = native(shop, ann, "reserved");
    if ware.kind == "MOBILE" {
        assert!(reserved.is_empty());
        assert_eq!(shop.post(ann, "/extend", &by_ids).code(), 24);
        assert_eq!(shop.post(ann, "/calculate/extend", &by_ids).code(), 24);
        assert_eq!(moment(&events(shop, ann, "released")[0]), ends);
        return;
    }
    let kept: Vec<&str> = reserved.iter().map(|lease| lease["id"].as_str().unwrap()).collect();
    assert_eq!(kept, names);
    assert_eq!(millis(reserved[0]["reserved_until"].as_str().unwrap()), ends + DAY);
    let restored_at = ends + 20 * HOUR;
    to(shop, restored_at);
    let (price, _) = quoted_and_done(shop, ann, "/extend", &by_ids);
    assert_eq!(price, ware.price);
    let again = shop.addresses(ann, ware.kind);
    for (was, is) in addresses.iter().zip(&again) {
        for member in ["ipAddressId", "ipAddressIp", "orderId", "authInfo"] {
            assert_eq!(is[member], was[member]);
        }
        let late = end(is) - ware.span() - restored_at;
        assert!((0..60_000).contains(&late), "a restored lease runs from now: {is}");
    }

    // The second time nobody comes back.
    let ends = common_end(shop, ann, ware.kind);
    to(shop, ends + DAY - 60_000);
    let quote = shop.post(ann, "/calculate/extend", &by_ids).ok();
    assert_eq!(cents(&quote["price"]), ware.price);
    to(shop, ends + DAY + 60_000);
    assert_eq!(shop.post(ann, "/extend", &by_ids).code(), 24);
    assert_eq!(moment(&events(shop, ann, "released")[0]), ends + DAY);
}
