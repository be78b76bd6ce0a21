//! What customers ask of a shop, and what its operator asks of its clock.

use serde_json::{Value, json};

use super::Shop;
use crate::customer::Customer;
use crate::http::{Answer, Request, cents};

impl Shop {
    /// Lets time pass, such as `30d`, and waits until everything that was due has been done.
    #[track_caller]
    pub fn advance(&self, span: &str) -> Value {
        self.move_clock(&json!({ "advance": span }))
    }

    /// Moves the clock, which must succeed.
    #[track_caller]
    pub fn move_clock(&self, body: &Value) -> Value {
        let answer = self.clock_request(body).send(self.address());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// The request that moves the clock.
    pub fn clock_request(&self, body: &Value) -> Request {
        Request::post("/sandbox/v1/clock", body)
            .header("Authorization", &format!("Bearer {}", self.token))
    }

    /// A call of a customer that only reads.
    #[track_caller]
    pub fn get(&self, customer: &Customer, call: &str) -> Answer {
        customer.reading(call).send(self.address())
    }

    /// A call of a customer with a body.
    #[track_caller]
    pub fn post(&self, customer: &Customer, call: &str, body: &Value) -> Answer {
        customer.posting(call, body).send(self.address())
    }

    /// What the second version of the Proxy-Seller API gives for a call, which must succeed.
    #[track_caller]
    pub fn seller(&self, customer: &Customer, method: &str, call: &str, body: &Value) -> Value {
        let target = format!("/personal/api/v2/{}/{call}", customer.key);
        let request = match method {
            "GET" => Request::get(&target),
            _ => Request::new(method, &target)
                .header("Content-Type", "application/json")
                .body(body.to_string().as_bytes()),
        };
        let answer = request.send(self.address());
        assert_eq!(answer.json()["status"], "success", "{call}: {}", answer.text());
        answer.json()["data"].clone()
    }

    /// What is in a customer's wallet, in minor units.
    #[track_caller]
    pub fn balance(&self, customer: &Customer) -> i64 {
        cents(&self.get(customer, "/balance").ok()["balance"])
    }

    /// The live addresses of a customer, in the order in which they are listed.
    #[track_caller]
    pub fn addresses(&self, customer: &Customer, kind: &str) -> Vec<Value> {
        let listed = self.get(customer, &format!("/ipAddress?proxyType={kind}")).ok();
        let orders = listed[kind].as_array().unwrap();
        orders.iter().flat_map(|order| order["ipAddresses"].as_array().unwrap().clone()).collect()
    }

    /// Orders and gives the new addresses back.
    #[track_caller]
    pub fn order(&self, customer: &Customer, body: &Value) -> Vec<Value> {
        let number = self.post(customer, "/order", body).ok()["orderNumber"].clone();
        let listed = self.get(customer, "/ipAddress").ok();
        for kind in ["IPv4", "IPv6", "MOBILE", "ISP"] {
            for order in listed[kind].as_array().unwrap() {
                if order["orderNumber"] == number {
                    return order["ipAddresses"].as_array().unwrap().clone();
                }
            }
        }
        panic!("the order {number} is not listed: {listed}");
    }
}
