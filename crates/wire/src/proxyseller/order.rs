//! `POST order/calc` and `POST order/make`

use serde::{Deserialize, Serialize};

use super::id::Id;
use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST order/calc` and `POST order/make`, in both versions.
///
/// Which members are needed depends on the section, so all are optional here. Where a thing can be
/// named by an id or by a code, either member may hold either. Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRequest {
    /// The section; in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub section_code: Field<String>,
    /// Where; in v1 this names the section as well.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub country_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub country_code: Field<String>,
    /// How long, such as `1m`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub period_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub period_code: Field<String>,
    /// How many addresses.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub quantity: Field<u64>,
    /// With what it is paid.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub payment_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub payment_code: Field<String>,
    /// With which card, if several are saved; in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub subscription_id: Field<String>,
    /// The address that may use the proxies without a password.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub authorization: Field<String>,
    /// A promo code. One that is `Bad` is a wrong code, which refuses nothing.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub coupon: Field<String>,
    /// Whether the order gets credentials of its own.
    #[serde(skip_serializing_if = "Field::is_not_given", serialize_with = "super::yes_or_no")]
    pub generate_auth: Field<bool>,
    /// What the proxies are for, in the customer's words.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub custom_target_name: Field<String>,
    /// The older way to say so: a section of targets,
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub target_section_id: Field<String>,
    /// and a target in it.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub target_id: Field<String>,
    /// What an IPv6 proxy is to speak.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub protocol: Field<String>,
    /// `dedicated` or `shared`; for mobile.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub mobile_service_type: Field<String>,
    /// The mobile operator.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub operator_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub operator_code: Field<String>,
    /// Minutes between two changes of address; 0 is by link only.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rotation_id: Field<String>,
    /// The same, again.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub rotation_code: Field<String>,
    /// The package, in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub mix_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub mix_code: Field<String>,
    /// The tariff of residential traffic.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub tarif_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub tarif_code: Field<String>,
}

impl OrderRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<OrderRequest, Unreadable> {
        const NAMES: [&str; 26] = [
            "sectionCode",
            "countryId",
            "countryCode",
            "periodId",
            "periodCode",
            "quantity",
            "paymentId",
            "paymentCode",
            "authorization",
            "coupon",
            "generateAuth",
            "customTargetName",
            "targetSectionId",
            "targetId",
            "protocol",
            "mobileServiceType",
            "operatorId",
            "operatorCode",
            "rotationId",
            "rotationCode",
            "mixId",
            "mixCode",
            "tarifId",
            "tarifCode",
            "subscriptionId",
            "subscription_id",
        ];
        let found = members(body, NAMES)?;
        let name = |at: usize| lenient::name(found[at]);
        Ok(OrderRequest {
            section_code: name(0),
            country_id: name(1),
            country_code: name(2),
            period_id: name(3),
            period_code: name(4),
            quantity: lenient::whole_number(found[5]),
            payment_id: name(6),
            payment_code: name(7),
            subscription_id: if name(24).is_absent() { name(25) } else { name(24) },
            authorization: name(8),
            coupon: lenient::text(found[9]),
            generate_auth: lenient::switch(found[10]),
            custom_target_name: lenient::text(found[11]),
            target_section_id: name(12),
            target_id: name(13),
            protocol: name(14),
            mobile_service_type: name(15),
            operator_id: name(16),
            operator_code: name(17),
            rotation_id: name(18),
            rotation_code: name(19),
            mix_id: name(20),
            mix_code: name(21),
            tarif_id: name(22),
            tarif_code: name(23),
        })
    }
}

/// Data of `POST order/calc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calculated {
    /// Why it cannot be bought; empty if it can.
    pub warning: String,
    /// What is in the wallet before.
    pub balance: Number,
    /// The price.
    pub total: Number,
    /// How many addresses.
    pub quantity: u32,
    /// The ISO 4217 code of the currency.
    pub currency: String,
    /// What is taken off, from 0 to 1.
    pub discount: Number,
    /// The price of one, with the discount taken off.
    pub price: Number,
}

/// Data of `POST order/make`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordered {
    /// The order.
    pub order_id: Id,
    /// The price.
    pub total: Number,
    /// The numbers by which the order is found in `proxy/list`.
    pub list_base_order_numbers: Vec<String>,
    /// What is in the wallet afterwards.
    pub balance: Number,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_in_any_way_is_nothing() {
        let body = br#"{"countryId":null,"coupon":"","generateAuth":"","operatorId":" "}"#;
        assert_eq!(OrderRequest::read(body), Ok(OrderRequest::default()));
    }

    #[test]
    fn a_bad_member_spoils_no_other() {
        let body = br#"{"countryId":[1],"quantity":"5","paymentId":1.0,"generateAuth":"maybe"}"#;
        let expected = OrderRequest {
            country_id: Field::Bad,
            quantity: Field::Given(5),
            payment_id: Field::Given("1".to_owned()),
            generate_auth: Field::Bad,
            ..OrderRequest::default()
        };
        assert_eq!(OrderRequest::read(body), Ok(expected));
    }
}
