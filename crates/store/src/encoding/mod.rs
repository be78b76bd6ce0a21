//! How domain values are kept in columns. What is read back and was never written by this version
//! is an error with the name of its column, not a default.

pub(crate) mod event;
pub(crate) mod refusal;
pub(crate) mod rotation;
#[cfg(test)]
mod tests;
mod wire;

use std::str::FromStr;

use domain::ids::{CardId, CustomerId, OrderId};
use domain::kind::ProxyKind;
use domain::lease::LeaseState;
use domain::money::{Currency, Percent};
use domain::network::Network;
use domain::period::Period;
use domain::product::ProductKey;

use crate::Result;
use crate::error::Error;

/// The fault of a column that holds what this version never writes.
pub(crate) fn corrupt(column: &'static str, value: impl ToString) -> Error {
    Error::Corrupt { column, value: value.to_string() }
}

/// A product by its name.
pub(crate) fn product(column: &'static str, text: &str) -> Result<ProductKey> {
    ProductKey::parse(text).ok_or_else(|| corrupt(column, text))
}

/// A currency by its code.
pub(crate) fn currency(column: &'static str, text: &str) -> Result<Currency> {
    Currency::from_code(text).ok_or_else(|| corrupt(column, text))
}

/// An address.
pub(crate) fn ip<T: FromStr>(column: &'static str, text: &str) -> Result<T> {
    text.parse().map_err(|_| corrupt(column, text))
}

/// A period by its days.
pub(crate) fn period(column: &'static str, days: i64) -> Result<Period> {
    let period = u32::try_from(days).ok().and_then(Period::from_days);
    period.ok_or_else(|| corrupt(column, days))
}

/// A share by its hundredths of a per cent.
pub(crate) fn percent(column: &'static str, hundredths: i64) -> Result<Percent> {
    let percent = u32::try_from(hundredths).ok().and_then(Percent::from_hundredths);
    percent.ok_or_else(|| corrupt(column, hundredths))
}

/// A number that is smaller than what its column could hold.
pub(crate) fn small<T: TryFrom<i64>>(column: &'static str, number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| corrupt(column, number))
}

/// The number of a kind in columns that indexes begin with.
pub(crate) fn kind_number(kind: ProxyKind) -> i64 {
    match kind {
        ProxyKind::Ipv4 => 1,
        ProxyKind::Ipv6 => 2,
        ProxyKind::Mobile => 3,
        ProxyKind::Isp => 4,
    }
}

/// The kind with this number.
pub(crate) fn kind(column: &'static str, number: i64) -> Result<ProxyKind> {
    let kind = ProxyKind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
    kind.ok_or_else(|| corrupt(column, number))
}

/// Kinds by their names, separated by spaces.
pub(crate) fn kinds(column: &'static str, text: &str) -> Result<Vec<ProxyKind>> {
    let kind = |name| ProxyKind::from_name(name).ok_or_else(|| corrupt(column, text));
    text.split_ascii_whitespace().map(kind).collect()
}

/// The text that [`kinds`] reads.
pub(crate) fn kinds_text(kinds: &[ProxyKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    names.join(" ")
}

/// Networks, separated by spaces.
pub(crate) fn networks(column: &'static str, text: &str) -> Result<Vec<Network>> {
    let network = |word| Network::parse(word).ok_or_else(|| corrupt(column, text));
    text.split_ascii_whitespace().map(network).collect()
}

/// The text that [`networks`] reads.
pub(crate) fn networks_text(networks: &[Network]) -> String {
    let words: Vec<String> = networks.iter().map(Network::to_string).collect();
    words.join(" ")
}

/// The number of a state.
pub(crate) fn state_number(state: LeaseState) -> i64 {
    match state {
        LeaseState::Active => 0,
        LeaseState::Reserved => 1,
        LeaseState::Over => 2,
    }
}

/// The state with this number.
pub(crate) fn state(column: &'static str, number: i64) -> Result<LeaseState> {
    match number {
        0 => Ok(LeaseState::Active),
        1 => Ok(LeaseState::Reserved),
        2 => Ok(LeaseState::Over),
        _ => Err(corrupt(column, number)),
    }
}

/// Descriptions as JSON.
pub(crate) fn descriptions(column: &'static str, text: &str) -> Result<Vec<(String, String)>> {
    serde_json::from_str(text).map_err(|_| corrupt(column, text))
}

/// The text that [`descriptions`] reads.
pub(crate) fn descriptions_text(descriptions: &[(String, String)]) -> String {
    serde_json::to_string(descriptions).expect("pairs of text are JSON")
}

/// What has this name, of what [`domain`] names.
pub(crate) fn named<T>(
    column: &'static str,
    text: &str,
    from_name: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    from_name(text).ok_or_else(|| corrupt(column, text))
}

/// Where the token of a card is kept, so that it cannot be unsealed anywhere else.
pub(crate) fn token_place(card: CardId) -> String {
    format!("card/{}/token", card.0)
}

/// Where the password of an order is kept, so that it cannot be unsealed anywhere else.
/// Where the usual password of a customer is kept, so that it cannot be unsealed anywhere else.
pub(crate) fn usual_place(customer: CustomerId) -> String {
    format!("customer/{}/password", customer.0)
}

/// Where the passwords of an order are kept, so that they cannot be unsealed anywhere else.
pub(crate) fn password_place(order: OrderId) -> String {
    format!("customer_order/{}/password", order.0)
}
