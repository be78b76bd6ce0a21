//! What every answer is wrapped in.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::number::Number;

/// What stands in front of the data of a success, for answers that are sent while they are made.
pub const HEAD: &str = r#"{"status":"success","data":"#;

/// What stands behind the data of a success.
pub const TAIL: &str = r#","errors":[]}"#;

/// An answer.
///
/// It has three forms: a success, with data and without errors; an error, with errors and as a rule
/// without data; and a quote that is right but cannot be paid, which is an error with data and
/// without errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Whether it was done.
    pub status: Status,
    /// What was asked for.
    pub data: Option<T>,
    /// Why it was not done. Empty on success.
    pub errors: Vec<Problem>,
}

/// Whether what was asked for was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was.
    Success,
    /// It was not.
    Error,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// In words, by which clients know it.
    pub message: Cow<'static, str>,
    /// Its number; 0 for most.
    pub code: u32,
    /// What was expected; `null` for nearly all.
    pub custom_data: Option<Expected>,
}

/// What was expected of the settings of an automatic top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// The least amount.
    pub min_amount: Number,
    /// The least threshold.
    pub min_threshold: Number,
}

impl Problem {
    /// A problem that its words say all about.
    pub fn new(message: impl Into<Cow<'static, str>>, code: u32) -> Problem {
        Problem { message: message.into(), code, custom_data: None }
    }

    /// The three that are told together to a caller who is not let in, whatever the reason, so that
    /// he cannot tell which it is. v2 says which address it is that may not call.
    pub fn access(address: Option<&str>) -> [Problem; 3] {
        const CODE: u32 = 503;
        let address = match address {
            Some(address) => Cow::Owned(format!("IP not allowed {address}")),
            None => Cow::Borrowed("IP not allowed"),
        };
        [
            Problem::new("Error api key", CODE),
            Problem::new(address, CODE),
            Problem::new("Request limit reached", CODE),
        ]
    }
}

impl<T> Envelope<T> {
    /// It was done.
    pub fn success(data: T) -> Envelope<T> {
        Envelope { status: Status::Success, data: Some(data), errors: Vec::new() }
    }

    /// A quote that is right but cannot be paid. `errors` is empty, unless an installation explains
    /// it to clients that cannot read it so.
    pub fn unpaid(data: T, errors: Vec<Problem>) -> Envelope<T> {
        Envelope { status: Status::Error, data: Some(data), errors }
    }

    /// It was not done.
    pub fn refused(errors: Vec<Problem>) -> Envelope<T> {
        Envelope { status: Status::Error, data: None, errors }
    }
}

/// What is answered with another status than 200: a problem without an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bare {
    /// The status.
    pub code: u32,
    /// In words.
    pub message: Cow<'static, str>,
    /// Always `null`.
    pub custom_data: Option<()>,
}

impl Bare {
    /// A problem that its status says all about.
    pub fn new(code: u32, message: impl Into<Cow<'static, str>>) -> Bare {
        Bare { code, message: message.into(), custom_data: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_pieces_is_what_is_sent_at_once() {
        let whole = serde_json::to_string(&Envelope::success([1, 2])).unwrap();
        assert_eq!(whole, format!("{HEAD}[1,2]{TAIL}"));
    }
}
