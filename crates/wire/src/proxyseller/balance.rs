//! `GET balance/get`

use serde::{Deserialize, Serialize};

use crate::number::Number;

/// Data of `GET balance/get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What is left to spend, in whole units of the currency.
    pub summ: Number,
}
