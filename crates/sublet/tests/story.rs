//! The whole life of a rental, over HTTP, for each kind of proxy.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use e2e::bodies::{extend, extend_order, order, with};
use e2e::customer::{Customer, id, order_id};
use e2e::dates::{DAY, HOUR, millis, text};
use e2e::http::{Request, cents};
use e2e::shop::Shop;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

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

/// Asks for a price, then does it: the price is what is charged. Gives back the answer.
fn quoted_and_done(shop: &Shop, customer: &Customer, call: &str, body: &Value) -> (i64, Value) {
    let before = shop.balance(customer);
    let quote = shop.post(customer, &format!("/calculate{call}"), body).ok();
    assert!(quote["warnings"].is_null(), "{quote}");
    assert_eq!(cents(&quote["balance"]), before);
    assert_eq!(shop.balance(customer), before, "asking for a price has changed the balance");
    let done = shop.post(customer, call, body).ok();
    let price = cents(&quote["price"]);
    assert_eq!(cents(&done["balance"]), before - price, "{quote} then {done}");
    assert_eq!(shop.balance(customer), before - price);
    assert_eq!(done["promoCodeStatus"], quote["promoCodeStatus"]);
    shop.audit();
    (price, done)
}

fn ids(addresses: &[Value]) -> Vec<String> {
    addresses.iter().map(id).collect()
}

fn end(address: &Value) -> i64 {
    millis(address["dateEnd"].as_str().unwrap())
}

/// The end of all addresses of a kind, which must be one.
fn common_end(shop: &Shop, customer: &Customer, kind: &str) -> i64 {
    let addresses = shop.addresses(customer, kind);
    let first = end(&addresses[0]);
    assert!(addresses.iter().all(|address| end(address) == first));
    first
}

fn to(shop: &Shop, moment: i64) {
    shop.move_clock(&json!({ "now": text(moment) }));
    shop.audit();
}

/// What happened to a customer, of one sort.
fn events(shop: &Shop, customer: &Customer, event: &str) -> Vec<Value> {
    let mut all = shop.run(&["events", "list", "--customer", &customer.id.to_string()]);
    all.retain(|entry| entry["event"] == event);
    all
}

fn moment(entry: &Value) -> i64 {
    millis(entry["at"].as_str().unwrap())
}

fn set_auto(shop: &Shop, customer: &Customer, call: &str, body: &Value, on: bool) -> Value {
    let before = shop.balance(customer);
    let done = shop.post(customer, call, &with(body, json!({ "autoExtend": on }))).ok();
    assert_eq!(cents(&done["balance"]), before, "auto-extend itself costs nothing");
    shop.audit();
    done
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

/// The leases in this state, by the native API.
fn native(shop: &Shop, customer: &Customer, state: &str) -> Vec<Value> {
    let listed = Request::get(&format!("/api/v1/leases?state={state}"))
        .header("Authorization", &format!("Bearer {}", customer.key))
        .send(shop.address());
    listed.json()["leases"].as_array().unwrap().clone()
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
