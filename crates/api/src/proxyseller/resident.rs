//! Residential traffic and scraping, which are not offered: answered as to a customer who has none.

use super::stop::Stop;

/// The reason in the header.
const REASON: &str = "not-offered";

/// There is no package and no tariff.
pub(super) fn not_offered() -> Stop {
    Stop::said("Tarif not found", REASON)
}

/// Traffic is bought, not prolonged.
pub(super) fn not_prolonged() -> Stop {
    Stop::said("Create new order to add traffic, prolong options not available", REASON)
}
