//! `POST proxy/replace`

use serde::{Deserialize, Serialize};

use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};

/// Body of `POST proxy/replace`. Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplaceRequest {
    /// The proxies.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ids: Field<Vec<String>>,
    /// Why: `NOT_WORK`, `INCORRECT_LOCATION`, `CANT_CHANGE_NETWORK`, `LOW_SPEED` or `CUSTOM`.
    #[serde(rename = "type", skip_serializing_if = "Field::is_not_given")]
    pub reason: Field<String>,
    /// Why, in the customer's words.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub comment: Field<String>,
}

impl ReplaceRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<ReplaceRequest, Unreadable> {
        let [ids, reason, comment] = members(body, ["ids", "type", "comment"])?;
        Ok(ReplaceRequest {
            ids: lenient::names(ids),
            reason: lenient::name(reason),
            comment: lenient::text(comment),
        })
    }
}

/// Data of `POST proxy/replace`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// What was done.
    pub ok: Submitted,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// The addresses that were given back.
    pub ips: Vec<String>,
    /// In words.
    pub msg: String,
}
