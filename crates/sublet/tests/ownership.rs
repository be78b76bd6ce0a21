//! Nobody sees, moves or even finds what is another's.

use e2e::bodies::{extend, extend_order, order, with};
use e2e::books::assert_same;
use e2e::customer::{Customer, id, order_id};
use e2e::dates::{DAY, millis};
use e2e::http::Request;
use e2e::shop::Shop;
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

const KINDS: [&str; 4] = ["IPv4", "IPv6", "MOBILE", "ISP"];

/// What a customer has of a kind.
struct Held {
    kind: &'static str,
    days: u32,
    /// An order whose leases are live.
    live: Vec<Value>,
    /// An order whose leases are in reserve, or over where there is no reserve.
    ended: Vec<Value>,
}

/// Two customers who have the same.
struct Street {
    shop: Shop,
    ann: Customer,
    bob: Customer,
    anns: Vec<Held>,
    bobs: Vec<Held>,
}

fn wanted(kind: &str) -> Value {
    match kind {
        "IPv4" => order(kind, "USA", 2, 30),
        "ISP" => order(kind, "USA", 2, 30),
        "IPv6" => with(&order(kind, "DEU", 2, 90), json!({ "protocol": "HTTP" })),
        _ => {
            let members = json!({ "mobileOperator": "verizon", "rotationTime": 0 });
            with(&order(kind, "USA", 2, 30), members)
        }
    }
}

fn street() -> Street {
    let shop = Shop::start(BINARY);
    let ann = shop.customer("Ann", "10000.00");
    let bob = shop.customer("Bob", "10000.00");
    let buy = |customer: &Customer| -> Vec<Vec<Value>> {
        KINDS.iter().map(|kind| shop.order(customer, &wanted(kind))).collect()
    };
    // IPv6 is let for longer: what is to end is bought first, and the rest once it has ended.
    let short = |customer: &Customer, kind: usize| shop.order(customer, &wanted(KINDS[kind]));
    let ipv6 = [short(&ann, 1), short(&bob, 1)];
    shop.advance("60d");
    let others = [0, 2, 3].map(|kind| [short(&ann, kind), short(&bob, kind)]);
    shop.advance("30d");
    shop.advance("1h");
    let (live_anns, live_bobs) = (buy(&ann), buy(&bob));
    let [ipv4, mobile, isp] = others;
    let held = |live: Vec<Vec<Value>>, which: usize| -> Vec<Held> {
        let ended = [&ipv4[which], &ipv6[which], &mobile[which], &isp[which]];
        live.into_iter()
            .zip(ended)
            .zip(KINDS)
            .map(|((live, ended), kind)| Held {
                kind,
                days: if kind == "IPv6" { 90 } else { 30 },
                live,
                ended: ended.clone(),
            })
            .collect()
    };
    let (anns, bobs) = (held(live_anns, 0), held(live_bobs, 1));
    Street { shop, ann, bob, anns, bobs }
}

fn ids(leases: &[Value]) -> Vec<String> {
    leases.iter().map(id).collect()
}

const BY_ADDRESS: [&str; 3] = ["/calculate/extend", "/extend", "/extend/auto"];
const BY_ORDER: [&str; 3] = ["/calculate/extend/order", "/extend/order", "/extend/order/auto"];

