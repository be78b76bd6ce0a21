//! `POST /order`, and the body of `POST /calculate/order`.

use serde::{Deserialize, Serialize};

use super::balance::{self, Account};
use super::problem::Problem;
use super::promo_code::PromoCodeStatus;
use super::proxy_type::ProxyType;
use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST /order` and `POST /calculate/order`.
///
/// Whether a member is needed depends on the type and the call, so all are optional here. The
/// calculation takes no notice of `authType`, `authIp` and `protocol`, but clients send them.
/// Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRequest {
    /// The type, as the client spells it.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub proxy_type: Field<String>,
    /// `LOGIN` or `IP`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub auth_type: Field<String>,
    /// The address that may use the proxies, if the type of authorization is `IP`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub auth_ip: Field<String>,
    /// What the proxies are for, in the customer's words, untrimmed.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub goal: Field<String>,
    /// An ISO 3166-1 alpha-3 code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub country: Field<String>,
    /// How many addresses.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub quantity: Field<u64>,
    /// For how many days.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rent_period_days: Field<u64>,
    /// A promo code, untrimmed. One that is `Bad` is a wrong code, which refuses nothing.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub promo_code: Field<String>,
    /// `HTTP` or `SOCKS`; for IPv6.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub protocol: Field<String>,
    /// Seconds between two changes of address; for mobile.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rotation_time: Field<u64>,
    /// The tag of an operator; for mobile.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub mobile_operator: Field<String>,
}

impl OrderRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<OrderRequest, Unreadable> {
        let [
            proxy_type,
            auth_type,
            auth_ip,
            goal,
            country,
            quantity,
            rent_period_days,
            promo_code,
            protocol,
            rotation_time,
            mobile_operator,
        ] = members(
            body,
            [
                "proxyType",
                "authType",
                "authIp",
                "goal",
                "country",
                "quantity",
                "rentPeriodDays",
                "promoCode",
                "protocol",
                "rotationTime",
                "mobileOperator",
            ],
        )?;
        Ok(OrderRequest {
            proxy_type: lenient::text(proxy_type),
            auth_type: lenient::text(auth_type),
            auth_ip: lenient::text(auth_ip),
            goal: lenient::text(goal),
            country: lenient::text(country),
            quantity: lenient::whole_number(quantity),
            rent_period_days: lenient::whole_number(rent_period_days),
            promo_code: lenient::text(promo_code),
            protocol: lenient::text(protocol),
            rotation_time: lenient::whole_number(rotation_time),
            mobile_operator: lenient::text(mobile_operator),
        })
    }
}

/// An order that has been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The type that was ordered.
    pub proxy_type: ProxyType,
    /// The number for people, `NUMBER-` and digits; not the `orderId` of the listing.
    pub order_number: String,
    /// The account after the charge.
    pub account: Account,
    /// What became of the promo code, if one was sent.
    pub promo_code_status: Option<PromoCodeStatus>,
}

/// Answer of `POST /order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderAnswer {
    /// Whether the order was made. If not, nothing was charged.
    pub success: bool,
    /// The type that was ordered; `null` on error.
    pub proxy_type: Option<ProxyType>,
    /// The number for people; `null` on error.
    pub order_number: Option<String>,
    /// What is left to spend, in whole units of the currency.
    pub balance: Option<Number>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<String>,
    /// Why the call was refused.
    pub error: Option<Problem>,
    /// What became of the promo code; `null` if none was sent, and on error.
    pub promo_code_status: Option<PromoCodeStatus>,
}

impl OrderAnswer {
    /// An order that has been made.
    pub fn ordered(ordered: Ordered) -> OrderAnswer {
        let (balance, currency) = balance::members(Some(ordered.account));
        OrderAnswer {
            success: true,
            proxy_type: Some(ordered.proxy_type),
            order_number: Some(ordered.order_number),
            balance,
            currency,
            error: None,
            promo_code_status: ordered.promo_code_status,
        }
    }

    /// A refusal; `account` is `None` if the key was not accepted.
    pub fn refused(account: Option<Account>, problem: impl Into<Problem>) -> OrderAnswer {
        let (balance, currency) = balance::members(account);
        OrderAnswer {
            success: false,
            proxy_type: None,
            order_number: None,
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
    fn a_bad_member_spoils_no_other() {
        let body = br#"{"proxyType":4,"country":840,"quantity":"1","goal":"  ","authType":null,
            "rentPeriodDays":true,"price":0,"role":{"admin":[true]}}"#;
        let expected = OrderRequest {
            proxy_type: Field::Bad,
            country: Field::Bad,
            quantity: Field::Given(1),
            goal: Field::Given("  ".to_owned()),
            rent_period_days: Field::Bad,
            ..OrderRequest::default()
        };
        assert_eq!(OrderRequest::read(body), Ok(expected));
    }

    #[test]
    fn an_order_by_position_is_unreadable() {
        assert_eq!(OrderRequest::read(br#"["IPv4","LOGIN"]"#), Err(Unreadable));
    }
}
