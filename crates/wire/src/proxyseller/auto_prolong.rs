//! `POST autoprolong/calc/{type}`, `enable/{type}` and `disable/{type}`, of v2. Their body is a
//! [`ProlongRequest`](super::prolong::ProlongRequest).

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::prolong::ProlongItem;
use crate::number::Number;

/// Data of `POST autoprolong/calc/{type}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoProlongCalculated {
    /// Why it could not be paid now; empty if it could.
    pub warning: String,
    /// What is in the wallet.
    pub balance: Number,
    /// The price.
    pub total: Number,
    /// How many proxies.
    pub quantity: u32,
    /// The ISO 4217 code of the currency.
    pub currency: String,
    /// What is taken off, from 0 to 1.
    pub discount: Number,
    /// How many orders they are of.
    pub orders: u32,
    /// The proxies.
    pub items: Vec<ProlongItem>,
    /// For how many days.
    pub days: u32,
    /// Always `null`: traffic is not prolonged.
    pub tarif_id: Option<Id>,
    /// When the first of them would be paid for.
    pub charge_date: Option<String>,
    /// When the first of them ends.
    pub date_end: Option<String>,
    /// With what it would be paid.
    pub payment_id: String,
    /// Whether all of them are prolonged automatically already.
    pub auto_prolong: bool,
}

/// Data of `POST autoprolong/enable/{type}` and `disable/{type}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoProlonged {
    /// Always empty.
    pub warning: String,
    /// Whether it is on now.
    pub auto_prolong: bool,
    /// How many proxies were switched.
    pub quantity: u32,
    /// Which.
    pub ids: Vec<Id>,
    /// The same again, for a client that reads it so.
    pub ip_ids: Vec<Id>,
    /// Their orders.
    pub order_ids: Vec<Id>,
    /// For how many days; `null` if it is off.
    pub days: Option<u32>,
    /// With what it is paid; `null` if it is off.
    pub payment_id: Option<String>,
    /// When the first of them is paid for; `null` if it is off.
    pub charge_date: Option<String>,
    /// When the first of them ends.
    pub date_end: Option<String>,
}
