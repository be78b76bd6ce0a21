//! `POST /extend/auto` and `POST /extend/order/auto`.

use serde::{Deserialize, Serialize};

use super::balance::{self, Account};
use super::problem::Problem;
use super::proxy_type::ProxyType;
use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST /extend/auto` and `POST /extend/order/auto`.
///
/// Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoExtendRequest {
    /// The type, as the client spells it.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub proxy_type: Field<String>,
    /// The addresses.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ip_address_ids: Field<Vec<String>>,
    /// The orders: ids or order numbers.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub order_ids: Field<Vec<String>>,
    /// The length of each extension, in days.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rent_period_days: Field<u64>,
    /// Whether to extend from now on, or to cease to.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub auto_extend: Field<bool>,
}

impl AutoExtendRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<AutoExtendRequest, Unreadable> {
        let [proxy_type, ip_address_ids, order_ids, rent_period_days, auto_extend] = members(
            body,
            ["proxyType", "ipAddressIds", "orderIds", "rentPeriodDays", "autoExtend"],
        )?;
        Ok(AutoExtendRequest {
            proxy_type: lenient::text(proxy_type),
            ip_address_ids: lenient::ids(ip_address_ids),
            order_ids: lenient::ids(order_ids),
            rent_period_days: lenient::whole_number(rent_period_days),
            auto_extend: lenient::flag(auto_extend),
        })
    }

    /// Whether a body sent to the call by addresses is meant for the call by orders.
    ///
    /// One page of the reference posts `orderIds` to the address of the other.
    pub fn means_orders(&self) -> bool {
        self.ip_address_ids.is_absent() && !self.order_ids.is_absent()
    }
}

/// Addresses whose automatic extension has been turned on or off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoExtended {
    /// Their type.
    pub proxy_type: ProxyType,
    /// The length of each extension, in days.
    pub rent_period_days: u32,
    /// The addresses, also if the call named orders.
    pub ip_address_ids: Vec<String>,
    /// The orders, if the call named any.
    pub order_ids: Option<Vec<String>>,
    /// The account as it stands; the call takes nothing.
    pub account: Account,
}

/// Answer of `POST /extend/auto` and `POST /extend/order/auto`.
///
/// The generations of the reference disagree whether the latter lists addresses or orders. It is
/// sent both, and a client may rely on either; what is read may lack one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoExtendAnswer {
    /// Whether all were changed. If not, none was.
    pub success: bool,
    /// The type; `null` on error.
    pub proxy_type: Option<ProxyType>,
    /// The length of each extension, in days; 0 on error.
    pub rent_period_days: u32,
    /// How many addresses, not orders; 0 on error.
    pub quantity: usize,
    /// The addresses; empty on error.
    #[serde(default)]
    pub ip_address_ids: Vec<String>,
    /// The orders; empty on error. Only the call by orders has this member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_ids: Option<Vec<String>>,
    /// What there is to spend, in whole units of the currency.
    pub balance: Option<Number>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// Why the call was refused.
    pub error: Option<Problem>,
}

impl AutoExtendAnswer {
    /// Addresses that have been changed.
    pub fn changed(changed: AutoExtended) -> AutoExtendAnswer {
        let (balance, currency) = balance::members(Some(changed.account));
        AutoExtendAnswer {
            success: true,
            proxy_type: Some(changed.proxy_type),
            rent_period_days: changed.rent_period_days,
            quantity: changed.ip_address_ids.len(),
            ip_address_ids: changed.ip_address_ids,
            order_ids: changed.order_ids,
            balance,
            currency,
            error: None,
        }
    }

    /// A refusal of the call by addresses; `account` is `None` if the key was not accepted.
    pub fn refused(account: Option<Account>, problem: impl Into<Problem>) -> AutoExtendAnswer {
        let (balance, currency) = balance::members(account);
        AutoExtendAnswer {
            success: false,
            proxy_type: None,
            rent_period_days: 0,
            quantity: 0,
            ip_address_ids: Vec::new(),
            order_ids: None,
            balance,
            currency,
            error: Some(problem.into()),
        }
    }

    /// A refusal of the call by orders; `account` is `None` if the key was not accepted.
    pub fn refused_orders(
        account: Option<Account>,
        problem: impl Into<Problem>,
    ) -> AutoExtendAnswer {
        AutoExtendAnswer {
            order_ids: Some(Vec::new()),
            ..AutoExtendAnswer::refused(account, problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_lists_orders_only_is_readable() {
        let json = r#"{"success":true,"proxyType":"IPv4","rentPeriodDays":30,"quantity":1,
            "orderIds":["o4"],"balance":5,"currency":"USD","error":null}"#;
        let answer: AutoExtendAnswer = serde_json::from_str(json).unwrap();
        assert_eq!(answer.ip_address_ids, Vec::<String>::new());
        assert_eq!(answer.order_ids, Some(vec!["o4".to_owned()]));
    }

    #[test]
    fn only_a_boolean_is_one() {
        let flag = |body: &str| AutoExtendRequest::read(body.as_bytes()).unwrap().auto_extend;
        assert_eq!(flag(r#"{"autoExtend":false}"#), Field::Given(false));
        assert_eq!(flag(r#"{"autoExtend":"true"}"#), Field::Bad);
        assert_eq!(flag(r#"{"autoExtend":1}"#), Field::Bad);
        assert_eq!(flag(r#"{"autoExtend":null}"#), Field::Absent);
    }
}
