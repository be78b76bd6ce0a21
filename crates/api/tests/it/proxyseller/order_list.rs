//! `order/list`

use domain::time::Span;
use serde_json::{Value, json};

use crate::shop::Shop;

async fn listed(shop: &Shop, query: &str) -> Value {
    shop.ps_get("v2", &format!("order/list?{query}")).await.ps_ok()
}

/// The ids of the purchases that a query finds.
async fn ids(shop: &Shop, query: &str) -> Vec<String> {
    let listed = listed(shop, query).await;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(listed["metadata"]["total_orders"], json!(items.len()), "{query}");
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// The number of the order that a call has made.
fn number(made: &Value) -> &str {
    made["listBaseOrderNumbers"][0].as_str().unwrap()
}

#[tokio::test]
async fn a_purchase_and_its_prolongation() {
    let shop = Shop::open().await;
    shop.stock_canada();
    let body = json!({ "sectionCode": "mix", "mixId": "america-2", "periodId": "1m", "quantity": 4,
        "paymentId": "balance" });
    let made = shop.ps("v2", "order/make", &body).await.ps_ok();
    let order = shop.engine.public_ids().read_order(made["orderId"].as_str().unwrap()).unwrap();
    shop.clock.advance(Span::from_days(1));
    let body = json!({ "orderIds": [made["orderId"]], "periodId": "1m" });
    shop.ps("v2", "prolong/make/mix", &body).await.ps_ok();

    let listed = listed(&shop, &format!("order_id={}", made["orderId"].as_str().unwrap())).await;
    let metadata =
        json!({ "total_orders": 2, "total_pages": 1, "current_page": 1, "current_limit": 0 });
    assert_eq!(listed["metadata"], metadata);
    let mix = shop.ps_get("v2", "proxy/list/mix").await.ps_ok();
    let mix = mix["items"].as_array().unwrap();
    let part = |country: &str| {
        let basket = mix.iter().find(|it| it["country_alpha3"] == country).unwrap();
        json!({ "order_part_id": basket["basket_id"], "order_id": made["orderId"],
            "base_order_number": number(&made), "country_alpha3": country, "quantity": 2,
            "price": "$3.60" })
    };
    let mut expected = json!({
        "id": shop.engine.public_ids().order_number(order).to_string(),
        "order_id": made["orderId"],
        "order_number": number(&made),
        "base_order_number": number(&made),
        "summ": "$7.20",
        "status": "Paid",
        "status_type": "PAYED",
        "auto_order": "N",
        "is_extend": "N",
        "date_insert": "2026-02-03T00:00:00+00:00",
        "date_payed": "2026-02-03T00:00:00+00:00",
        "items": [part("CAN"), part("USA")],
    });
    assert_eq!(listed["items"][1], expected);
    let prolonged = &listed["items"][0];
    assert_eq!(prolonged["order_number"], mix[0]["order_number"]);
    assert!(prolonged["order_number"].as_str().unwrap().contains("_e_"));
    assert_ne!(prolonged["id"], expected["id"]);
    expected["id"] = prolonged["id"].clone();
    expected["order_number"] = prolonged["order_number"].clone();
    expected["is_extend"] = json!("Y");
    for date in ["date_insert", "date_payed"] {
        expected[date] = json!("2026-02-04T00:00:00+00:00");
    }
    assert_eq!(*prolonged, expected);
    // A prolongation's own id finds it here, and its proxies there.
    let id = prolonged["id"].as_str().unwrap();
    assert_eq!(ids(&shop, &format!("order_id={id}")).await, [id]);
    let proxies = shop.ps_get("v2", &format!("proxy/list/mix?orderId={id}")).await.ps_ok();
    assert_eq!(proxies["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_prolongation_of_several_orders_is_shared_out() {
    let shop = Shop::open().await;
    let made = shop.ps_buy(1).await;
    let other = made["orderId"].as_str().unwrap();
    let proxies = shop.ps_get("v2", &format!("proxy/list/ipv4?orderId={other}")).await.ps_ok();
    let third = &proxies["items"][0]["id"];
    let body = json!({ "ids": [third, shop.a4(), shop.a4b()], "periodId": "1m" });
    shop.ps("v2", "prolong/make/ipv4", &body).await.ps_ok();
    let listed = listed(&shop, "is_extend=Y").await;
    let item = &listed["items"][0];
    assert_eq!((&item["summ"], &item["order_id"]), (&json!("$3.93"), &made["orderId"]));
    let parts: Vec<_> = item["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| (part["order_id"].clone(), part["quantity"].clone(), part["price"].clone()))
        .collect();
    let (one, two) = ((json!(1), json!("$1.31")), (json!(2), json!("$2.62")));
    assert_eq!(parts, [(json!(other), one.0, one.1), (json!(shop.o4.order), two.0, two.1)]);
    // It is found by both.
    for order in [other, &shop.o4.order] {
        assert_eq!(ids(&shop, &format!("order_id={order}&is_extend=Y")).await.len(), 1);
    }
    assert_eq!(ids(&shop, &format!("order_id={}", shop.o6.order)).await.len(), 1);
}

#[tokio::test]
async fn purchases_are_filtered() {
    let shop = Shop::open().await;
    let before = ids(&shop, "").await;
    assert_eq!(before.len(), 6);
    shop.clock.advance(Span::from_days(3));
    let body = json!({ "ids": [shop.a4()], "periodId": "1m", "paymentId": "balance" });
    shop.ps("v2", "prolong/make/ipv4", &body).await.ps_ok();
    shop.ps("v2", "autoprolong/enable/ipv4", &body).await.ps_ok();
    let all = ids(&shop, "").await;
    assert_eq!((all.len(), &all[1..]), (7, &before[..]));
    let (prolonged, bought) = (&all[..1], &all[1..]);
    let o4 = shop.engine.public_ids();
    let o4 = o4.order_number(o4.read_order(&shop.o4.order).unwrap()).to_string();
    let both = [prolonged[0].clone(), o4.clone()];
    for (query, expected) in [
        ("is_extend=Y", prolonged),
        ("is_extend=N", bought),
        ("is_extend=maybe", &all),
        ("auto_order=Y", &both),
        ("status=PAYED", &all),
        ("status=NOT_PAYED", &[]),
        ("status=return", &[]),
        ("status=LOST", &all),
        ("start_date=04.02.2026", prolonged),
        ("start_date=2026-02-06T00:00:00%2B00:00", prolonged),
        ("start_date=2026-02-06T00:00:01%2B00:00", &[]),
        ("start_date=06.02.2026&end_date=06.02.2026", prolonged),
        ("end_date=05.02.2026", bought),
        ("start_date=tomorrow&end_date=", &all),
        (&format!("order_id={}", shop.o4.order), &both),
        (&format!("order_id={o4}"), &both),
        (&format!("order_id={o4}&is_extend=N"), &both[1..]),
        (&format!("order_id={}", shop.ob.order), &[]),
        ("order_id=zzz", &[]),
        ("order_id=12345678", &[]),
    ] {
        assert_eq!(ids(&shop, query).await, expected, "{query}");
    }
    assert_eq!(ids(&shop, "auto_order=N").await.len(), 5);
}

#[tokio::test]
async fn purchases_are_sorted_and_paged() {
    let shop = Shop::open().await;
    let newest = ids(&shop, "").await;
    let oldest: Vec<_> = newest.iter().rev().cloned().collect();
    assert_eq!(ids(&shop, "sort_by=date_insert&order=asc").await, oldest);
    let cents = |item: &Value| -> u32 {
        item["summ"].as_str().unwrap().replace(['$', '.'], "").parse().unwrap()
    };
    let dear = listed(&shop, "sort_by=summ").await;
    let dear: Vec<u32> = dear["items"].as_array().unwrap().iter().map(cents).collect();
    assert!(dear.is_sorted_by(|one, other| one >= other), "{dear:?}");
    assert!(dear[0] > dear[dear.len() - 1]);
    for (page, expected) in [(1, &newest[..4]), (2, &newest[4..]), (3, &[])] {
        let listed = listed(&shop, &format!("limit=4&page={page}")).await;
        let metadata = json!({ "total_orders": 6, "total_pages": 2, "current_page": page,
            "current_limit": 4 });
        assert_eq!(listed["metadata"], metadata);
        let items = listed["items"].as_array().unwrap().iter();
        let ids: Vec<_> = items.map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected);
    }
    assert_eq!(shop.ps_get("v1", "order/list").await.status, 404);
}

#[tokio::test]
async fn a_long_list_comes_in_pieces() {
    let shop = Shop::open().await;
    for _ in 0..125 {
        shop.buy("IPv4", 1).await;
        let body = json!({ "ids": [shop.a4()], "comment": "x" });
        shop.ps("v2", "proxy/comment/set", &body).await.ps_ok();
    }
    let all = ids(&shop, "").await;
    let mut each = all.clone();
    each.sort();
    each.dedup();
    assert_eq!(each.len(), all.len());
    assert!(all.len() > 75, "{}", all.len());
}
