//! Steps that every story takes. The books are proven after each.

use e2e::bodies::with;
use e2e::customer::{Customer, id};
use e2e::dates::{millis, text};
use e2e::http::{Request, cents};
use e2e::shop::Shop;
use serde_json::{Value, json};

/// Asks for a price, then does it: the price is what is charged. Gives back the answer.
pub(crate) fn quoted_and_done(
    shop: &Shop,
    customer: &Customer,
    call: &str,
    body: &Value,
) -> (i64, Value) {
    let before = shop.balance(customer);
    let quote = shop.post(customer, &format!("/calculate{call}"), body).ok();
    assert!(quote["warnings"].is_null(), "{quote}");
    assert_eq!(cents(&quote["balance"]), before);
    assert_eq!(shop.balance(customer), before, "asking for a price has changed the balance");
    let done = shop.post(customer, call, body).ok();
    let price = cents(&quote["price"]);
    assert_eq!(cents(&done["balance"]), before - price, "{quote} then {done}");
    assert_eq!(shop.balance(customer), before - price);
    assert_eq!(done["promoCodeStatus"], quote["promoCodeStatus"]);
    shop.audit();
    (price, done)
}

pub(crate) fn ids(addresses: &[Value]) -> Vec<String> {
    addresses.iter().map(id).collect()
}

pub(crate) fn end(address: &Value) -> i64 {
    millis(address["dateEnd"].as_str().unwrap())
}

/// The end of all addresses of a kind, which must be one.
pub(crate) fn common_end(shop: &Shop, customer: &Customer, kind: &str) -> i64 {
    let addresses = shop.addresses(customer, kind);
    let first = end(&addresses[0]);
    assert!(addresses.iter().all(|address| end(address) == first));
    first
}

pub(crate) fn to(shop: &Shop, moment: i64) {
    shop.move_clock(&json!({ "now": text(moment) }));
    shop.audit();
}

/// What happened to a customer, of one sort.
pub(crate) fn events(shop: &Shop, customer: &Customer, event: &str) -> Vec<Value> {
    let mut all = shop.run(&["events", "list", "--customer", &customer.id.to_string()]);
    all.retain(|entry| entry["event"] == event);
    all
}

pub(crate) fn moment(entry: &Value) -> i64 {
    millis(entry["at"].as_str().unwrap())
}

pub(crate) fn set_auto(
    shop: &Shop,
    customer: &Customer,
    call: &str,
    body: &Value,
    on: bool,
) -> Value {
    let before = shop.balance(customer);
    let done = shop.post(customer, call, &with(body, json!({ "autoExtend": on }))).ok();
    assert_eq!(cents(&done["balance"]), before, "auto-extend itself costs nothing");
    shop.audit();
    done
}

/// The leases in this state, by the native API.
pub(crate) fn native(shop: &Shop, customer: &Customer, state: &str) -> Vec<Value> {
    let listed = Request::get(&format!("/api/v1/leases?state={state}"))
        .header("Authorization", &format!("Bearer {}", customer.key))
        .send(shop.address());
    listed.json()["leases"].as_array().unwrap().clone()
}
