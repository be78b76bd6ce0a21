//! Promo codes: `GET /promoCode`, and what became of one that was sent along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date::Date;
use super::problem::Problem;
use crate::number::Number;

/// What became of the promo code in a request; an answer to a request without one says `null`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PromoCodeStatus {
    /// The discount was given.
    #[serde(rename = "VALID")]
    Valid,
    /// The code is of no use here; the call succeeded all the same, at the full price.
    #[serde(rename = "NO_VALID")]
    NoValid,
}

/// A promo code of the caller's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromoCode {
    /// What the other calls take as `promoCode`.
    pub code: String,
    /// How often it has been used.
    pub count_uses: u64,
    /// When it begins to be of use.
    pub start_date: Date,
    /// When it ceases to be, unless it is endless.
    pub end_date: Option<Date>,
    /// Whether it has no end.
    pub endless: bool,
    /// The discount in per cent.
    pub discount: Number,
    /// What it is for, by the locale of the text, such as `en`.
    pub descriptions_by_locale: BTreeMap<String, String>,
}

/// Answer of `GET /promoCode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromoCodeAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// The codes of the account; empty on error.
    pub promo_codes: Vec<PromoCode>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl PromoCodeAnswer {
    /// The codes of the account.
    pub fn listed(promo_codes: Vec<PromoCode>) -> PromoCodeAnswer {
        PromoCodeAnswer { success: true, promo_codes, error: None }
    }

    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> PromoCodeAnswer {
        PromoCodeAnswer { success: false, promo_codes: Vec::new(), error: Some(problem.into()) }
    }
}
