//! `GET order/list`, of v2

use serde::{Deserialize, Serialize};

/// Data of `GET order/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderList {
    /// How many there are.
    pub metadata: Metadata,
    /// Purchases and prolongations.
    pub items: Vec<OrderItem>,
}

/// How many orders there are, and which are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// How many match.
    pub total_orders: u64,
    /// On how many pages; 1 if there are no pages.
    pub total_pages: u64,
    /// The page that is shown, from 1.
    pub current_page: u64,
    /// How many are on a page; 0 if there are no pages.
    pub current_limit: u64,
}

/// A purchase or prolongation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// A number, as a text.
    pub id: String,
    /// The order; of a prolongation of several, the first.
    pub order_id: String,
    /// Its number, with a mark if this prolonged it.
    pub order_number: String,
    /// Its number that does not change.
    pub base_order_number: String,
    /// What it cost, with the sign of the currency.
    pub summ: String,
    /// Whether it is paid, in words.
    pub status: String,
    /// `PAYED`, `NOT_PAYED` or `RETURN`.
    pub status_type: String,
    /// Whether automatic prolongation is on: `Y` or `N`.
    pub auto_order: String,
    /// Whether it is a prolongation: `Y` or `N`.
    pub is_extend: String,
    /// When it was placed.
    pub date_insert: String,
    /// When it was paid.
    pub date_payed: Option<String>,
    /// What it was for.
    pub items: Vec<OrderPart>,
}

/// A part of a purchase: of one order and in one country.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPart {
    /// What proxies call `basket_id`.
    pub order_part_id: String,
    /// Of which order.
    pub order_id: String,
    /// Its number that does not change.
    pub base_order_number: String,
    /// The ISO 3166-1 alpha-3 code of the country.
    pub country_alpha3: String,
    /// How many proxies.
    pub quantity: u32,
    /// Its share of what the purchase cost, with the sign of the currency.
    pub price: String,
}

/// What stands in front of the items, for answers that are sent while they are made. Behind them
/// stands `]}`.
pub fn head(metadata: Metadata) -> String {
    let metadata = serde_json::to_string(&metadata).expect("whole numbers can be written");
    format!("{{\"metadata\":{metadata},\"items\":[")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_pieces_is_what_is_sent_at_once() {
        let metadata =
            Metadata { total_orders: 0, total_pages: 1, current_page: 1, current_limit: 0 };
        let whole = serde_json::to_string(&OrderList { metadata, items: vec![] }).unwrap();
        assert_eq!(whole, format!("{}]}}", head(metadata)));
    }
}
