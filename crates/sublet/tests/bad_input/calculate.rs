//! `CA`: the price of extending.

use e2e::bodies::{extend, extend_order, order, with, without};
use e2e::books::assert_same;
use e2e::http::cents;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const CALL: &str = "/calculate/extend";

/// `B2`: the spelling of the reference's pricing page.
fn capital(body: &Value) -> Value {
    with(&without(body, "ipAddressIds"), json!({ "IpAddressIds": body["ipAddressIds"] }))
}

#[test]
fn refused() {
    let f = Fixture::new();
    let b2 = capital(&f.extend());
    let ids = |value: Value| with(&b2, json!({ "IpAddressIds": value }));
    f.errs(
        CALL,
        &[
            ("CA-04", extend("IPv6", &f.a6[..2], 90), 28),
            ("CA-08", ids(json!([])), 24),
            ("CA-08", ids(json!([f.b4])), 24),
            ("CA-08", ids(json!([f.a4, f.b4])), 24),
            ("CA-11", with(&b2, json!({ "rentPeriodDays": 45 })), 11),
            ("CA-12", with(&b2, json!({ "proxyType": "MOBILE" })), 24),
            ("CA-12", with(&b2, json!({ "proxyType": "IPv5" })), 4),
        ],
    );
    f.errs(
        "/calculate/extend/order",
        &[
            ("CA orders", extend_order("IPv4", &[&f.ob], 30), 29),
            ("CA orders", extend_order("IPv4", &[&f.o4, &f.ob], 30), 29),
            ("CA orders", extend_order("IPv6", &[&f.o4], 90), 29),
            ("CA orders", extend_order("IPv4", &[""], 30), 29),
        ],
    );
}

#[test]
fn priced() {
    let f = Fixture::new();
    f.shop.promo("LAST-ONE --percent 10 --max-uses 1");
    let before = f.shop.books().state();
    let price = |body: &Value| {
        let (spent, quote) = f.done("CA", CALL, body);
        assert_eq!(spent, 0, "a price costs nothing: {body}");
        (cents(&quote["price"]), quote)
    };
    let b2 = capital(&f.extend());
    let (_, spelt) = price(&b2);
    assert_eq!(price(&f.extend()).1, spelt, "CA-01");
    let both = with(&b2, json!({ "ipAddressIds": [f.a4, f.a4b] }));
    assert_eq!(price(&both).0, 262, "CA-02: the small letter wins");
    let list = with(&extend("IPv6", &[""], 90), json!({ "ipAddressIds": f.a6.join(",") }));
    assert_eq!(price(&list).0, 73, "CA-03");

    let z = f.shop.post(&f.z, CALL, &capital(&extend("IPv4", &[&f.z4], 30))).ok();
    assert_eq!(cents(&z["price"]), 131, "CA-05");
    let warning = json!([{ "code": 16, "message": "Insufficient funds on balance" }]);
    assert_eq!((&z["warnings"], &z["error"], &z["balance"]), (&warning, &json!(null), &json!(0)));

    let (full, quote) = price(&with(&b2, json!({ "promoCode": "NOPE" })));
    assert_eq!((full, &quote["promoCodeStatus"]), (131, &json!("NO_VALID")), "CA-09");
    for _ in 0..100 {
        let (less, quote) = price(&with(&b2, json!({ "promoCode": "last-one" })));
        assert_eq!((less, &quote["promoCodeStatus"]), (118, &json!("VALID")), "CA-10");
        assert_eq!(quote["discount"], 10);
    }
    let by_order = extend_order("IPv4", &[&f.o4], 30);
    assert_eq!(price(&by_order).0, 262, "CA-13: orders at the call for addresses");
    for number in 0..1_000 {
        let kind = ["IPv4", "ISP", "MOBILE"][number % 3];
        let lease = [&f.a4, &f.ai, &f.am][number % 3];
        let body = extend(kind, &[lease], if number % 2 == 0 { 30 } else { 360 });
        assert_eq!(f.shop.post(&f.a, CALL, &body).code(), 0, "CA-15");
    }
    assert_same(&before, &f.shop.books().state(), "asking for prices");

    let (quoted, quote) = price(&both);
    let (paid, done) = f.done("CA-14", "/extend", &both);
    assert_eq!((paid, &quote["warnings"]), (quoted, &json!(null)), "CA-14");
    assert_eq!(done["quantity"], 2);
}

#[test]
fn a_warning_comes_with_the_first_cent_that_is_missing() {
    let f = Fixture::new();
    for (money, warned) in [("2.62", false), ("2.61", true)] {
        let exact = f.shop.customer("Exact", money);
        let lease = e2e::customer::id(&f.shop.order(&exact, &order("IPv4", "USA", 1, 30))[0]);
        let body = capital(&extend("IPv4", &[lease], 30));
        let quote = f.shop.post(&exact, CALL, &body).ok();
        assert_eq!(quote["warnings"].is_null(), !warned, "CA-06, CA-07: {quote}");
        let code = f.shop.post(&exact, "/extend", &body).code();
        assert_eq!(code, if warned { 16 } else { 0 });
    }
}
