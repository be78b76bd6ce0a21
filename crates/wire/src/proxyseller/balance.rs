//! `GET balance/get`, `POST balance/add`

use serde::{Deserialize, Serialize};

use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Data of `GET balance/get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What is left to spend, in whole units of the currency.
    pub summ: Number,
}

/// Body of `POST balance/add`. Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddRequest {
    /// How much, in whole units of the currency.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub summ: Field<Number>,
    /// Through which system of payment.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub payment_id: Field<String>,
}

impl AddRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<AddRequest, Unreadable> {
        let [summ, payment_id] = members(body, ["summ", "paymentId"])?;
        Ok(AddRequest { summ: lenient::number(summ), payment_id: lenient::name(payment_id) })
    }
}

/// Data of `POST balance/add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// Where it is paid.
    pub url: String,
}
