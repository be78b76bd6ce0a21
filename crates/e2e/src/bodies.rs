//! Bodies of calls as customers' programs send them.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use serde_json::{Value, json};

/// An order of addresses of a kind that needs nothing else said.
pub fn order(kind: &str, country: &str, quantity: u32, days: u32) -> Value {
    json!({
        "proxyType": kind,
        "authType": "LOGIN",
        "goal": "Price monitoring",
        "country": country,
        "quantity": quantity,
        "rentPeriodDays": days,
    })
}

/// An extension of addresses by their ids.
pub fn extend(kind: &str, ids: &[impl AsRef<str>], days: u32) -> Value {
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    json!({ "proxyType": kind, "ipAddressIds": ids, "rentPeriodDays": days })
}

/// An extension of orders.
pub fn extend_order(kind: &str, orders: &[impl AsRef<str>], days: u32) -> Value {
    let orders: Vec<&str> = orders.iter().map(AsRef::as_ref).collect();
    json!({ "proxyType": kind, "orderIds": orders, "rentPeriodDays": days })
}

/// The body with some members replaced or added.
#[must_use]
pub fn with(body: &Value, members: Value) -> Value {
    let mut body = body.clone();
    let Value::Object(members) = members else { panic!("members are an object: {members}") };
    for (name, value) in members {
        body[name] = value;
    }
    body
}

/// The body without a member.
#[must_use]
pub fn without(body: &Value, member: &str) -> Value {
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove(member).unwrap();
    body
}
