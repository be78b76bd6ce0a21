//! Long lists and files of the Proxy-Seller API from outside: whole, without gaps or repetitions,
//! the same by pages, the same after a kill, and held up by nobody who reads slowly.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

use e2e::customer::Customer;
use e2e::http::{Answer, Request};
use e2e::shop::{Setup, Shop};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
const VERSIONS: [&str; 2] = ["v1", "v2"];

/// How many leases of the usual kind there are: more than are read at once, several times.
const MANY: usize = 1_730;

fn look(shop: &Shop, customer: &Customer, version: &str, call: &str) -> Answer {
    let path = format!("/personal/api/{version}/{}/{call}", customer.key);
    let answer = Request::get(&path).send(shop.address());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn data(shop: &Shop, customer: &Customer, version: &str, call: &str) -> Value {
    let json = look(shop, customer, version, call).json();
    assert_eq!(json["status"], json!("success"), "{call}");
    json["data"].clone()
}

fn bought(shop: &Shop, customer: &Customer, mut body: Value) -> String {
    body["periodId"] = json!("1m");
    body["paymentId"] = json!("balance");
    body["customTargetName"] = json!("prices");
    let path = format!("/personal/api/v2/{}/order/make", customer.key);
    let made = Request::post(&path, &body).send(shop.address()).json();
    assert_eq!(made["status"], json!("success"), "{made}");
    made["data"]["listBaseOrderNumbers"][0].as_str().unwrap().to_owned()
}

fn items(listed: &Value) -> Vec<Value> {
    listed["items"].as_array().unwrap().clone()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// A shop with a customer who has very many leases, and the numbers of his orders.
fn open() -> (Shop, Customer, Vec<String>) {
    let mut setup = Setup::new(BINARY).stock("--kind IPv4 --country USA --cidr 10.1.0.0/21");
    for (at, country) in ["DEU", "GBR", "FRA", "NLD", "POL"].iter().enumerate() {
        setup = setup.stock(&format!("--kind IPv4 --country {country} --cidr 10.5.{at}.0/26"));
    }
    let shop = setup.stock("--kind ISP --country USA --cidr 10.2.0.0/28").open();
    let customer = shop.customer("Ann", "9000.00");
    let usa = |quantity: usize| json!({ "sectionCode": "ipv4", "countryId": "USA", "quantity": quantity });
    // Packages lie between the others, and the last of them is far from the end.
    let mix = json!({ "sectionCode": "mix", "mixCode": "europe-5", "quantity": 50 });
    let isp = json!({ "sectionCode": "isp", "countryId": "USA", "quantity": 3 });
    let bodies = [usa(730), mix.clone(), isp, mix, usa(999), usa(1)];
    let numbers = bodies.map(|body| bought(&shop, &customer, body)).to_vec();
    (shop, customer, numbers)
}

#[test]
fn long_lists_are_whole() {
    let (mut shop, customer, numbers) = open();
    for version in VERSIONS {
        let all = data(&shop, &customer, version, "proxy/list");
        let count = |section: &str| all[section].as_array().unwrap().len();
        assert_eq!(["ipv4", "mix", "isp", "ipv6"].map(count), [MANY, 100, 3, 0]);
        let ipv4 = items(&data(&shop, &customer, version, "proxy/list/ipv4"));
        assert_eq!(json!(ipv4), all["ipv4"]);
        let distinct: BTreeSet<&str> = ids(&ipv4).into_iter().collect();
        assert_eq!(distinct.len(), MANY);

        let mut paged = Vec::new();
        for page in 1.. {
            let call = format!("proxy/list/ipv4?page={page}&per_page=300");
            let page = items(&data(&shop, &customer, version, &call));
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(ids(&paged), ids(&ipv4));

        let file = look(&shop, &customer, version, "proxy/download/ipv4?ext=%ip%;%password%");
        let lines = ipv4.iter().map(|item| {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            format!("{};{}", text("ip"), text("password"))
        });
        assert_eq!(file.text(), lines.collect::<Vec<_>>().join("\n"));
        let file = look(&shop, &customer, version, "proxy/download/mix?ext=json");
        assert_eq!(file.json(), all["mix"]);

        for (number, expected) in numbers.iter().zip([730, 50, 3, 50, 999, 1]) {
            let all = data(&shop, &customer, version, &format!("proxy/list?orderId={number}"));
            let lists = all.as_object().unwrap().values();
            let count: usize = lists.map(|list| list.as_array().unwrap().len()).sum();
            assert_eq!(count, expected, "{number}");
        }
        for (section, expected) in [("ipv4", 1), ("mix", 50), ("isp", 3)] {
            let call = format!("proxy/list/{section}?latest=Y");
            assert_eq!(items(&data(&shop, &customer, version, &call)).len(), expected);
        }
        let french = format!("proxy/list/mix?country=FRA&orderId={}", numbers[1]);
        assert_eq!(items(&data(&shop, &customer, version, &french)).len(), 10);
    }
    let before = look(&shop, &customer, "v2", "proxy/list").body;
    shop.kill9();
    shop.reopen();
    assert!(look(&shop, &customer, "v2", "proxy/list").body == before, "a list has changed");
    shop.audit();
}

#[test]
fn who_reads_slowly_holds_up_nobody() {
    let (shop, customer, _) = open();
    let path = format!("/personal/api/v2/{}/proxy/list", customer.key);
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut readers = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(shop.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut some = vec![0; 100];
        stream.read_exact(&mut some).unwrap();
        readers.push((stream, some));
    }
    // Others read and buy meanwhile.
    let isp = json!({ "sectionCode": "isp", "countryId": "USA", "quantity": 1 });
    bought(&shop, &customer, isp);
    assert_eq!(items(&data(&shop, &customer, "v1", "proxy/list/isp")).len(), 4);
    for (at, (mut stream, mut whole)) in readers.into_iter().enumerate() {
        // Some go away, which nobody minds.
        if at % 4 == 0 {
            continue;
        }
        stream.read_to_end(&mut whole).unwrap();
        assert!(whole.ends_with(b"\"errors\":[]}\r\n0\r\n\r\n"), "a list is not whole");
    }
    assert_eq!(items(&data(&shop, &customer, "v1", "proxy/list/ipv4")).len(), MANY);
}

#[test]
fn orders_and_what_has_ended() {
    let (shop, customer, numbers) = open();
    let listed = |query: &str| data(&shop, &customer, "v2", &format!("order/list?{query}"));
    let all = listed("sort_by=date_insert&order=asc");
    let found: Vec<Value> = items(&all).iter().map(|it| it["base_order_number"].clone()).collect();
    assert_eq!(json!(found), json!(numbers));
    let parts = items(&all)[1]["items"].as_array().unwrap().len();
    assert_eq!(parts, 5, "one for each country");
    let ids_of = |section: &str| {
        let items = items(&data(&shop, &customer, "v2", &format!("proxy/list/{section}")));
        ids(&items).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ipv4 = ids_of("ipv4");
    let body = json!({ "ids": ipv4[..100], "periodId": "1m" });
    let path = format!("/personal/api/v2/{}/prolong/make/ipv4", customer.key);
    assert_eq!(Request::post(&path, &body).send(shop.address()).json()["status"], json!("success"));
    let all = [ipv4, ids_of("isp")].concat();
    let body = json!({ "ids": all, "comment": "all <i>of</i> them" });
    let path = format!("/personal/api/v1/{}/proxy/comment/set", customer.key);
    let done = Request::post(&path, &body).send(shop.address()).json();
    assert_eq!(done["data"]["updated"], json!(MANY + 3));
    assert_eq!(listed("")["metadata"]["total_orders"], json!(7), "a comment is no order");
    let prolonged = &items(&listed("is_extend=Y"))[0];
    assert_eq!(prolonged["base_order_number"], json!(numbers[0]));

    shop.advance("28d");
    let count = |version: &str, query: &str| {
        let call = format!("proxy/list/ipv4?{query}");
        items(&data(&shop, &customer, version, &call)).len()
    };
    assert_eq!(count("v1", "ends=Y"), MANY - 100);
    assert_eq!(count("v2", "ends=Y"), 0);
    shop.advance("2d");
    assert_eq!(count("v2", ""), 100);
    for version in VERSIONS {
        assert_eq!(count(version, "ends=Y"), MANY - 100);
        assert_eq!(count(version, "ends=Y&page=2&per_page=1000"), MANY - 100 - 1000);
    }
    let call = "proxy/list/ipv4?ends=Y&per_page=1";
    let ended = items(&data(&shop, &customer, "v2", call)).remove(0);
    assert_eq!(
        (&ended["status_type"], &ended["comment"]),
        (&json!("ENDED"), &json!("all of them"))
    );
    shop.audit();
}
