//! Cards that are kept to pay with again. Their numbers are nowhere here: a provider keeps them,
//! and gives a token for each.

use std::fmt;

use crate::ids::{CardId, CustomerId};
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The id.
    pub id: CardId,
    /// Whose it is.
    pub customer: CustomerId,
    /// Who keeps it: the name of a provider.
    pub provider: String,
    /// What the provider knows it by.
    pub token: CardToken,
    /// What is printed on it.
    pub face: CardFace,
    /// When it was saved.
    pub created_at: Time,
    /// Whether the customer has taken it back.
    pub removed: bool,
}

/// What a provider knows a card by. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct CardToken(pub String);

impl fmt::Debug for CardToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardToken(***)")
    }
}

/// What a customer tells a card by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFace {
    /// The brand in lower case, such as `visa`.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The last month in which it can be used, 1 to 12.
    pub month: u8,
    /// And its year.
    pub year: u16,
}

/// A card that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCard {
    /// Who keeps it.
    pub provider: String,
    /// What the provider knows it by.
    pub token: CardToken,
    /// What is printed on it.
    pub face: CardFace,
}

/// So many cards a customer can have; more are not kept.
pub const CARDS_MAX: usize = 20;

impl Card {
    /// Whether its last month is over.
    pub fn is_expired(&self, now: Time) -> bool {
        let last = i64::from(self.face.year) * 12 + i64::from(self.face.month) - 1;
        last < month(now)
    }
}

/// The months from the year 0 to the one that `at` is in, by UTC.
pub(crate) fn month(at: Time) -> i64 {
    // The days of the Gregorian calendar, counted in years that begin with March.
    let days = at.millis() / 86_400_000 + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    (era * 400 + year) * 12 + from_march + 2
}

/// A wish to keep a card, or to keep it as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveCard {
    /// Whose it is.
    pub customer: CustomerId,
    /// Which.
    pub card: NewCard,
}

/// A wish to keep a card no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoveCard {
    /// Whose it is.
    pub customer: CustomerId,
    /// Which.
    pub card: CardId,
}

impl SaveCard {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        means_of(self.customer)
    }

    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<Card, Refusal> {
        world.balance(self.customer)?;
        world.save_card(self.customer, &self.card, now).ok_or(Refusal::NoCard)
    }
}

impl RemoveCard {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        means_of(self.customer)
    }

    /// Removes the card. What was to be paid by it fails when it is due.
    pub(crate) fn apply(&self, world: &mut World) -> Result<Card, Refusal> {
        world.spender(self.customer)?;
        let card = world.cards(self.customer).find(|card| card.id == self.card);
        let mut card = card.ok_or(Refusal::NoCard)?.clone();
        card.removed = true;
        world.put_card(card.clone());
        Ok(card)
    }
}

/// A customer with his cards and his instruction to top up.
pub(crate) fn means_of(customer: CustomerId) -> Needs {
    Needs { customers: [customer].into(), means: [customer].into(), ..Needs::default() }
}

impl World {
    /// Keeps a card; one that looks the same is the same. `None` if there are too many.
    pub(crate) fn save_card(
        &mut self,
        customer: CustomerId,
        new: &NewCard,
        now: Time,
    ) -> Option<Card> {
        let same = |card: &&Card| card.provider == new.provider && card.face == new.face;
        let known = self.cards(customer).find(same).cloned();
        let card = match known {
            Some(card) => Card { token: new.token.clone(), ..card },
            None if self.cards(customer).count() >= CARDS_MAX => return None,
            None => Card {
                id: CardId(self.next_number()),
                customer,
                provider: new.provider.clone(),
                token: new.token.clone(),
                face: new.face.clone(),
                created_at: now,
                removed: false,
            },
        };
        self.put_card(card.clone());
        Some(card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (days, year, of_year) in [
            (0, 1970, 1),
            (30, 1970, 1),
            (31, 1970, 2),
            (789, 1972, 2),
            (790, 1972, 3),
            (10_957, 2000, 1),
            (11_016, 2000, 2),
            (11_017, 2000, 3),
            (20_818, 2026, 12),
            (20_819, 2027, 1),
        ] {
            let at = Time::EPOCH + Span::from_days(days);
            assert_eq!(month(at), year * 12 + of_year - 1, "{days}");
        }
    }

    #[test]
    fn a_card_is_good_until_the_end_of_its_month() {
        let card = Card {
            id: CardId(1),
            customer: CustomerId(1),
            provider: "sandbox-card".into(),
            token: CardToken("secret".into()),
            face: CardFace { brand: "visa".into(), last4: "4242".into(), month: 12, year: 2026 },
            created_at: Time::EPOCH,
            removed: false,
        };
        let new_year = Time::EPOCH + Span::from_days(20_819);
        assert!(!card.is_expired(new_year - Span::from_millis(1)));
        assert!(card.is_expired(new_year));
        assert!(!format!("{card:?}").contains("secret"));
    }
}
