//! The calls that list things.

use serde_json::json;

use crate::forms::{assert_common, message, refusal};
use crate::shop::{Shop, order_body};

async fn gives(shop: &Shop, call: &str, expected: &str) {
    let answer = shop.look(&shop.ka, call).await;
    assert_common(&answer, 200);
    assert_eq!(answer.body, expected, "{call}");
}

async fn refused(shop: &Shop, call: &str, code: u64) {
    let answer = shop.look(&shop.ka, call).await;
    assert_common(&answer, 200);
    assert_eq!(answer.body, refusal(call, code, message(code), "null"), "{call}");
}

#[tokio::test]
async fn kinds_countries_and_periods() {
    let shop = Shop::open().await;
    gives(
        &shop,
        "proxyType",
        r#"{"success":true,"proxyTypes":["IPv4","IPv6","MOBILE","ISP"],"error":null}"#,
    )
    .await;
    gives(
        &shop,
        "country?proxyType=ipv4",
        r#"{"success":true,"countries":[{"alpha3code":"CAN","name":"Canada"},{"alpha3code":"USA","name":"United States"}],"error":null}"#,
    )
    .await;
    gives(
        &shop,
        "rentPeriod?proxyType=MOBILE",
        r#"{"success":true,"rentPeriodDays":[30,360],"error":null}"#,
    )
    .await;
    for call in ["country", "rentPeriod"] {
        for query in ["", "?proxyType=", "?proxyType=IPv5", "?proxyType=IPv4&proxyType=IPv6"] {
            refused(&shop, &format!("{call}{query}"), 4).await;
        }
    }
}

#[tokio::test]
async fn mobile_operators() {
    let shop = Shop::open().await;
    let all = r#"{"success":true,"mobileOperators":[{"tag":"verizon","name":"Verizon","country":"USA","rotationTimes":[0,300,600,1800],"code":"verizon"}],"error":null}"#;
    let none = r#"{"success":true,"mobileOperators":[],"error":null}"#;
    for query in ["", "?country=USA", "?country=usa&proxyType=MOBILE", "?proxyType=IPv4", "?x=y"] {
        gives(&shop, &format!("mobileOperator{query}"), all).await;
    }
    gives(&shop, "mobileOperator?country=DEU", none).await;
    refused(&shop, "mobileOperator?country=US", 6).await;
    refused(&shop, "mobileOperator?proxyType=LTE", 4).await;
}

