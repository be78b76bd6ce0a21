//! Promo codes.

use serde_json::Value;

use super::desk::Desk;

#[test]
fn a_promo_code_is_made_once() {
    let desk = Desk::new();
    let line = "promo create spring-5 --percent 5 --max-uses 10 --per-customer 1 \
                --from 2026-01-01 --until 2035-01-01 --kinds IPv4,isp --for order \
                --description en=Five --description de=Fünf";
    let made = desk.object(line);
    assert_eq!((&made["code"], &made["percent"]), (&"SPRING-5".into(), &"5".into()));
    assert_eq!(made["kinds"], serde_json::json!(["IPv4", "ISP"]));
    assert_eq!((&made["for_orders"], &made["for_extensions"]), (&true.into(), &false.into()));
    let listed = desk.object("promo list");
    assert_eq!(listed, made);
    assert_eq!(listed["descriptions"][1], serde_json::json!({ "locale": "de", "text": "Fünf" }));
    desk.refused("promo create SPRING-5 --percent 7", 1, "there is a promo code SPRING-5 already");
    desk.refused("promo create X --percent 7 --until 2020-01-01", 2, "could never be used");
    desk.refused("promo create X --percent 7 --customer 999", 1, "there is no customer 999");
    let endless = desk.object("promo create ENDLESS --percent 2.5");
    assert_eq!((&endless["ends_at"], &endless["state"]), (&Value::Null, &"open".into()));
    assert_eq!((&endless["for_orders"], &endless["for_extensions"]), (&true.into(), &true.into()));
}
