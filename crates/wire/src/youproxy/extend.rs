//! `POST /extend` and `POST /extend/order`, and the bodies of their calculations.

use serde::{Deserialize, Serialize};

use super::balance::{self, Account};
use super::problem::Problem;
use super::promo_code::PromoCodeStatus;
use super::proxy_type::ProxyType;
use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST /extend`, `POST /extend/order`, and both below `/calculate`.
///
/// Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendRequest {
    /// The type, as the client spells it.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub proxy_type: Field<String>,
    /// The addresses. One page of the reference spells it `IpAddressIds`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ip_address_ids: Field<Vec<String>>,
    /// The orders: ids or order numbers.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub order_ids: Field<Vec<String>>,
    /// For how many days.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rent_period_days: Field<u64>,
    /// A promo code, untrimmed. One that is `Bad` is a wrong code, which refuses nothing.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub promo_code: Field<String>,
}

impl ExtendRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<ExtendRequest, Unreadable> {
        let [proxy_type, ip_address_ids, order_ids, rent_period_days, promo_code] = members(
            body,
            ["proxyType", "ipAddressIds", "orderIds", "rentPeriodDays", "promoCode"],
        )?;
        Ok(ExtendRequest {
            proxy_type: lenient::text(proxy_type),
            ip_address_ids: lenient::ids(ip_address_ids),
            order_ids: lenient::ids(order_ids),
            rent_period_days: lenient::whole_number(rent_period_days),
            promo_code: lenient::text(promo_code),
        })
    }

    /// Whether a body sent to a call by addresses is meant for the call by orders.
    ///
    /// One page of the reference posts `orderIds` to the address of the other.
    pub fn means_orders(&self) -> bool {
        self.ip_address_ids.is_absent() && !self.order_ids.is_absent()
    }
}

/// Addresses that have been extended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extended {
    /// Their type.
    pub proxy_type: ProxyType,
    /// By how many days.
    pub rent_period_days: u32,
    /// The addresses, also if the call named orders.
    pub ip_address_ids: Vec<String>,
    /// The account after the charge.
    pub account: Account,
    /// What became of the promo code, if one was sent.
    pub promo_code_status: Option<PromoCodeStatus>,
}

/// Answer of `POST /extend` and `POST /extend/order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtendAnswer {
    /// Whether all were extended. If not, none was, and nothing was charged.
    pub success: bool,
    /// The type; `null` on error.
    pub proxy_type: Option<ProxyType>,
    /// By how many days; 0 on error.
    pub rent_period_days: u32,
    /// How many addresses were extended; 0 on error.
    pub quantity: usize,
    /// The addresses; empty on error.
    pub ip_address_ids: Vec<String>,
    /// What is left to spend, in whole units of the currency.
    pub balance: Option<Number>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// Why the call was refused.
    pub error: Option<Problem>,
    /// What became of the promo code; `null` if none was sent, and on error.
    pub promo_code_status: Option<PromoCodeStatus>,
}

impl ExtendAnswer {
    /// Addresses that have been extended.
    pub fn extended(extended: Extended) -> ExtendAnswer {
        let (balance, currency) = balance::members(Some(extended.account));
        ExtendAnswer {
            success: true,
            proxy_type: Some(extended.proxy_type),
            rent_period_days: extended.rent_period_days,
            quantity: extended.ip_address_ids.len(),
            ip_address_ids: extended.ip_address_ids,
            balance,
            currency,
            error: None,
            promo_code_status: extended.promo_code_status,
        }
    }

    /// A refusal; `account` is `None` if the key was not accepted.
    pub fn refused(account: Option<Account>, problem: impl Into<Problem>) -> ExtendAnswer {
        let (balance, currency) = balance::members(account);
        ExtendAnswer {
            success: false,
            proxy_type: None,
            rent_period_days: 0,
            quantity: 0,
            ip_address_ids: Vec::new(),
            balance,
            currency,
            error: Some(problem.into()),
            promo_code_status: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_addresses_has_two_spellings() {
        check(r#"{"ipAddressIds":["a"]}"#, &["a"]);
        check(r#"{"IpAddressIds":"a,b"}"#, &["a", "b"]);
        check(r#"{"IpAddressIds":["a"],"ipAddressIds":["b"]}"#, &["b"]);
    }

    #[test]
    fn orders_alone_mean_the_form_by_orders() {
        let means_orders =
            |body: &str| ExtendRequest::read(body.as_bytes()).map(|request| request.means_orders());
        assert_eq!(means_orders(r#"{"orderIds":["o"]}"#), Ok(true));
        assert_eq!(means_orders(r#"{"orderIDs":[{}],"ipAddressIds":[]}"#), Ok(true));
        assert_eq!(means_orders(r#"{"orderIds":["o"],"ipAddressIds":["a"]}"#), Ok(false));
        assert_eq!(means_orders(r#"{"orderIds":["o"],"ipAddressIds":[{}]}"#), Ok(false));
        assert_eq!(means_orders("{}"), Ok(false));
    }

    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let request = ExtendRequest::read(body.as_bytes()).unwrap();
        assert_eq!(request.ip_address_ids.given().unwrap(), expected);
    }
}
