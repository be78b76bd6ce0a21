//! A card that is only played with: it pays, or fails, as it was told.

use domain::card::{Card, CardFace, CardToken, NewCard};
use domain::money::Currency;
use domain::payment::{Decline, Payment};
use domain::time::Time;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Page, PaymentProvider, Reply, Unreachable};

/// Payments by a card that is only played with. Only in sandboxes.
#[derive(Clone, Copy, Debug)]
pub struct SandboxCard;

/// What a card does that is only played with. It is what its token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It pays.
    Pays,
    /// It fails.
    Fails(Decline),
}

impl Behaviour {
    /// The card that does so, good for four years from `now` on.
    pub fn card(self, now: Time) -> NewCard {
        let moment = Timestamp::from_millisecond(now.millis()).unwrap_or_default();
        let date = moment.to_zoned(TimeZone::UTC).date();
        let year = u16::try_from(date.year()).unwrap_or_default() + 4;
        let face = CardFace { brand: "visa".to_owned(), last4: "4242".to_owned(), month: 12, year };
        let token = match self {
            Behaviour::Pays => "pays",
            Behaviour::Fails(why) => why.name(),
        };
        NewCard { provider: SandboxCard.name().to_owned(), token: CardToken(token.into()), face }
    }

    /// A card that does so for somebody who has these: the one he can play with, if there is one.
    pub fn for_one_of<'c>(self, cards: impl Iterator<Item = &'c Card>, now: Time) -> NewCard {
        let wanted = self.card(now);
        let known = cards.filter(|card| card.provider == wanted.provider).last();
        match known {
            Some(known) => NewCard { face: known.face.clone(), ..wanted },
            None => wanted,
        }
    }
}

impl PaymentProvider for SandboxCard {
    fn name(&self) -> &'static str {
        "sandbox-card"
    }

    fn title(&self) -> &'static str {
        "Visa / MasterCard"
    }

    fn number(&self) -> u32 {
        37
    }

    fn takes(&self, _: Currency) -> bool {
        true
    }

    fn start<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<Page, Unreachable>> {
        Box::pin(async { Ok(Page::Ours) })
    }

    fn authorise<'a>(&'a self, card: &'a Card, _: &'a Payment) -> Reply<'a, Result<(), Decline>> {
        Box::pin(async {
            match Decline::from_name(&card.token.0) {
                Some(why) => Err(why),
                None => Ok(()),
            }
        })
    }

    fn capture<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(async { Ok(()) })
    }

    fn void<'a>(&'a self, _: &'a Payment) -> Reply<'a, Result<(), Unreachable>> {
        Box::pin(async { Ok(()) })
    }

    fn play_card(&self, now: Time) -> Option<NewCard> {
        Some(Behaviour::Pays.card(now))
    }
}
