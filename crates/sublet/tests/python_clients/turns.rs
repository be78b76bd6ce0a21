//! The same leases, seen and extended in turn through every dialect.

use std::collections::{BTreeMap, BTreeSet};

use e2e::bodies::{extend, extend_order, order};
use e2e::customer::{Customer, id};
use e2e::dates::{DAY, millis, text};
use e2e::http::cents;
use e2e::shop::Shop;
use serde_json::{Value, json};

use crate::client::Client;
use crate::environment::Environment;

/// A customer with a program for each dialect.
struct Everywhere {
    shop: Shop,
    customer: Customer,
    v1: Client,
    v2: Client,
}

/// A lease as all dialects show it: by its address and ports, with its end and its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// In v2 and Youproxy.
    id: String,
    /// In v1.
    number: String,
    /// Milliseconds since 1970, to the second.
    ends: i64,
    login: String,
}

#[test]
fn the_same_leases_are_seen_and_extended_through_every_dialect() {
    let mut all = Everywhere::open();
    let bought = all.v1.call("orderMakeIpv4", json!([1840, "1m", 2, "", "", "price monitoring"]));
    assert_eq!(cents(&bought["total"]), 262);
    let mut seen = all.seen("IPv4", "ipv4");
    assert_eq!(seen.len(), 2);
    let mut wallet = all.wallet(100_000 - 262);
    for _ in 0..2 {
        for extend in [Everywhere::by_youproxy, Everywhere::by_v1, Everywhere::by_v2] {
            extend(&mut all, &seen);
            for lease in seen.values_mut() {
                lease.ends += 30 * DAY;
            }
            assert_eq!(all.seen("IPv4", "ipv4"), seen);
            wallet = all.wallet(wallet - 262);
        }
    }
    all.shop.audit();
}

#[test]
fn whatever_one_dialect_buys_the_others_show() {
    let mut all = Everywhere::open();
    let ipv6 = json!(["DEU", "3m", 3, null, null, "price monitoring", "https"]);
    let paid = json!([{ "sectionCode": "mix", "mixCode": "europe-5", "quantity": 10,
        "periodCode": "1m", "paymentCode": "balance" }, null]);
    all.v2.call("setPaymentCode", json!(["balance"]));
    all.v2.call("orderMakeIpv6", ipv6);
    all.v2.call("orderMake", paid);
    let mobile = e2e::bodies::with(
        &order("MOBILE", "USA", 1, 30),
        json!({ "mobileOperator": "verizon", "rotationTime": 300 }),
    );
    all.shop.order(&all.customer, &mobile);
    let wallet = all.wallet(100_000 - 73 - 1_213 - 7_200);
    let ipv6 = all.seen("IPv6", "ipv6");
    let package = all.seen("IPv4", "mix");
    let modem = all.seen("MOBILE", "mobile");
    assert_eq!((ipv6.len(), package.len(), modem.len()), (3, 10, 1));

    // As a whole only: by its order in Youproxy and v2, by all of its proxies in v1.
    let orders = all.v2.call("proxyList", json!(["mix"]))["items"][0]["order_id"].clone();
    let whole = extend_order("IPv4", &[orders.as_str().unwrap()], 30);
    all.shop.post(&all.customer, "/extend/order", &whole).ok();
    let wallet = all.wallet(wallet - 1_213);
    let numbers: Vec<&String> = package.values().map(|lease| &lease.number).collect();
    all.v1.call("prolongMake", json!(["mix", numbers, "1m"]));
    let wallet = all.wallet(wallet - 1_213);
    all.v2.call("prolongMake", json!(["mix", [orders], "1m"]));
    let wallet = all.wallet(wallet - 1_213);
    let part = extend("IPv4", &[&package.values().next().unwrap().id], 30);
    assert_ne!(all.shop.post(&all.customer, "/extend", &part).code(), 0);
    for (address, lease) in all.seen("IPv4", "mix") {
        assert_eq!(lease.ends, package[&address].ends + 90 * DAY);
    }
    all.wallet(wallet);

    // What is noted or allowed in one version is so in the other.
    let number = &modem.values().next().unwrap().number;
    assert_eq!(all.v1.call("proxyCommentSet", json!([[number], "the modem"])), 1);
    let shown = all.v2.call("proxyList", json!(["mobile"]));
    assert_eq!(shown["items"][0]["comment"], "the modem");
    let order = shown["items"][0]["order_number"].clone();
    let named = all.v2.call("authAddIp", json!([order, "203.0.113.77"]));
    let off = all.v1.call("authActive", json!([named["id"], "N"]));
    assert_eq!((&off["ip"], &off["active"]), (&json!("203.0.113.77"), &json!(false)));
    let known = all.v2.call("authList", json!([]));
    let known = known.as_array().unwrap().iter().find(|one| one["id"] == named["id"]).unwrap();
    assert_eq!(known["active"], false);
    all.shop.audit();
}

