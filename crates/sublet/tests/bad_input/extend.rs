//! `EX`: extending.

use e2e::bodies::{extend, with, without};
use e2e::dates::{DAY, millis};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const CALL: &str = "/extend";

#[test]
fn refused() {
    let f = Fixture::new();
    let b1 = f.extend();
    let kind = |value: Value| with(&b1, json!({ "proxyType": value }));
    let ids = |value: Value| with(&b1, json!({ "ipAddressIds": value }));
    let days = |value: Value| with(&b1, json!({ "rentPeriodDays": value }));
    f.errs(
        CALL,
        &[
            ("EX-01", without(&b1, "proxyType"), 4),
            ("EX-01", kind(json!(null)), 4),
            ("EX-01", kind(json!("")), 4),
            ("EX-01", kind(json!(4)), 4),
            ("EX-01", kind(json!(["IPv4"])), 4),
            ("EX-02", kind(json!("IPv5")), 4),
            ("EX-02", kind(json!("IPv4,IPv6")), 4),
            ("EX-04", ids(json!([])), 24),
            ("EX-04", without(&b1, "ipAddressIds"), 24),
            ("EX-04", ids(json!(null)), 24),
            ("EX-04", ids(json!([""])), 24),
            ("EX-04", ids(json!("")), 24),
            ("EX-04", ids(json!([f.a4, true])), 24),
            ("EX-04", ids(json!([[f.a4]])), 24),
            ("EX-07", ids(json!([f.b4])), 24),
            ("EX-08", ids(json!(["doesnotexist"])), 24),
            ("EX-09", ids(json!([f.a4, f.b4])), 24),
            ("EX-09", ids(json!([f.b4, f.a4])), 24),
            ("EX-10", ids(json!([f.am])), 24),
            ("EX-10", ids(json!([f.a4, f.am])), 24),
            ("EX-10", ids(json!([f.ai])), 24),
            ("EX-11", ids(json!([f.ax])), 24),
            ("EX-11 re-let", ids(json!([f.ar])), 24),
            ("EX-13", without(&b1, "rentPeriodDays"), 11),
            ("EX-13", days(json!(null)), 11),
            ("EX-13", days(json!("thirty")), 11),
            ("EX-13", days(json!(true)), 11),
            ("EX-13", days(json!([30])), 11),
            ("EX-14", days(json!(0)), 11),
            ("EX-14", days(json!(-30)), 11),
            ("EX-14", days(json!(29)), 11),
            ("EX-14", days(json!(31)), 11),
            ("EX-14", days(json!(30.5)), 11),
            ("EX-14", days(json!(1_000_000_000)), 11),
            ("EX-14", days(json!("030")), 11),
            ("EX-14", days(json!("+30")), 11),
            ("EX-14", days(json!(u64::MAX)), 11),
            ("EX-19", extend("IPv6", &f.a6[..1], 90), 28),
            // The first fault in the order of checks, whatever else is wrong.
            (
                "EX order",
                with(&ids(json!([])), json!({ "proxyType": "x", "rentPeriodDays": 1 })),
                4,
            ),
            ("EX order", with(&ids(json!([])), json!({ "rentPeriodDays": 1 })), 11),
        ],
    );
    let many: Vec<String> = (0..10_001).map(|number| format!("{number:024x}")).collect();
    f.err("EX-12", &f.a, CALL, &ids(json!(many)), 24);
    f.err("EX-18", &f.z, CALL, &extend("IPv4", &[&f.z4], 30), 16);
}

#[test]
fn done() {
    let f = Fixture::new();
    let b1 = f.extend();
    let end = |name: &str| millis(f.address(name)["dateEnd"].as_str().unwrap());
    let mut ends = end(&f.a4);
    let mut extended = |row: &str, members: Value| -> (i64, Value) {
        let (paid, done) = f.done(row, CALL, &with(&b1, members));
        ends += 30 * DAY;
        assert_eq!(end(&f.a4), ends, "{row}: one period");
        assert_eq!((&done["proxyType"], &done["rentPeriodDays"]), (&json!("IPv4"), &json!(30)));
        (paid, done)
    };
    for kind in ["ipv4", "IPV4"] {
        assert_eq!(extended("EX-03", json!({ "proxyType": kind })).0, 131);
    }
    let (paid, done) = extended("EX-05", json!({ "ipAddressIds": [f.a4, f.a4] }));
    assert_eq!((paid, &done["quantity"]), (131, &json!(1)));
    let list = format!("{},{}", f.a4, f.a4b);
    let (paid, done) = extended("EX-06", json!({ "ipAddressIds": list }));
    assert_eq!((paid, &done["quantity"]), (262, &json!(2)));
    assert_eq!(done["ipAddressIds"], json!([f.a4, f.a4b]));
    for days in [r#""30""#, r#"" 30 ""#, "30.0", "3e1"] {
        let body = b1
            .to_string()
            .replace(r#""rentPeriodDays":30"#, &format!(r#""rentPeriodDays":{days}"#));
        let before = f.shop.balance(&f.a);
        let request = e2e::http::Request::new("POST", &f.a.target(CALL)).body(body.as_bytes());
        let done = request.send(f.shop.address()).ok();
        assert_eq!(done["rentPeriodDays"], 30, "EX-15 {days}");
        assert_eq!(before - f.shop.balance(&f.a), 131);
    }
    ends = end(&f.a4);
    let mut extended = |row: &str, members: Value| -> (i64, Value) {
        let (paid, done) = f.done(row, CALL, &with(&b1, members));
        ends += 30 * DAY;
        assert_eq!(end(&f.a4), ends, "{row}: one period");
        (paid, done)
    };
    let (paid, done) = extended("EX-16", json!({ "promoCode": "NOPE" }));
    assert_eq!((paid, &done["promoCodeStatus"]), (131, &json!("NO_VALID")));
    for blank in [json!(""), json!(null)] {
        let (paid, done) = extended("EX-17", json!({ "promoCode": blank }));
        assert_eq!((paid, &done["promoCodeStatus"]), (131, &json!(null)));
    }
    let orders = [[0, 1, 2], [2, 0, 1], [1, 2, 0]];
    for places in orders {
        let names: Vec<&String> = places.iter().map(|place| &f.a6[*place]).collect();
        let (paid, done) = f.done("EX-20", CALL, &extend("IPv6", &names, 90));
        assert_eq!((paid, &done["quantity"]), (73, &json!(3)));
        assert_eq!(done["ipAddressIds"], json!(names), "in the order in which they were named");
    }
    f.shop.audit();
}

#[test]
fn what_is_anothers_and_what_is_not_there_look_the_same() {
    let f = Fixture::new();
    let ids = |name: &str| with(&f.extend(), json!({ "ipAddressIds": [name] }));
    let texts: Vec<String> = [&f.b4, "doesnotexist", &f.ax, &f.ar, &f.am, &f.z4]
        .into_iter()
        .map(|name| f.shop.post(&f.a, CALL, &ids(name)).text())
        .collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
    let at_b = f.shop.post(&f.b, CALL, &ids(&f.a4));
    assert_eq!(at_b.code(), 24, "and the other way round");
}
