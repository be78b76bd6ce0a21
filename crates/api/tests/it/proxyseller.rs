//! The Proxy-Seller dialect, v1 and v2.

mod access;
mod auth;
mod auto_prolong;
mod balance;
mod check;
mod comment;
mod download;
mod mix;
mod order;
mod order_list;
mod prolong;
mod proxy_list;
mod reference;
mod repeats;
mod replace;
mod transport;

use serde_json::{Value, json};
use store::Store;

use crate::client::{Answer, post};
use crate::shop::Shop;

pub(crate) const VERSIONS: [&str; 2] = ["v1", "v2"];

impl Shop {
    /// A call of the Proxy-Seller dialect that only reads, as Ann.
    pub(crate) async fn ps_get(&self, version: &str, call: &str) -> Answer {
        self.get(&format!("/personal/api/{version}/{}/{call}", self.ka)).await
    }

    /// A DELETE, as Ann.
    pub(crate) async fn ps_delete(&self, version: &str, call: &str, body: &str) -> Answer {
        let path = format!("/personal/api/{version}/{}/{call}", self.ka);
        self.raw(post(&path, "", body).replacen("POST", "DELETE", 1)).await
    }

    /// Orders IPv4 in the USA for a month, as Ann.
    pub(crate) async fn ps_buy(&self, quantity: u32) -> Value {
        let body = json!({ "sectionCode": "ipv4", "countryCode": "USA", "periodCode": "1m",
            "quantity": quantity, "paymentCode": "balance", "customTargetName": "tests" });
        self.ps("v2", "order/make", &body).await.ps_ok()
    }

    /// Puts addresses into stock with which a package has two countries.
    pub(crate) fn stock_canada(&self) {
        let pool = domain::product::ProductKey::parse("IPv4/CAN").unwrap();
        let new = |host: u8| store::records::NewAddress {
            pool: pool.clone(),
            ip: [127, 4, 1, host].into(),
            slot: 0,
            gateway: "main".into(),
            modem: None,
        };
        let new: Vec<_> = (0..10).map(new).collect();
        self.store.add_addresses(&new, self.engine.now()).unwrap();
    }

    /// Whose key it is.
    pub(crate) fn customer_of(&self, key: &str) -> domain::ids::CustomerId {
        let caller = self.engine.caller(key, [127, 0, 0, 1].into()).unwrap();
        caller.unwrap().customer.id
    }

    /// A call with a body, as Ann.
    pub(crate) async fn ps(&self, version: &str, call: &str, body: &Value) -> Answer {
        self.ps_as(&self.ka, version, call, "", body).await
    }

    /// A call with a body and more headers, by whomever.
    pub(crate) async fn ps_as(
        &self,
        key: &str,
        version: &str,
        call: &str,
        headers: &str,
        body: &Value,
    ) -> Answer {
        let path = format!("/personal/api/{version}/{key}/{call}");
        self.raw(post(&path, headers, &body.to_string())).await
    }

    /// A call that is refused with these words and this number and changes nothing.
    pub(crate) async fn ps_refuses(
        &self,
        version: &str,
        call: &str,
        body: &Value,
        message: &str,
        code: u64,
    ) -> Answer {
        let before = self.digest();
        let answer = self.ps(version, call, body).await;
        answer.ps_refused(message, code);
        assert_eq!(answer.json()["data"], Value::Null, "{answer:?}");
        assert!(self.digest() == before, "{call} {body} changed something");
        answer
    }
}

impl Answer {
    /// The data of a success.
    #[track_caller]
    pub(crate) fn ps_ok(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (200, &json!("success")), "{self:?}");
        assert_eq!(json["errors"], json!([]), "{self:?}");
        assert_eq!(self.header("x-sublet-reason"), None, "{self:?}");
        json["data"].clone()
    }

    /// It is an error with these words and this number, and a reason in the header.
    #[track_caller]
    pub(crate) fn ps_refused(&self, message: &str, code: u64) {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (200, &json!("error")), "{self:?}");
        let problem = json!([{ "message": message, "code": code, "customData": null }]);
        assert_eq!(json["errors"], problem, "{self:?}");
        assert!(self.header("x-sublet-reason").is_some(), "{self:?}");
    }

    /// It is a quote that cannot be paid: an error with data and without errors.
    #[track_caller]
    pub(crate) fn ps_unpaid(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["status"]), (200, &json!("error")), "{self:?}");
        assert_eq!(json["errors"], json!([]), "{self:?}");
        assert_eq!(self.header("x-sublet-reason"), Some("insufficient-funds"), "{self:?}");
        json["data"].clone()
    }
}

/// `base` with some members replaced, or left out where they are to be absent.
pub(crate) fn with(base: &Value, changes: &Value) -> Value {
    let mut body = base.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value == "absent" {
            body.as_object_mut().unwrap().remove(name);
        } else {
            body[name] = value.clone();
        }
    }
    body
}

/// Cents as an amount on the wire.
pub(crate) fn dollars(cents: i64) -> Value {
    serde_json::from_str(&wire::number::Number::from_minor(cents, 2).to_string()).unwrap()
}
