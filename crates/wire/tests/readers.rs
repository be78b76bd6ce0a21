//! No body, however strange, upsets a reader, and what a client writes is what a server reads.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use wire::lenient::{Field, IDS_MAX};
use wire::youproxy::auto_extend::AutoExtendRequest;
use wire::youproxy::extend::ExtendRequest;
use wire::youproxy::order::OrderRequest;

proptest! {
    #[test]
    fn any_bytes_are_taken(body in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&body);
    }

    #[test]
    fn any_text_is_taken(body in "[{}\\[\\]:,\"\\\\ue0-9.+ -]{0,60}") {
        read_all(body.as_bytes());
    }

    #[test]
    fn any_value_is_taken(value in value()) {
        let (order, extend, auto_extend) = read_all(value.to_string().as_bytes());
        prop_assert_eq!(order, value.is_object());
        prop_assert_eq!(extend, value.is_object());
        prop_assert_eq!(auto_extend, value.is_object());
    }

    /// A value of a wrong type spoils its own member: the body stays readable.
    #[test]
    fn any_member_is_taken(members in prop::collection::vec((name(), value()), 0..12)) {
        let body = Value::Object(members.into_iter().collect::<Map<_, _>>());
        let text = body.to_string();
        prop_assert_eq!(read_all(text.as_bytes()), (true, true, true));

        let request = ExtendRequest::read(text.as_bytes()).unwrap();
        for ids in [&request.ip_address_ids, &request.order_ids].into_iter().filter_map(Field::given) {
            prop_assert!((1..=IDS_MAX).contains(&ids.len()));
            prop_assert!(ids.iter().all(|id| !id.is_empty() && id.trim_matches(' ') == id));
        }
    }

    #[test]
    fn unknown_members_change_nothing(request in order(), extra in value()) {
        let mut body = serde_json::to_value(&request).unwrap();
        body["price"] = extra;
        prop_assert_eq!(OrderRequest::read(body.to_string().as_bytes()), Ok(request));
    }

    #[test]
    fn a_written_order_is_read(request in order()) {
        let body = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(OrderRequest::read(&body), Ok(request));
    }

    #[test]
    fn a_written_extension_is_read(
        proxy_type in text(),
        ip_address_ids in ids(),
        order_ids in ids(),
        rent_period_days in number(),
        promo_code in text(),
    ) {
        let request =
            ExtendRequest { proxy_type, ip_address_ids, order_ids, rent_period_days, promo_code };
        let body = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(ExtendRequest::read(&body), Ok(request));
    }

    #[test]
    fn a_written_automatic_extension_is_read(
        proxy_type in text(),
        ip_address_ids in ids(),
        order_ids in ids(),
        rent_period_days in number(),
        auto_extend in field(any::<bool>()),
    ) {
        let request =
            AutoExtendRequest { proxy_type, ip_address_ids, order_ids, rent_period_days, auto_extend };
        let body = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(AutoExtendRequest::read(&body), Ok(request));
    }
}

/// Whether each kind of request could be read.
fn read_all(body: &[u8]) -> (bool, bool, bool) {
    (
        OrderRequest::read(body).is_ok(),
        ExtendRequest::read(body).is_ok(),
        AutoExtendRequest::read(body).is_ok(),
    )
}

fn order() -> impl Strategy<Value = OrderRequest> {
    let texts = prop::array::uniform8(text());
    let numbers = prop::array::uniform3(number());
    (texts, numbers).prop_map(|(texts, [quantity, rent_period_days, rotation_time])| {
        let [proxy_type, auth_type, auth_ip, goal, country, promo_code, protocol, mobile_operator] =
            texts;
        OrderRequest {
            proxy_type,
            auth_type,
            auth_ip,
            goal,
            country,
            quantity,
            rent_period_days,
            promo_code,
            protocol,
            rotation_time,
            mobile_operator,
        }
    })
}

fn field<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Field<T>> {
    prop::option::of(value).prop_map(Field::from)
}

fn text() -> impl Strategy<Value = Field<String>> {
    field("\\PC{1,20}")
}

fn number() -> impl Strategy<Value = Field<u64>> {
    field(any::<u64>())
}

fn ids() -> impl Strategy<Value = Field<Vec<String>>> {
    let ids = prop::collection::btree_set("[A-Za-z0-9_-]{1,24}", 1..5);
    field(ids.prop_map(|ids| ids.into_iter().collect()))
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "proxyType",
        "authIp",
        "goal",
        "country",
        "quantity",
        "rentPeriodDays",
        "promoCode",
        "rotationTime",
        "ipAddressIds",
        "IpAddressIds",
        "orderIds",
        "autoExtend",
        "other",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[ ,a-c0-9]{0,12}".prop_map(Value::from),
        Just(json!("")),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{0,8}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