#[tokio::test]
async fn promo_codes_that_can_be_used() {
    let shop = Shop::open().await;
    gives(&shop, "promoCode", r#"{"success":true,"promoCodes":[],"error":null}"#).await;
    let later = domain::time::Time::from_millis(1_900_000_000_000);
    let (ann, bob) = (shop.ann, shop.bob);
    shop.promo("SPRING", |new| new.ends_at = Some(later));
    shop.promo("LATER", |new| new.starts_at = later);
    shop.promo("BOBS", |new| new.customer = Some(bob));
    shop.promo("ANNS", |new| {
        new.customer = Some(ann);
        new.discount = domain::money::Percent::parse("2.5").unwrap();
    });
    let body = json!({
        "proxyType": "IPv4", "ipAddressIds": [shop.a4()], "rentPeriodDays": 30,
        "promoCode": "spring"
    });
    shop.call(&shop.ka, "extend", &body.to_string()).await.is_ok();
    gives(
        &shop,
        "promoCode",
        r#"{"success":true,"promoCodes":[{"code":"SPRING","countUses":1,"startDate":"2026-01-01T00:00:00.000+00:00","endDate":"2030-03-17T17:46:40.000+00:00","endless":false,"discount":10,"descriptionsByLocale":{"en":"Ten per cent off"}},{"code":"ANNS","countUses":0,"startDate":"2026-01-01T00:00:00.000+00:00","endDate":null,"endless":true,"discount":2.5,"descriptionsByLocale":{"en":"Ten per cent off"}}],"error":null}"#,
    )
    .await;
}

#[tokio::test]
async fn addresses_stand_in_their_orders_by_type() {
    let shop = Shop::open().await;
    let list = shop.look(&shop.ka, "ipAddress").await;
    let json = list.is_ok();
    assert!(list.body.starts_with(r#"{"success":true,"IPv4":[{"orderId":""#));
    assert!(list.body.ends_with(r#"],"error":null}"#));
    let at = |member: &str| list.body.find(&format!("\"{member}\":[")).unwrap();
    assert!(at("IPv4") < at("IPv6") && at("IPv6") < at("MOBILE") && at("MOBILE") < at("ISP"));
    let order = &json["IPv4"][0];
    assert_eq!(
        (&order["orderId"], &order["orderNumber"]),
        (&json!(shop.o4.order), &json!(shop.o4.number))
    );
    let address = &order["ipAddresses"][0];
    let login = address["authInfo"]["login"].as_str().unwrap();
    let password = address["authInfo"]["password"].as_str().unwrap();
    let ip = address["ipAddressIp"].as_str().unwrap();
    assert!(ip.starts_with("127.1."));
    let first = format!(
        "{{\"ipAddressId\":\"{}\",\"ipAddressIp\":\"{ip}\",\"orderId\":\"{}\",\
         \"proxyType\":\"IPv4\",\"country\":\"USA\",\"dateStart\":\"2026-02-03T00:00:00.000+00:00\",\
         \"dateEnd\":\"2026-03-05T00:00:00.000+00:00\",\"httpsPort\":\"8081\",\
         \"socks5Port\":\"8082\",\"authInfo\":{{\"login\":\"{login}\",\"password\":\"{password}\"}},\
         \"extendInfo\":{{\"autoExtend\":false,\"extendDays\":0}}}}",
        shop.a4(),
        shop.o4.order
    );
    assert!(list.body.contains(&first), "{first} is not in {}", list.body);

    let six = &json["IPv6"][0]["ipAddresses"];
    assert_eq!(six.as_array().unwrap().len(), 3);
    assert_eq!(six[0]["ipAddressIp"], "127.0.0.1");
    assert_eq!((&six[0]["protocol"], six[0].get("httpsPort")), (&json!("SOCKS"), None));
    let port: u16 = six[0]["port"].as_str().unwrap().parse().unwrap();
    assert!(port >= 20_000 && port % 2 == 1, "the second of a pair speaks SOCKS");

    let mobile = &json["MOBILE"][0]["ipAddresses"][0];
    assert_eq!(
        (&mobile["mobileOperator"], &mobile["rotationTime"]),
        (&json!("verizon"), &json!(300))
    );
    assert_eq!(json["ISP"][0]["ipAddresses"][0]["ipAddressId"], json!(shop.ai.lease()));
}

#[tokio::test]
async fn a_list_of_one_type_has_no_other() {
    let shop = Shop::open().await;
    gives(&shop, "ipAddress?proxyType=ISP", &{
        let whole = shop.look(&shop.ka, "ipAddress").await.body;
        let isp = whole.split("\"ISP\":").nth(1).unwrap();
        format!("{{\"success\":true,\"ISP\":{isp}")
    })
    .await;
    let empty = shop.look(&shop.kz, "ipAddress?proxyType=IPv6").await;
    assert_eq!(empty.body, r#"{"success":true,"IPv6":[],"error":null}"#);
    refused(&shop, "ipAddress?proxyType=IPv5", 4).await;
    refused(&shop, "ipAddress/page?proxyType=IPv5", 4).await;
    let wrong = shop.look("wrong", "ipAddress?proxyType=MOBILE").await;
    assert_eq!(
        wrong.body,
        r#"{"success":false,"MOBILE":[],"error":{"code":2,"message":"Error api key"}}"#
    );
}

#[tokio::test]
async fn pages_hold_so_many_addresses() {
    let shop = Shop::open().await;
    let page = |query: &'static str| {
        let shop = &shop;
        async move { shop.look(&shop.ka, &format!("ipAddress{query}")).await.is_ok() }
    };
    for path in ["/page?", "?"] {
        let first =
            shop.look(&shop.ka, &format!("ipAddress{path}proxyType=IPv6&page=0&size=2")).await;
        let json = first.is_ok();
        assert_eq!(json["IPv6"][0]["ipAddresses"].as_array().unwrap().len(), 2);
        let end = r#","page":0,"size":2,"totalPages":2,"totalElements":3,"error":null}"#;
        assert!(first.body.ends_with(end), "{}", first.body);
    }
    let second = page("/page?proxyType=IPv6&pageNumber=1&pageSize=2").await;
    assert_eq!(second["IPv6"][0]["ipAddresses"][0]["ipAddressId"], json!(shop.o6.leases[2]));
    let behind = page("/page?proxyType=IPv6&page=9").await;
    assert_eq!((&behind["IPv6"], &behind["totalPages"]), (&json!([]), &json!(1)));
    let all = page("/page?size=3").await;
    assert_eq!(all["totalElements"], 7);
    assert_eq!(all["IPv4"][0]["ipAddresses"].as_array().unwrap().len(), 2);
    assert_eq!(all["IPv6"][0]["ipAddresses"].as_array().unwrap().len(), 1);
    let rest = page("/page?size=3&page=1").await;
    assert_eq!(rest["IPv6"][0]["ipAddresses"].as_array().unwrap().len(), 2);
    assert_eq!(rest["MOBILE"][0]["ipAddresses"][0]["ipAddressId"], json!(shop.am.lease()));
    assert_eq!(page("?size=1000").await["size"], 500);
    for wrong in ["page=-1", "size=0", "page=x"] {
        assert_eq!(shop.look(&shop.ka, &format!("ipAddress?{wrong}")).await.code(), Some(35));
    }
}

/// More than fits into the first piece: orders are not torn apart where the pieces meet.
#[tokio::test]
async fn a_long_list_comes_in_pieces_and_is_whole() {
    let shop = Shop::open().await;
    let (key, _) = shop.newcomer(100_000).await;
    for _ in 0..4 {
        shop.call(&key, "order", &order_body("IPv6", 299)).await.is_ok();
    }
    let short = shop.look(&key, "ipAddress?proxyType=IPv4").await;
    assert!(short.header("content-length").is_some());
    let long = shop.look(&key, "ipAddress").await;
    assert_eq!(long.header("transfer-encoding"), Some("chunked"));
    assert_common(&long, 200);
    let json = long.is_ok();
    let orders = json["IPv6"].as_array().unwrap();
    let sizes: Vec<usize> =
        orders.iter().map(|order| order["ipAddresses"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [299; 4]);
    let mut ids: Vec<&str> = orders
        .iter()
        .flat_map(|order| order["ipAddresses"].as_array().unwrap())
        .map(|address| address["ipAddressId"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4 * 299);
    assert_eq!(json["IPv4"][0]["ipAddresses"].as_array().unwrap().len(), 1);
}