impl Everywhere {
    #[track_caller]
    fn open() -> Everywhere {
        let shop = crate::shop().open();
        let customer = shop.customer("Ann", "1000.00");
        let v1 = Client::of(Environment::v1(), &shop, &customer);
        let v2 = Client::of(Environment::v2(), &shop, &customer);
        Everywhere { shop, customer, v1, v2 }
    }

    /// The wallet, which is the same everywhere.
    #[track_caller]
    fn wallet(&mut self, expected: i64) -> i64 {
        assert_eq!(self.shop.balance(&self.customer), expected);
        assert_eq!(cents(&self.v1.call("balance", json!([]))), expected);
        assert_eq!(cents(&self.v2.call("balance", json!([]))), expected);
        expected
    }

    /// All leases of a kind, by where they are reached, which must look the same everywhere.
    #[track_caller]
    fn seen(&mut self, kind: &str, section: &str) -> BTreeMap<String, Seen> {
        let v1 = by_endpoint(self.v1.call("proxyList", json!([section])));
        let v2 = by_endpoint(self.v2.call("proxyList", json!([section])));
        assert_eq!(v1.keys().collect::<Vec<_>>(), v2.keys().collect::<Vec<_>>());
        let listed = self.shop.addresses(&self.customer, kind);
        let mut youproxy: BTreeMap<String, &Value> =
            listed.iter().map(|address| (id(address), address)).collect();
        let mut seen = BTreeMap::new();
        for (endpoint, two) in v2 {
            let one = &v1[&endpoint];
            for same in ["ip", "login", "password", "auth_ip", "date_start", "date_end", "comment"]
            {
                assert_eq!(one[same], two[same], "{same}");
            }
            let address = youproxy.remove(two["id"].as_str().unwrap()).unwrap();
            let ends = millis(address["dateEnd"].as_str().unwrap()) / 1_000 * 1_000;
            let [year, month, day] = text(ends)[..10]
                .split('-')
                .map(str::to_owned)
                .collect::<Vec<_>>()
                .try_into()
                .unwrap();
            assert_eq!(two["date_end"], format!("{day}.{month}.{year}"));
            assert_eq!(address["authInfo"]["login"], two["login"]);
            let lease = Seen {
                id: id(address),
                number: one["id"].as_str().unwrap().to_owned(),
                ends,
                login: two["login"].as_str().unwrap().to_owned(),
            };
            seen.insert(endpoint, lease);
        }
        assert!(youproxy.is_empty(), "only Youproxy shows {youproxy:?}");
        let numbers: BTreeSet<&String> = seen.values().map(|lease| &lease.number).collect();
        assert_eq!(numbers.len(), seen.len());
        seen
    }

    #[track_caller]
    fn by_youproxy(&mut self, leases: &BTreeMap<String, Seen>) {
        let ids: Vec<&String> = leases.values().map(|lease| &lease.id).collect();
        self.shop.post(&self.customer, "/extend", &extend("IPv4", &ids, 30)).ok();
    }

    #[track_caller]
    fn by_v1(&mut self, leases: &BTreeMap<String, Seen>) {
        let numbers: Vec<&String> = leases.values().map(|lease| &lease.number).collect();
        self.v1.call("prolongMake", json!(["ipv4", numbers, "1m"]));
    }

    #[track_caller]
    fn by_v2(&mut self, leases: &BTreeMap<String, Seen>) {
        let ids: Vec<&String> = leases.values().map(|lease| &lease.id).collect();
        self.v2.call("prolongMake", json!(["ipv4", ids, "1m"]));
    }
}

/// Listed proxies by where they are reached.
fn by_endpoint(mut listed: Value) -> BTreeMap<String, Value> {
    let Value::Array(items) = listed["items"].take() else { panic!("no items: {listed}") };
    let count = items.len();
    let endpoint = |it: &Value| format!("{} {} {}", it["ip"], it["port_http"], it["port_socks"]);
    let found: BTreeMap<_, _> = items.into_iter().map(|it| (endpoint(&it), it)).collect();
    assert_eq!(found.len(), count, "two leases at one endpoint");
    found
}
