//! The catalogue as the operator writes it: a TOML text that says what is on sale, at what price
//! and on what terms. `docs/catalogue.sample.toml` shows all of it.

mod check;
mod diff;
mod gateways;
mod limits;
mod modems;
mod packages;
mod place;
mod ports;
mod products;
mod raw;
mod terms;

use domain::catalogue::Catalogue;

pub use diff::{Difference, Mark, diff};
use place::{Fault, Place};

/// Why the text of a catalogue cannot be used: one sentence, with line and column where there is
/// one place to look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue cannot be used: {0}")]
pub struct Invalid(pub String);

/// Reads a catalogue, giving it `version`.
///
/// Nothing is guessed: an unknown word, a price that is not exact, a product that could not be sold
/// for every period of its kind make the whole text unusable.
pub fn read(text: &str, version: i64) -> Result<Catalogue, Invalid> {
    let place = Place::new(text);
    let file: raw::File = toml::from_str(text)
        .map_err(|error| place.invalid(&Fault { at: error.span(), says: said(error.message()) }))?;
    check::catalogue(&file, version).map_err(|fault| place.invalid(&fault))
}

/// The reader's words on one line.
fn said(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
