//! What an account holds, and `GET /balance`.

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::number::Number;

/// What the caller's account holds: two members of nearly every answer.
///
/// An answer to a caller whose key was not accepted has none, and says `null` for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What there is to spend, in whole units of the currency.
    pub balance: Number,
    /// The ISO 4217 code of the currency.
    pub currency: String,
}

/// Splits an account into the two members that tell of it.
pub(super) fn members(account: Option<Account>) -> (Option<Number>, Option<String>) {
    account.map(|account| (account.balance, account.currency)).unzip()
}

/// Answer of `GET /balance`, the only one to spell it `currencyCode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BalanceAnswer {
    /// Whether there is no `error`.
    pub success: bool,
    /// What there is to spend, in whole units of the currency.
    pub balance: Option<Number>,
    /// The ISO 4217 code of the currency.
    pub currency_code: Option<String>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl BalanceAnswer {
    /// What the account holds.
    pub fn told(account: Account) -> BalanceAnswer {
        let (balance, currency_code) = members(Some(account));
        BalanceAnswer { success: true, balance, currency_code, error: None }
    }

    /// A refusal; `account` is `None` if the key was not accepted.
    pub fn refused(account: Option<Account>, problem: impl Into<Problem>) -> BalanceAnswer {
        let (balance, currency_code) = members(account);
        BalanceAnswer { success: false, balance, currency_code, error: Some(problem.into()) }
    }
}
