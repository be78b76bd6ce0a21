//! `POST /extend` and `POST /extend/order`: rows EX-01 to EX-20, and more.

use domain::time::Span;
use serde_json::{Value, json};

use crate::shop::Shop;

/// A body for `ids`, with some members replaced; `null` as `Value::Null`, nothing removed.
fn body(ids: &Value, changes: &Value) -> String {
    let mut body = json!({ "proxyType": "IPv4", "ipAddressIds": ids, "rentPeriodDays": 30 });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

/// EX-01 to EX-03.
#[tokio::test]
async fn the_type_must_be_one_of_four_in_any_letter_case() {
    let shop = Shop::open().await;
    let ids = json!([shop.a4()]);
    let without = json!({ "ipAddressIds": ids, "rentPeriodDays": 30 }).to_string();
    shop.refuses(&shop.ka, "extend", &without, 4).await;
    for wrong in [json!(null), json!(""), json!(4), json!(["IPv4"]), json!("IPv5")] {
        shop.refuses(&shop.ka, "extend", &body(&ids, &json!({ "proxyType": wrong })), 4).await;
    }
    shop.refuses(&shop.ka, "extend", &body(&ids, &json!({ "proxyType": "IPv4,IPv6" })), 4).await;
    for right in ["ipv4", "IPV4"] {
        let done = shop.call(&shop.ka, "extend", &body(&ids, &json!({ "proxyType": right }))).await;
        assert_eq!(done.is_ok()["proxyType"], "IPv4");
    }
}

/// EX-04, EX-12, and lists that cannot be read.
#[tokio::test]
async fn a_list_must_name_something_and_not_too_much() {
    let shop = Shop::open().await;
    let without = json!({ "proxyType": "IPv4", "rentPeriodDays": 30 }).to_string();
    shop.refuses(&shop.ka, "extend", &without, 24).await;
    let many: Vec<String> = (0..10_001).map(|n| format!("{n}")).collect();
    for wrong in
        [json!([]), json!(null), json!([""]), json!(""), json!({}), json!([[1]]), json!(many)]
    {
        shop.refuses(&shop.ka, "extend", &body(&wrong, &json!({})), 24).await;
    }
}

/// EX-05 and EX-06.
#[tokio::test]
async fn an_address_named_twice_is_extended_and_charged_once() {
    let shop = Shop::open().await;
    let twice = json!([shop.a4(), shop.a4()]);
    let done = shop.call(&shop.ka, "extend", &body(&twice, &json!({}))).await.is_ok();
    assert_eq!((&done["quantity"], &done["ipAddressIds"]), (&json!(1), &json!([shop.a4()])));
    assert_eq!(shop.balance(shop.ann), 10_000 - 131);

    let text = json!(format!(" {} , {},", shop.a4(), shop.a4b()));
    let done = shop.call(&shop.ka, "extend", &body(&text, &json!({}))).await.is_ok();
    assert_eq!(done["ipAddressIds"], json!([shop.a4(), shop.a4b()]));
    assert_eq!(shop.balance(shop.ann), 10_000 - 3 * 131);
}

/// The whole answer, and the end that moved.
#[tokio::test]
async fn an_extension_moves_the_end_and_says_so() {
    let shop = Shop::open().await;
    let ids = json!([shop.a4b(), shop.a4()]);
    let before = ends(&shop).await;
    let done = shop.call(&shop.ka, "extend", &body(&ids, &json!({}))).await;
    let expected = format!(
        "{{\"success\":true,\"proxyType\":\"IPv4\",\"rentPeriodDays\":30,\"quantity\":2,\
         \"ipAddressIds\":[\"{}\",\"{}\"],\"balance\":97.38,\"currency\":\"USD\",\"error\":null,\
         \"promoCodeStatus\":null}}",
        shop.a4b(),
        shop.a4()
    );
    assert_eq!(done.body, expected);
    crate::forms::assert_common(&done, 200);
    assert!(!done.is_replayed());
    let after = ends(&shop).await;
    assert_eq!(before, ["2026-03-05T00:00:00.000+00:00"; 2]);
    assert_eq!(after, ["2026-04-04T00:00:00.000+00:00"; 2]);
}

async fn ends(shop: &Shop) -> Vec<String> {
    let list = shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.is_ok();
    let addresses = list["IPv4"][0]["ipAddresses"].as_array().unwrap().clone();
    addresses.iter().map(|address| address["dateEnd"].as_str().unwrap().to_owned()).collect()
}

/// EX-07 to EX-11: one bad id of any kind refuses the whole, with the same bytes.
#[tokio::test]
async fn a_bad_id_refuses_the_whole_list() {
    let shop = Shop::open().await;
    let bad = [
        shop.ob.lease(),
        "doesnotexist",
        "0123456789abcdef01234567",
        "4503599627370495",
        shop.am.lease(),
        shop.over.lease(),
        shop.relet.lease(),
        &shop.o4.order,
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for bad in bad {
        for ids in [json!([bad]), json!([shop.a4(), bad]), json!([bad, shop.a4()])] {
            let refused = shop.refuses(&shop.ka, "extend", &body(&ids, &json!({})), 24).await;
            bodies.insert(refused.body);
        }
    }
    assert_eq!(bodies.len(), 1);
}

/// EX-13 to EX-15.
#[tokio::test]
async fn a_period_must_be_on_sale_and_readable() {
    let shop = Shop::open().await;
    let ids = json!([shop.a4()]);
    let without = json!({ "proxyType": "IPv4", "ipAddressIds": ids }).to_string();
    shop.refuses(&shop.ka, "extend", &without, 11).await;
    for wrong in [
        json!(null),
        json!("thirty"),
        json!(true),
        json!([30]),
        json!(0),
        json!(-30),
        json!(29),
        json!(31),
        json!(30.5),
        json!(1_000_000_000),
        json!(4_294_967_326_u64),
        json!("030"),
        json!("+30"),
    ] {
        shop.refuses(&shop.ka, "extend", &body(&ids, &json!({ "rentPeriodDays": wrong })), 11)
            .await;
    }
    for right in ["\"30\"", "30.0", "3e1", "\" 30 \""] {
        let body = format!(
            r#"{{"proxyType":"IPv4","ipAddressIds":["{}"],"rentPeriodDays":{right}}}"#,
            shop.a4()
        );
        let done = shop.call(&shop.ka, "extend", &body).await.is_ok();
        assert_eq!(done["rentPeriodDays"], 30, "{right}");
    }
}

/// EX-16 and EX-17.
#[tokio::test]
async fn a_promo_code_never_refuses() {
    let shop = Shop::open().await;
    shop.promo("SPRING", |_| {});
    let ids = json!([shop.a4()]);
    for (code, status, price) in [
        (json!("NOPE"), json!("NO_VALID"), 131),
        (json!(17), json!("NO_VALID"), 131),
        (json!("sp ring"), json!("NO_VALID"), 131),
        (json!(""), json!(null), 131),
        (json!("  "), json!(null), 131),
        (json!(null), json!(null), 131),
        (json!(" spring "), json!("VALID"), 118),
    ] {
        let before = shop.balance(shop.ann);
        let body = body(&ids, &json!({ "promoCode": code }));
        let done = shop.call(&shop.ka, "extend", &body).await.is_ok();
        assert_eq!(done["promoCodeStatus"], status, "{code}");
        assert_eq!(before - shop.balance(shop.ann), price, "{code}");
    }
}

/// EX-18.
#[tokio::test]
async fn nobody_spends_what_he_does_not_have() {
    let shop = Shop::open().await;
    shop.refuses(&shop.kz, "extend", &body(&json!([shop.oz.lease()]), &json!({})), 16).await;
}

/// EX-19 and EX-20.
#[tokio::test]
async fn ipv6_is_extended_by_whole_orders() {
    let shop = Shop::open().await;
    let [x, y, z] = shop.o6.leases.as_slice() else { panic!("three") };
    let six = json!({ "proxyType": "IPv6" });
    for part in [json!([x]), json!([x, z]), json!([y, x])] {
        shop.refuses(&shop.ka, "extend", &body(&part, &six), 28).await;
    }
    let done = shop.call(&shop.ka, "extend", &body(&json!([z, x, y]), &six)).await.is_ok();
    assert_eq!((&done["quantity"], &done["ipAddressIds"]), (&json!(3), &json!([z, x, y])));
}

#[tokio::test]
async fn ids_are_read_as_numbers_too() {
    let shop = Shop::open().await;
    let ids = shop.engine.public_ids();
    let number = ids.lease_number(ids.read_lease(shop.a4()).unwrap());
    for form in [json!([number]), json!(number), json!([number.to_string()])] {
        let done = shop.call(&shop.ka, "extend", &body(&form, &json!({}))).await.is_ok();
        assert_eq!(done["ipAddressIds"], json!([shop.a4()]));
    }
}

#[tokio::test]
async fn orders_are_named_by_id_or_number_in_either_place() {
    let shop = Shop::open().await;
    for (call, name) in [
        ("extend/order", &shop.o4.order),
        ("extend/order", &shop.o4.number),
        ("extend", &shop.o4.order),
    ] {
        let body = json!({ "proxyType": "IPv4", "orderIds": [name, name], "rentPeriodDays": 30 });
        let done = shop.call(&shop.ka, call, &body.to_string()).await.is_ok();
        assert_eq!(done["ipAddressIds"], json!(shop.o4.leases));
    }
    assert_eq!(shop.balance(shop.ann), 10_000 - 6 * 131);
    let both = json!({
        "proxyType": "IPv4", "orderIds": [shop.o4.order], "ipAddressIds": [shop.a4()],
        "rentPeriodDays": 30
    });
    assert_eq!(shop.call(&shop.ka, "extend", &both.to_string()).await.is_ok()["quantity"], 1);
    for bad in [&shop.ob.order, "nosuch", shop.a4(), &shop.over.order, &shop.am.order] {
        let body =
            json!({ "proxyType": "IPv4", "orderIds": [shop.o4.order, bad], "rentPeriodDays": 30 });
        shop.refuses(&shop.ka, "extend/order", &body.to_string(), 29).await;
        shop.refuses(&shop.ka, "extend", &body.to_string(), 29).await;
    }
    for empty in [json!([]), json!(null), json!("")] {
        let body = json!({ "proxyType": "IPv4", "orderIds": empty, "rentPeriodDays": 30 });
        shop.refuses(&shop.ka, "extend/order", &body.to_string(), 29).await;
    }
}

#[tokio::test]
async fn a_lease_in_reserve_is_not_listed_but_restored() {
    let shop = Shop::open().await;
    shop.clock.advance(Span::from_days(30));
    shop.clock.advance(Span::HOUR);
    shop.engine.sweep().await.unwrap();
    assert_eq!(shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.is_ok()["IPv4"], json!([]));
    shop.call(&shop.ka, "extend", &body(&json!([shop.a4()]), &json!({}))).await.is_ok();
    assert_eq!(ends(&shop).await, ["2026-04-04T01:00:00.000+00:00"]);
    shop.clock.advance(Span::DAY);
    shop.engine.sweep().await.unwrap();
    shop.refuses(&shop.ka, "extend", &body(&json!([shop.a4b()]), &json!({})), 24).await;
}
