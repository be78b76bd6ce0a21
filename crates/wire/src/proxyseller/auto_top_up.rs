//! `GET balance/autotopup/get` and `POST balance/autotopup/set`, of v2.

use serde::{Deserialize, Serialize};

use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST balance/autotopup/set`. What is absent stays as it is. Only what is `Given` is
/// written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoTopUpRequest {
    /// Whether it is in force.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub enabled: Field<bool>,
    /// Below this it tops up.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub threshold: Field<Number>,
    /// By so much.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub amount: Field<Number>,
    /// With this card.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub subscription_id: Field<String>,
}

impl AutoTopUpRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<AutoTopUpRequest, Unreadable> {
        let [enabled, threshold, amount, subscription_id] =
            members(body, ["enabled", "threshold", "amount", "subscriptionId"])?;
        Ok(AutoTopUpRequest {
            enabled: lenient::switch(enabled),
            threshold: lenient::number(threshold),
            amount: lenient::number(amount),
            subscription_id: lenient::name(subscription_id),
        })
    }
}

/// Data of both calls: how automatic top-up stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoTopUp {
    /// Whether it was ever set.
    pub configured: bool,
    /// Whether it is in force.
    pub enabled: bool,
    /// `NO_PAYMENT_METHOD`, `DISABLED`, `ACTIVE`, `PAYMENT_INVALID` or `PAUSED_FAILURES`.
    pub state: String,
    /// Below this it tops up.
    pub threshold: Number,
    /// By so much.
    pub amount: Number,
    /// With this card.
    pub subscription_id: Option<String>,
    /// The card.
    pub payment_method: Option<PaymentMethod>,
    /// Failures since the last success.
    pub fail_count: u32,
    /// When it was last tried.
    pub last_attempt_at: Option<String>,
    /// What happened last.
    pub last_event: Option<LastEvent>,
}

/// A saved card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentMethod {
    /// What it is called.
    pub id: String,
    /// `active` or `expired`.
    pub status: String,
    /// `card`.
    pub payment_method: String,
    /// The brand.
    pub brand: Option<String>,
    /// The last four digits.
    pub last4: Option<String>,
    /// The last month, as `01/2030`.
    pub exp: Option<String>,
}

/// What happened to automatic top-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvent {
    /// `TRIGGERED`, `SUCCEEDED`, `FAILED`, `SKIPPED_CAP`, `SETTINGS_SAVED` or `PAUSED`.
    pub status: String,
    /// The amount that it was about.
    pub amount: Number,
    /// When.
    pub at: String,
    /// Why, if something failed.
    pub reason: Option<String>,
}
