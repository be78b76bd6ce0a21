//! Somebody who rents, and what he rents.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use serde_json::Value;

use crate::http::Request;

/// Somebody who rents.
#[derive(Clone, Debug)]
pub struct Customer {
    /// His number.
    pub id: i64,
    /// His API key.
    pub key: String,
}

impl Customer {
    /// The target of a call under his key.
    pub fn target(&self, call: &str) -> String {
        format!("/client/api/v1/{}{call}", self.key)
    }

    /// A call that only reads.
    pub fn reading(&self, call: &str) -> Request {
        Request::get(&self.target(call))
    }

    /// A call with a body.
    pub fn posting(&self, call: &str, body: &Value) -> Request {
        Request::post(&self.target(call), body)
    }

    /// The same customer with another of his keys.
    pub fn with_key(&self, key: &str) -> Customer {
        Customer { id: self.id, key: key.to_owned() }
    }
}

/// The id of a listed address.
#[track_caller]
pub fn id(address: &Value) -> String {
    address["ipAddressId"].as_str().unwrap().to_owned()
}

/// The id of the order of a listed address.
#[track_caller]
pub fn order_id(address: &Value) -> String {
    address["orderId"].as_str().unwrap().to_owned()
}
