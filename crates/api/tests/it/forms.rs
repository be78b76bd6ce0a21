//! What every refusal must satisfy, in one place.

use std::time::{Duration, Instant};

use crate::client::Answer;
use crate::shop::Shop;

/// The text that belongs to a number.
pub(crate) fn message(code: u64) -> &'static str {
    match code {
        2 => "Error api key",
        3 => "IP not allowed",
        4 => "Incorrect proxy type",
        6 => "Incorrect country",
        7 => "Country is not available",
        8 => "Incorrect mobile operator",
        9 => "Incorrect rotation time",
        10 => "Incorrect auth type",
        11 => "Incorrect rent period",
        13 => "Incorrect protocol",
        14 => "Incorrect goal",
        16 => "Insufficient funds on balance",
        19 => "Incorrect quantity",
        23 => "Incorrect auth ip",
        24 => "Incorrect ip addresses",
        28 => "All ip addresses from the order must be extended",
        29 => "Incorrect orderIds",
        35 => "Unknown error",
        _ => panic!("{code} is no code"),
    }
}

/// The whole body of a refusal of `call`, byte by byte. `balance` is as it is written, or `null`.
pub(crate) fn refusal(call: &str, code: u64, message: &str, balance: &str) -> String {
    let currency = if balance == "null" { "null" } else { "\"USD\"" };
    let account = format!("\"balance\":{balance},\"currency\":{currency}");
    let error = format!("\"error\":{{\"code\":{code},\"message\":\"{message}\"}}");
    let lists = "\"proxyType\":null,\"rentPeriodDays\":0,\"quantity\":0,\"ipAddressIds\":[]";
    let members = match call.split('?').next().unwrap_or(call) {
        "extend" | "extend/order" => format!("{lists},{account},{error},\"promoCodeStatus\":null"),
        "extend/auto" => format!("{lists},{account},{error}"),
        "extend/order/auto" => format!("{lists},\"orderIds\":[],{account},{error}"),
        "order" => format!(
            "\"proxyType\":null,\"orderNumber\":null,{account},{error},\"promoCodeStatus\":null"
        ),
        "calculate/order" | "calculate/extend" | "calculate/extend/order" => format!(
            "\"proxyType\":null,\"balance\":{balance},\"price\":null,\"currency\":{currency},\
             \"discount\":null,\"promoCodeStatus\":null,{error},\"warnings\":null"
        ),
        "balance" => format!("\"balance\":{balance},\"currencyCode\":{currency},{error}"),
        "proxyType" => format!("\"proxyTypes\":[],{error}"),
        "country" => format!("\"countries\":[],{error}"),
        "rentPeriod" => format!("\"rentPeriodDays\":[],{error}"),
        "mobileOperator" => format!("\"mobileOperators\":[],{error}"),
        "promoCode" => format!("\"promoCodes\":[],{error}"),
        "ipAddress" => format!("\"IPv4\":[],\"IPv6\":[],\"MOBILE\":[],\"ISP\":[],{error}"),
        "ipAddress/page" => format!(
            "\"IPv4\":[],\"IPv6\":[],\"MOBILE\":[],\"ISP\":[],\
             \"page\":0,\"size\":20,\"totalPages\":0,\"totalElements\":0,{error}"
        ),
        _ => panic!("{call} is no call"),
    };
    format!("{{\"success\":false,{members}}}")
}

/// Every call, and whether it has a body.
pub(crate) const CALLS: [(&str, bool); 16] = [
    ("proxyType", false),
    ("balance", false),
    ("country?proxyType=IPv4", false),
    ("rentPeriod?proxyType=IPv4", false),
    ("mobileOperator", false),
    ("promoCode", false),
    ("ipAddress", false),
    ("ipAddress/page", false),
    ("calculate/order", true),
    ("calculate/extend", true),
    ("calculate/extend/order", true),
    ("order", true),
    ("extend", true),
    ("extend/order", true),
    ("extend/auto", true),
    ("extend/order/auto", true),
];

impl Shop {
    /// A balance as it is written.
    pub(crate) fn shown_balance(&self, key: &str) -> String {
        let customer = match key {
            key if key == self.kb => self.bob,
            key if key == self.kz => domain::ids::CustomerId(3),
            key if key == self.ks => domain::ids::CustomerId(4),
            _ => self.ann,
        };
        let (whole, cents) = (self.balance(customer) / 100, self.balance(customer) % 100);
        match cents {
            0 => format!("{whole}"),
            cents if cents % 10 == 0 => format!("{whole}.{}", cents / 10),
            cents => format!("{whole}.{cents:02}"),
        }
    }

    /// Asserts that a request is refused with `code` under all five rules.
    pub(crate) async fn refuses(&self, key: &str, call: &str, body: &str, code: u64) -> Answer {
        self.refuses_with(key, call, "", body, code).await
    }

    /// The same with more headers.
    pub(crate) async fn refuses_with(
        &self,
        key: &str,
        call: &str,
        headers: &str,
        body: &str,
        code: u64,
    ) -> Answer {
        let before = self.digest();
        let started = Instant::now();
        let answer = self.call_with(key, call, headers, body).await;
        let took = started.elapsed();
        let what = format!("{call} {body}");
        let form = match call {
            // The body may make it the form by orders.
            "extend/auto" if answer.body.contains("orderIds") => "extend/order/auto",
            call => call,
        };
        let expected = refusal(form, code, message(code), &self.shown_balance(key));
        assert_eq!(answer.body, expected, "{what}");
        assert_common(&answer, 200);
        assert!(took < Duration::from_secs(1), "{what} took {took:?}");
        let again = self.call_with(key, call, headers, body).await;
        assert_eq!(again.body, answer.body, "{what}, asked again");
        assert!(self.digest() == before, "{what} changed something");
        answer
    }
}

/// What all answers of the dialect have in common.
#[track_caller]
pub(crate) fn assert_common(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    for name in ["set-cookie", "location", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None, "{answer:?}");
    }
}

/// The examples of the reference are the same forms.
#[test]
fn the_forms_are_those_of_the_examples() {
    for (call, file, code, balance) in [
        ("extend", "extend/error.json", 24, "0.65"),
        ("extend/auto", "extend-auto/error.json", 4, "5"),
        ("extend/order/auto", "extend-order-auto/error.json", 4, "5"),
        ("order", "order/error-operator.json", 8, "3.76"),
        ("calculate/extend", "calculate-extend/error.json", 24, "0.65"),
        ("balance", "balance/error.json", 2, "null"),
        ("country", "country/error.json", 4, "null"),
        ("rentPeriod", "rent-period/error.json", 4, "null"),
        ("ipAddress", "ip-address/error-type.json", 4, "null"),
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wire/fixtures/youproxy/");
        let example = std::fs::read_to_string(format!("{folder}{file}")).unwrap();
        let compact: String = {
            let value: Box<serde_json::value::RawValue> = serde_json::from_str(&example).unwrap();
            squeezed(value.get())
        };
        assert_eq!(refusal(call, code, message(code), balance), compact, "{file}");
    }
}

/// JSON without the space between its tokens.
fn squeezed(json: &str) -> String {
    let (mut out, mut in_text, mut escaped) = (String::new(), false, false);
    for sign in json.chars() {
        match sign {
            '"' if !escaped => in_text = !in_text,
            ' ' | '\n' if !in_text => continue,
            _ => {}
        }
        escaped = in_text && sign == '\\' && !escaped;
        out.push(sign);
    }
    out
}
