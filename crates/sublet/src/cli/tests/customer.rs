//! Customers.

use serde_json::Value;

use super::desk::Desk;

#[test]
fn a_customer_is_made_shown_suspended_and_resumed() {
    let desk = Desk::new();
    let made = desk.object("customer create --name Ann --email ann@example.org");
    assert!(made["customer_id"].is_i64(), "{made}");
    assert_eq!((&made["currency"], &made["balance"]), (&"USD".into(), &"0.00".into()));
    let id = &made["customer_id"];
    assert_eq!(desk.object(&format!("customer suspend {id}"))["suspended"], true);
    assert_eq!(desk.object(&format!("customer show {id}"))["suspended"], true);
    assert_eq!(desk.object(&format!("customer resume {id}"))["suspended"], false);
    desk.object("customer create --name Bob --currency jpy");
    let names: Vec<Value> =
        desk.objects("customer list").iter().map(|customer| customer["name"].clone()).collect();
    assert_eq!(names, ["Ann", "Bob"]);
    let table = desk.shown("customer list");
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("ID") && lines[0].contains("NAME"), "{table}");
    assert!(lines[1].contains("Ann") && lines[1].contains("0.00 USD"), "{table}");
    assert!(lines[2].contains("Bob") && lines[2].contains("0 JPY"), "{table}");
    desk.refused("customer show 999", 1, "there is no customer 999");
    desk.refused("customer suspend 999", 1, "there is no customer 999");
}
