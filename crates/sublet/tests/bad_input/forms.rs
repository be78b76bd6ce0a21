//! What every refusal has in common, to the byte.

use std::time::{Duration, Instant};

use e2e::books::assert_same;
use e2e::customer::Customer;
use e2e::http::{Answer, Request, cents};
use serde_json::Value;

use crate::fixture::Fixture;

/// How long a refusal may take. The promise is a second; a machine that is busy with other things is slower.
const PATIENCE: Duration = Duration::from_secs(30);

/// The fixed text of a code.
pub(crate) fn message(code: i64) -> &'static str {
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
        _ => panic!("there is no code {code}"),
    }
}

/// The whole body of a refusal. `balance` is in cents, or `None` where the key was not accepted.
pub(crate) fn form(call: &str, code: i64, balance: Option<i64>) -> String {
    let (balance, currency) = match balance {
        Some(minor) => (number(minor), "\"USD\""),
        None => ("null".to_owned(), "null"),
    };
    let error = format!(r#""error":{{"code":{code},"message":"{}"}}"#, message(code));
    let wallet = format!(r#""balance":{balance},"currency":{currency}"#);
    let head = r#""success":false,"proxyType":null"#;
    let nothing = r#""rentPeriodDays":0,"quantity":0,"ipAddressIds":[]"#;
    match call {
        "/calculate/order" | "/calculate/extend" | "/calculate/extend/order" => format!(
            r#"{{{head},"balance":{balance},"price":null,"currency":{currency},"discount":null,"promoCodeStatus":null,{error},"warnings":null}}"#
        ),
        "/order" => {
            format!(r#"{{{head},"orderNumber":null,{wallet},{error},"promoCodeStatus":null}}"#)
        }
        "/extend" | "/extend/order" => {
            format!(r#"{{{head},{nothing},{wallet},{error},"promoCodeStatus":null}}"#)
        }
        "/extend/auto" => format!(r#"{{{head},{nothing},{wallet},{error}}}"#),
        "/extend/order/auto" => format!(r#"{{{head},{nothing},"orderIds":[],{wallet},{error}}}"#),
        "/balance" => {
            format!(r#"{{"success":false,"balance":{balance},"currencyCode":{currency},{error}}}"#)
        }
        _ => panic!("no form of {call} is known"),
    }
}

/// An amount as it is written: without zeros at its end.
fn number(minor: i64) -> String {
    let text = format!("{}.{:02}", minor / 100, minor % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What holds for every answer.
pub(crate) fn assert_headers(row: &str, answer: &Answer) {
    let header = |name| answer.header(name).unwrap_or_default();
    assert!(header("content-type").contains("json"), "{row}: {:?}", answer.headers);
    assert!(header("cache-control").contains("no-store"), "{row}: {:?}", answer.headers);
    for forbidden in ["set-cookie", "location", "access-control-allow-origin"] {
        assert!(answer.header(forbidden).is_none(), "{row}: {forbidden}");
    }
}

impl Fixture {
    /// Sends `request` twice: both are refused with `code` in the exact form of `call`, and nothing
    /// changes.
    #[track_caller]
    pub(crate) fn refused(
        &self,
        row: &str,
        call: &str,
        request: &Request,
        code: i64,
        balance: Option<i64>,
    ) {
        let before = self.shop.books().state();
        for _ in 0..2 {
            let start = Instant::now();
            let answer = request.send(self.shop.address());
            assert!(start.elapsed() < PATIENCE, "{row} took {:?}", start.elapsed());
            assert_eq!(answer.status, 200, "{row}: {}", answer.text());
            assert_headers(row, &answer);
            assert_eq!(answer.text(), form(call, code, balance), "{row}");
        }
        assert_same(&before, &self.shop.books().state(), row);
    }

    /// A call of `customer` with `body` that is refused with `code`.
    #[track_caller]
    pub(crate) fn err(&self, row: &str, customer: &Customer, call: &str, body: &Value, code: i64) {
        let balance = self.shop.balance(customer);
        self.refused(row, call, &customer.posting(call, body), code, Some(balance));
    }

    /// Rows of A's calls, each refused with the code beside it.
    #[track_caller]
    pub(crate) fn errs(&self, call: &str, rows: &[(&str, Value, i64)]) {
        for (row, body, code) in rows {
            self.err(&format!("{row} {body}"), &self.a, call, body, *code);
        }
    }

    /// A call of A that succeeds, with what it has cost.
    #[track_caller]
    pub(crate) fn done(&self, row: &str, call: &str, body: &Value) -> (i64, Value) {
        let before = self.shop.balance(&self.a);
        let answer = self.shop.post(&self.a, call, body);
        assert_eq!((answer.status, answer.code()), (200, 0), "{row}: {}", answer.text());
        assert_headers(row, &answer);
        let done = answer.json();
        let after = self.shop.balance(&self.a);
        assert_eq!(cents(&done["balance"]), after, "{row}");
        (before - after, done)
    }
}