#[test]
fn what_is_anothers_and_what_is_not_there_are_answered_with_the_same_bytes() {
    let Street { shop, ann, bob: _, anns, bobs } = street();
    let before = shop.books().state();
    let on = json!({ "autoExtend": true });
    for (own, his) in anns.iter().zip(&bobs) {
        let mine = ids(&own.live);
        let made_up =
            ["0123456789abcdef01234567", "000000000000000000000000", "1", "x", "NUMBER-1"];
        let mut addresses: Vec<Vec<String>> =
            made_up.iter().map(|name| vec![(*name).to_owned()]).collect();
        addresses.push(ids(&his.live));
        addresses.push(ids(&his.ended));
        addresses.push(vec![order_id(&own.live[0])]);
        // Among one's own they are no better, wherever they stand.
        for stranger in addresses.clone() {
            addresses.push([&mine[..], &stranger[..]].concat());
            addresses.push([&stranger[..], &mine[..]].concat());
        }
        for call in BY_ADDRESS {
            let answers: Vec<String> = addresses
                .iter()
                .map(|list| {
                    let body = with(&extend(own.kind, list, own.days), on.clone());
                    let answer = shop.post(&ann, call, &body);
                    assert_eq!(answer.code(), 24, "{call} {body}");
                    answer.text()
                })
                .collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{call}: {answers:#?}");
        }
        let mine = [order_id(&own.live[0])];
        let mut orders: Vec<Vec<String>> =
            made_up.iter().map(|name| vec![(*name).to_owned()]).collect();
        orders.push(vec![order_id(&his.live[0])]);
        orders.push(vec![order_id(&his.ended[0])]);
        orders.push(vec![id(&own.live[0])]);
        for stranger in orders.clone() {
            orders.push([&mine[..], &stranger[..]].concat());
            orders.push([&stranger[..], &mine[..]].concat());
        }
        for call in BY_ORDER {
            let answers: Vec<String> = orders
                .iter()
                .map(|list| {
                    let body = with(&extend_order(own.kind, list, own.days), on.clone());
                    let answer = shop.post(&ann, call, &body);
                    assert_eq!(answer.code(), 29, "{call} {body}");
                    answer.text()
                })
                .collect();
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{call}: {answers:#?}");
        }
    }
    assert_same(&before, &shop.books().state(), "asking for another's");
}

#[test]
fn one_bad_name_in_a_long_list_spoils_it_at_every_place() {
    let Street { shop, ann, anns, bobs, .. } = street();
    let ipv4 = &anns[0];
    let many = shop.order(&ann, &order("IPv4", "USA", 40, 30));
    let good = [ids(&ipv4.live), ids(&many)].concat();
    let over = ids(&anns[2].ended).remove(0);
    let bad =
        [ids(&bobs[0].live).remove(0), over, ids(&anns[3].live).remove(0), "nobody".to_owned()];
    let before = shop.books().state();
    for stranger in &bad {
        for place in 0..=good.len() {
            let mut list = good.clone();
            list.insert(place, stranger.clone());
            let answer = shop.post(&ann, "/extend", &extend("IPv4", &list, 30));
            assert_eq!(answer.code(), 24, "{stranger} at {place}");
        }
    }
    assert_same(&before, &shop.books().state(), "a list with one bad name");
}

#[test]
fn lists_show_ones_own_and_nothing_else() {
    let Street { shop, ann, bob, anns, bobs } = street();
    for (customer, own, others) in [(&ann, &anns, &bobs), (&bob, &bobs, &anns)] {
        let all = shop.get(customer, "/ipAddress").text();
        for held in own {
            for lease in &held.live {
                assert!(all.contains(&id(lease)));
            }
            let page = format!("/ipAddress/page?proxyType={}&page=0&size=500", held.kind);
            let paged = shop.get(customer, &page).ok();
            assert_eq!(paged["totalElements"], held.live.len());
            let past = format!("/ipAddress/page?proxyType={}&page=7&size=500", held.kind);
            assert_eq!(shop.get(customer, &past).ok()[held.kind], json!([]));
        }
        for lease in others.iter().flat_map(|held| held.live.iter().chain(&held.ended)) {
            let secret = lease["authInfo"]["password"].as_str().unwrap();
            for text in [&id(lease), &order_id(lease), secret] {
                assert!(!all.contains(text), "a list shows another's {text}");
            }
        }
    }
}

#[test]
fn a_code_that_is_somebodys_is_nobody_elses() {
    let Street { shop, ann, bob, .. } = street();
    shop.promo(&format!("BOBS --percent 50 --customer {}", bob.id));
    let body = |code: &str| with(&order("IPv4", "USA", 1, 30), json!({ "promoCode": code }));
    let his = shop.post(&ann, "/calculate/order", &body("BOBS")).text();
    let none = shop.post(&ann, "/calculate/order", &body("NOBODYS")).text();
    assert_eq!(his, none);
    assert!(his.contains("NO_VALID"));
    let valid = shop.post(&bob, "/calculate/order", &body("bobs")).ok();
    assert_eq!(valid["promoCodeStatus"], "VALID");
    assert!(!shop.get(&ann, "/promoCode").text().contains("BOBS"));
    assert!(shop.get(&bob, "/promoCode").text().contains("BOBS"));
}

#[test]
fn a_name_tells_nothing_and_lasts_as_long_as_its_lease() {
    let Street { shop, ann, anns, bobs, .. } = street();
    let mut names: Vec<String> = [&anns, &bobs]
        .into_iter()
        .flatten()
        .flat_map(|held| held.live.iter().chain(&held.ended))
        .flat_map(|lease| [id(lease), order_id(lease)])
        .collect();
    assert!(names.iter().all(|name| name.len() == 24 && name.bytes().all(is_hex)), "{names:?}");
    names.sort_unstable();
    names.dedup();
    let firsts: std::collections::BTreeSet<&str> = names.iter().map(|name| &name[..4]).collect();
    assert!(firsts.len() > names.len() / 2, "names begin alike: {names:?}");
    let first = &anns[0].live[0];
    shop.post(&ann, "/extend", &extend("IPv4", &[id(first)], 30)).ok();
    let again = shop.addresses(&ann, "IPv4");
    let same = again.iter().find(|lease| id(lease) == id(first)).unwrap();
    let span = |lease: &Value| {
        let date = |member: &str| millis(lease[member].as_str().unwrap());
        date("dateEnd") - date("dateStart")
    };
    assert_eq!(span(same), span(first) + 30 * DAY);
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn native(method: &str, target: &str, key: &str, body: Option<&Value>) -> Request {
    let request = match body {
        Some(body) => Request::post(target, body),
        None => Request::new(method, target),
    };
    request.header("Authorization", &format!("Bearer {key}"))
}

#[test]
fn the_native_api_finds_nothing_of_anothers_either() {
    let Street { shop, ann, bob, anns, bobs } = street();
    let before = shop.books().state();
    let receipts = |customer: &Customer| -> Vec<String> {
        let listed = native("GET", "/api/v1/receipts?limit=500", &customer.key, None);
        let listed = listed.send(shop.address()).json();
        let receipts = listed["receipts"].as_array().unwrap().clone();
        receipts.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (hers, his) = (receipts(&ann), receipts(&bob));
    assert!(hers.len() > 8 && hers.iter().all(|receipt| !his.contains(receipt)));
    let one = |receipt: &str| {
        let target = format!("/api/v1/receipts/{receipt}");
        let answer = native("GET", &target, &ann.key, None).send(shop.address());
        (answer.status, answer.text())
    };
    assert_eq!(one(&hers[0]).0, 200);
    let unknown = one("0123456789abcdef01234567");
    assert_eq!(unknown.0, 404);
    for receipt in &his {
        assert_eq!(one(receipt), unknown, "a receipt of another's can be told from none");
    }

    let extended = |ids: &[String]| {
        let body = json!({ "ids": ids, "period_days": 360 });
        let request = native("POST", "/api/v1/leases/extend", &ann.key, Some(&body));
        let answer = request.send(shop.address());
        (answer.status, answer.text())
    };
    let unknown = extended(&["0123456789abcdef01234567".to_owned()]);
    assert!((400..500).contains(&unknown.0), "{unknown:?}");
    for (own, other) in anns.iter().zip(&bobs) {
        for stranger in [&other.live, &other.ended] {
            assert_eq!(extended(&ids(stranger)), unknown);
            assert_eq!(extended(&[ids(&own.live), ids(stranger)].concat()), unknown);
            assert_eq!(extended(&[ids(stranger), ids(&own.live)].concat()), unknown);
        }
    }
    for target in ["/api/v1/leases?limit=500", "/api/v1/leases?limit=500&state=reserved"] {
        let text = native("GET", target, &ann.key, None).send(shop.address()).text();
        for lease in bobs.iter().flat_map(|held| held.live.iter().chain(&held.ended)) {
            assert!(!text.contains(&id(lease)), "{target} shows another's lease");
        }
    }
    let behind = format!("/api/v1/leases?after={}", id(&bobs[0].live[0]));
    let text = native("GET", &behind, &ann.key, None).send(shop.address()).text();
    assert!(bobs[0].live.iter().all(|lease| !text.contains(&id(lease))));
    assert_same(&before, &shop.books().state(), "asking for another's");
}

#[test]
fn every_route_of_the_description_asks_who_is_calling() {
    let Street { shop, ann, .. } = street();
    let open = [
        "/api/ip",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/openapi.json",
        "/api/proxy/reboot",
        "/",
    ];
    let described = Request::get("/api/openapi.json").send(shop.address()).json();
    let before = shop.books().state();
    let mut closed = 0;
    for (path, methods) in described["paths"].as_object().unwrap() {
        if open.contains(&path.as_str()) || path.starts_with("/docs") {
            continue;
        }
        for method in methods.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            let method = method.to_uppercase();
            let named = |key: &str| path.replace("{apiKey}", key).replace("{id}", "1");
            let sandbox = path.starts_with("/sandbox");
            let tokens = if sandbox { ["", &ann.key] } else { ["", shop.token()] };
            let texts = tokens.map(|token| {
                let target = named(if token.is_empty() { "unknown" } else { token });
                let request = Request::new(&method, &target).body(b"{}");
                let request = match token {
                    "" => request,
                    token => request.header("Authorization", &format!("Bearer {token}")),
                };
                let answer = request.send(shop.address());
                let refused = match answer.status {
                    401 => true,
                    200 if path.starts_with("/personal/api") => {
                        let refusal = r#"{"status":"error","data":null,"errors":[{"message":"Error api key","#;
                        answer.text().starts_with(refusal)
                    }
                    200 => answer.text().contains(r#""error":{"code":2,"#),
                    _ => false,
                };
                assert!(refused, "{method} {path}: {} {}", answer.status, answer.text());
                answer.text()
            });
            assert_eq!(texts[0], texts[1], "{method} {path}: no key and a wrong one differ");
            closed += 1;
        }
    }
    assert!(closed >= 20, "the description names {closed} closed routes only");
    assert_same(&before, &shop.books().state(), "calls without a key");
}
