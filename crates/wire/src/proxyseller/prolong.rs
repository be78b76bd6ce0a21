//! `POST prolong/calc/{type}` and `POST prolong/make/{type}`

use serde::{Deserialize, Serialize};

use super::id::Id;
use crate::body::{Unreadable, members};
use crate::lenient::{self, Field};
use crate::number::Number;

/// Body of `POST prolong/calc/{type}` and `POST prolong/make/{type}`, in both versions, and of what
/// is below `autoprolong`, in v2.
///
/// Only what is `Given` is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProlongRequest {
    /// Proxies by their ids, also called `ipIds`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ids: Field<Vec<String>>,
    /// Proxies by their addresses; in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub ips: Field<Vec<String>>,
    /// Whole orders; in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub order_ids: Field<Vec<String>>,
    /// How long, such as `1m`.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub period_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub period_code: Field<String>,
    /// A promo code. One that is `Bad` is a wrong code, which refuses nothing.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub coupon: Field<String>,
    /// With what it is paid.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub payment_id: Field<String>,
    /// The same by code.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub payment_code: Field<String>,
    /// With which card, if several are saved; in v2.
    #[serde(skip_serializing_if = "Field::is_not_given")]
    pub subscription_id: Field<String>,
}

impl ProlongRequest {
    /// Reads a body. Fails only if the body as a whole is unreadable.
    pub fn read(body: &[u8]) -> Result<ProlongRequest, Unreadable> {
        const NAMES: [&str; 12] = [
            "ids",
            "ipIds",
            "ips",
            "orderIds",
            "periodId",
            "periodCode",
            "coupon",
            "paymentId",
            "payment_id",
            "paymentCode",
            "subscriptionId",
            "subscription_id",
        ];
        let found = members(body, NAMES)?;
        let name = |at: usize| lenient::name(found[at]);
        let either = |one: usize, other: usize| {
            let one = name(one);
            if one.is_absent() { name(other) } else { one }
        };
        let ids = lenient::names(found[0]);
        Ok(ProlongRequest {
            ids: if ids.is_absent() { lenient::names(found[1]) } else { ids },
            ips: lenient::names(found[2]),
            order_ids: lenient::names(found[3]),
            period_id: name(4),
            period_code: name(5),
            coupon: lenient::text(found[6]),
            payment_id: either(7, 8),
            payment_code: name(9),
            subscription_id: either(10, 11),
        })
    }
}

/// Data of `POST prolong/calc/{type}`, and of `make` where the balance does not cover it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProlongCalculated {
    /// Why it cannot be bought; empty if it can.
    pub warning: String,
    /// What is in the wallet before.
    pub balance: Number,
    /// The price.
    pub total: Number,
    /// How many proxies.
    pub quantity: u32,
    /// The ISO 4217 code of the currency.
    pub currency: String,
    /// What is taken off, from 0 to 1.
    pub discount: Number,
    /// The price of one, with the discount taken off.
    pub price: Number,
    /// How many orders they are of.
    pub orders: u32,
    /// The proxies.
    pub items: Vec<ProlongItem>,
}

/// A proxy that can be prolonged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProlongItem {
    /// The proxy.
    pub id: Id,
    /// Its order.
    pub order_id: Id,
    /// The number of its order, which changes when it is prolonged.
    pub order_number: String,
    /// The number of its order, which does not.
    pub base_order_number: String,
    /// Where it is reached.
    pub ip: String,
    /// The port for HTTP.
    pub port_http: u16,
    /// The port for SOCKS5.
    pub port_socks: u16,
    /// The login; empty if an address may use it.
    pub login: String,
    /// The password; empty if an address may use it.
    pub password: String,
    /// The address that may use it without a password, or nothing.
    pub auth_ip: String,
    /// The name of the country.
    pub country: String,
    /// When it began, to the second.
    pub date_start: String,
    /// When it ends, to the second.
    pub date_end: String,
    /// The customer's note.
    pub comment: String,
    /// `ACTIVE`, or what it is otherwise.
    pub status: String,
    /// Minutes between two changes of a mobile exit, or nothing.
    pub rotation: String,
    /// Where a mobile exit is rotated, or `#`.
    pub link_reboot: String,
    /// Whether it can be prolonged.
    pub can_prolong: bool,
}

/// Data of `POST prolong/make/{type}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prolonged {
    /// The order, or the first of several.
    pub order_id: Id,
    /// All orders; in v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_ids: Option<Vec<Id>>,
    /// The price.
    pub total: Number,
    /// The numbers of the orders.
    pub list_base_order_numbers: Vec<String>,
    /// What is in the wallet afterwards.
    pub balance: Number,
}
