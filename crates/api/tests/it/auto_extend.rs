//! `POST /extend/auto` and `POST /extend/order/auto`: rows AU-01 to AU-14.

use serde_json::{Value, json};

use crate::shop::Shop;

const CALL: &str = "extend/order/auto";

fn body(orders: &Value, changes: &Value) -> String {
    let mut body = json!({ "proxyType": "IPv4", "orderIds": orders, "rentPeriodDays": 30, "autoExtend": true });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::String(text) if text == "absent" => {
                body.as_object_mut().unwrap().remove(name);
            }
            value => body[name] = value.clone(),
        }
    }
    body.to_string()
}

async fn flags(shop: &Shop) -> Vec<Value> {
    let list = shop.look(&shop.ka, "ipAddress?proxyType=IPv4").await.is_ok();
    let addresses = list["IPv4"][0]["ipAddresses"].as_array().unwrap().clone();
    addresses.iter().map(|address| address["extendInfo"].clone()).collect()
}

/// AU-01, AU-02, AU-07, AU-08.
#[tokio::test]
async fn what_is_missing_or_unreadable_is_refused() {
    let shop = Shop::open().await;
    let o4 = json!([shop.o4.order]);
    for wrong in [
        json!("absent"),
        json!(null),
        json!("true"),
        json!("false"),
        json!(1),
        json!(0),
        json!([true]),
    ] {
        shop.refuses(&shop.ka, CALL, &body(&o4, &json!({ "autoExtend": wrong })), 35).await;
    }
    shop.refuses(&shop.ka, CALL, &body(&o4, &json!({ "proxyType": "absent" })), 4).await;
    shop.refuses(&shop.ka, CALL, &body(&o4, &json!({ "rentPeriodDays": 45 })), 11).await;
    shop.refuses(&shop.ka, CALL, &body(&o4, &json!({ "rentPeriodDays": "absent" })), 11).await;
    let off = json!({ "rentPeriodDays": "thirty", "autoExtend": false });
    shop.refuses(&shop.ka, CALL, &body(&o4, &off), 11).await;
    let off = json!({ "autoExtend": false, "extendDays": 0 });
    assert_eq!(flags(&shop).await, [off.clone(), off]);
}

/// AU-03 to AU-06.
#[tokio::test]
async fn a_bad_order_refuses_the_whole_list() {
    let shop = Shop::open().await;
    for empty in [json!([]), json!("absent"), json!(null), json!([""])] {
        shop.refuses(&shop.ka, CALL, &body(&json!([]), &json!({ "orderIds": empty })), 29).await;
    }
    let mut bodies = std::collections::BTreeSet::new();
    for bad in [&shop.ob.order, "nosuch", &shop.ob.number, shop.a4(), &shop.over.order] {
        for list in [json!([bad]), json!([shop.o4.order, bad]), json!([bad, shop.o4.order])] {
            bodies.insert(shop.refuses(&shop.ka, CALL, &body(&list, &json!({})), 29).await.body);
        }
    }
    assert_eq!(bodies.len(), 1);
    let mobile = json!({ "proxyType": "MOBILE" });
    shop.refuses(&shop.ka, CALL, &body(&json!([shop.o4.order]), &mobile), 29).await;
}

/// AU-09, AU-10, AU-14.
#[tokio::test]
async fn it_is_turned_on_and_off_and_repeating_is_harmless() {
    let shop = Shop::open().await;
    let on = body(&json!([shop.o4.order]), &json!({}));
    let expected = format!(
        "{{\"success\":true,\"proxyType\":\"IPv4\",\"rentPeriodDays\":30,\"quantity\":2,\
         \"ipAddressIds\":[\"{}\",\"{}\"],\"orderIds\":[\"{}\"],\"balance\":100,\
         \"currency\":\"USD\",\"error\":null}}",
        shop.a4(),
        shop.a4b(),
        shop.o4.order
    );
    let first = shop.call(&shop.ka, CALL, &on).await;
    assert_eq!(first.body, expected);
    crate::forms::assert_common(&first, 200);
    let state = shop.digest();
    assert_eq!(shop.call(&shop.ka, CALL, &on).await.body, expected);
    assert!(shop.digest() == state, "a repetition changed something");
    let flag = json!({ "autoExtend": true, "extendDays": 30 });
    assert_eq!(flags(&shop).await, [flag.clone(), flag]);

    let off = json!({ "autoExtend": false, "rentPeriodDays": "absent" });
    let answer = shop.call(&shop.ka, CALL, &body(&json!([shop.o4.order]), &off)).await.is_ok();
    assert_eq!(answer["rentPeriodDays"], 0);
    let flag = json!({ "autoExtend": false, "extendDays": 0 });
    assert_eq!(flags(&shop).await, [flag.clone(), flag]);
    assert_eq!(shop.balance(shop.ann), 10_000);
}

/// AU-11 to AU-13.
#[tokio::test]
async fn orders_are_named_in_many_ways() {
    let shop = Shop::open().await;
    let zoe = body(&json!([shop.oz.order]), &json!({}));
    assert_eq!(shop.call(&shop.kz, CALL, &zoe).await.is_ok()["balance"], 0);
    for form in [
        json!([shop.o4.number]),
        json!(shop.o4.order),
        json!([shop.o4.order, shop.o4.order]),
        json!([shop.o4.number, shop.o4.order]),
    ] {
        let answer = shop.call(&shop.ka, CALL, &body(&form, &json!({}))).await.is_ok();
        assert_eq!(answer["quantity"], 2, "{form}");
        assert_eq!(answer["orderIds"], json!([shop.o4.order]), "{form}");
    }
}

#[tokio::test]
async fn by_addresses_there_are_no_orders_unless_they_are_named() {
    let shop = Shop::open().await;
    let by_address = json!({
        "proxyType": "IPv4", "ipAddressIds": [shop.a4()], "rentPeriodDays": 60, "autoExtend": true
    });
    let answer = shop.call(&shop.ka, "extend/auto", &by_address.to_string()).await;
    let expected = format!(
        "{{\"success\":true,\"proxyType\":\"IPv4\",\"rentPeriodDays\":60,\"quantity\":1,\
         \"ipAddressIds\":[\"{}\"],\"balance\":100,\"currency\":\"USD\",\"error\":null}}",
        shop.a4()
    );
    assert_eq!(answer.body, expected);
    let by_order = body(&json!([shop.o4.order]), &json!({}));
    let answer = shop.call(&shop.ka, "extend/auto", &by_order).await.is_ok();
    assert_eq!(answer["orderIds"], json!([shop.o4.order]));
    let foreign = body(&json!([shop.ob.order]), &json!({}));
    shop.refuses(&shop.ka, "extend/auto", &foreign, 29).await;
    let foreign = json!({
        "proxyType": "IPv4", "ipAddressIds": [shop.a4(), shop.ob.lease()], "rentPeriodDays": 30,
        "autoExtend": false
    });
    shop.refuses(&shop.ka, "extend/auto", &foreign.to_string(), 24).await;
    let part = json!({
        "proxyType": "IPv6", "ipAddressIds": &shop.o6.leases[..1], "rentPeriodDays": 30,
        "autoExtend": true
    });
    shop.refuses(&shop.ka, "extend/auto", &part.to_string(), 28).await;
}
