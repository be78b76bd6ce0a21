//! What the stores share of payments.

use domain::card::Card;

use crate::encoding::token_place;
use crate::vault::Vault;

/// The token of a card, sealed for its place.
pub(crate) fn seal(vault: &Vault, card: &Card) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce)?;
    Ok(vault.seal(&token_place(card.id), &card.token.0, nonce))
}
