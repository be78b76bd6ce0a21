//! `AU`: auto-extend by orders.

use e2e::bodies::{extend_order, with, without};
use serde_json::{Value, json};

use crate::fixture::Fixture;

const CALL: &str = "/extend/order/auto";

#[test]
fn refused() {
    let f = Fixture::new();
    let b3 = f.auto();
    let on = |value: Value| with(&b3, json!({ "autoExtend": value }));
    let ids = |value: Value| with(&b3, json!({ "orderIds": value }));
    f.errs(
        CALL,
        &[
            ("AU-01", without(&b3, "autoExtend"), 35),
            ("AU-01", on(json!(null)), 35),
            ("AU-02", on(json!("true")), 35),
            ("AU-02", on(json!("false")), 35),
            ("AU-02", on(json!(1)), 35),
            ("AU-02", on(json!(0)), 35),
            ("AU-03", ids(json!([])), 29),
            ("AU-03", without(&b3, "orderIds"), 29),
            ("AU-03", ids(json!(null)), 29),
            ("AU-04", ids(json!([f.ob])), 29),
            ("AU-04", ids(json!([f.o4, f.ob])), 29),
            ("AU-05", ids(json!(["nosuch"])), 29),
            ("AU-06", with(&b3, json!({ "proxyType": "MOBILE" })), 29),
            ("AU-07", without(&b3, "proxyType"), 4),
            ("AU-08", with(&b3, json!({ "rentPeriodDays": 45 })), 11),
            ("AU-08", without(&b3, "rentPeriodDays"), 11),
        ],
    );
    let foreign = f.shop.post(&f.a, CALL, &ids(json!([f.ob]))).text();
    assert_eq!(f.shop.post(&f.a, CALL, &ids(json!(["nosuch"]))).text(), foreign, "AU-05");
}

#[test]
fn done() {
    let f = Fixture::new();
    let b3 = f.auto();
    let info = |name: &str| f.address(name)["extendInfo"].clone();
    let on = json!({ "autoExtend": true, "extendDays": 30 });
    let off = json!({ "autoExtend": false, "extendDays": 0 });
    let free = |row: &str, body: &Value| {
        let (paid, done) = f.done(row, CALL, body);
        assert_eq!(paid, 0, "{row}: nothing is charged");
        assert_eq!(done["ipAddressIds"], json!([f.a4, f.a4b]), "AU-14");
        assert_eq!(done["orderIds"], json!([f.o4]), "AU-14");
        assert!(done.get("promoCodeStatus").is_none(), "AU-14");
        assert_eq!(done["quantity"], 2, "{row}: each address once");
    };
    for _ in 0..2 {
        free("AU-10", &b3);
        assert_eq!((info(&f.a4), info(&f.a4b)), (on.clone(), on.clone()));
    }
    let turned_off = with(&without(&b3, "rentPeriodDays"), json!({ "autoExtend": false }));
    free("AU-09", &turned_off);
    assert_eq!((info(&f.a4), info(&f.a4b)), (off.clone(), off));
    free("AU-11", &with(&b3, json!({ "orderIds": [f.o4_number] })));
    assert_eq!(info(&f.a4), on);
    free("AU-13", &with(&b3, json!({ "orderIds": f.o4 })));
    free("AU-13", &with(&b3, json!({ "orderIds": [f.o4, f.o4] })));

    let zeds = f.shop.addresses(&f.z, "IPv4").remove(0);
    let body = extend_order("IPv4", &[e2e::customer::order_id(&zeds)], 30);
    let answer = f.shop.post(&f.z, CALL, &with(&body, json!({ "autoExtend": true })));
    assert_eq!(answer.ok()["balance"], 0, "AU-12");
    f.shop.audit();
}
