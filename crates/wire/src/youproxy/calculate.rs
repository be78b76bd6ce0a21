//! The prices: answers of the three calls under `/calculate`.
//!
//! They take the bodies of the calls whose price they tell: see
//! [`OrderRequest`](super::order::OrderRequest) and [`ExtendRequest`](super::extend::ExtendRequest).

use serde::{Deserialize, Serialize};

use super::balance::{self, Account};
use super::problem::Problem;
use super::promo_code::PromoCodeStatus;
use super::proxy_type::ProxyType;
use crate::number::Number;

/// A price, as the server has found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calculated {
    /// The type that was asked for.
    pub proxy_type: ProxyType,
    /// The account as it stands; a calculation takes nothing.
    pub account: Account,
    /// The total after the discount, in whole units of the account's currency.
    pub price: Number,
    /// The discount in per cent; zero if there is none.
    pub discount: Number,
    /// What became of the promo code, if one was sent.
    pub promo_code_status: Option<PromoCodeStatus>,
    /// Why an order like it would be refused.
    pub warnings: Vec<Problem>,
}

/// Answer of `POST /calculate/order`, `/calculate/extend` and `/calculate/extend/order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CalculateAnswer {
    /// Whether there is no `error`. A warning is none.
    pub success: bool,
    /// The type that was asked for; `null` on error.
    pub proxy_type: Option<ProxyType>,
    /// What there is to spend, in whole units of the currency.
    pub balance: Option<Number>,
    /// The total after the discount, in whole units of the currency; `null` on error.
    pub price: Option<Number>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// The discount in per cent; `null` on error.
    pub discount: Option<Number>,
    /// What became of the promo code; `null` if none was sent, and on error.
    pub promo_code_status: Option<PromoCodeStatus>,
    /// Why the call was refused.
    pub error: Option<Problem>,
    /// Why an order like it would be refused; never an empty list.
    pub warnings: Option<Vec<Problem>>,
}

impl CalculateAnswer {
    /// A price.
    pub fn priced(calculated: Calculated) -> CalculateAnswer {
        let (balance, currency) = balance::members(Some(calculated.account));
        let warnings = calculated.warnings;
        CalculateAnswer {
            success: true,
            proxy_type: Some(calculated.proxy_type),
            balance,
            price: Some(calculated.price),
            currency,
            discount: Some(calculated.discount),
            promo_code_status: calculated.promo_code_status,
            error: None,
            warnings: if warnings.is_empty() { None } else { Some(warnings) },
        }
    }

    /// A refusal; `account` is `None` if the key was not accepted.
    pub fn refused(account: Option<Account>, problem: impl Into<Problem>) -> CalculateAnswer {
        let (balance, currency) = balance::members(account);
        CalculateAnswer {
            success: false,
            proxy_type: None,
            balance,
            price: None,
            currency,
            discount: None,
            promo_code_status: None,
            error: Some(problem.into()),
            warnings: None,
        }
    }
}
