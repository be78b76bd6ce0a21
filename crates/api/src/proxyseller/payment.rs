//! With what is paid.

use domain::ids::CardId;
use domain::refusal::Refusal;
use wire::lenient::Field;

use super::stop::Stop;
use super::{Asked, Version, choices, read};
use crate::spend::Means;

/// What was said about the payment.
pub(super) struct Said<'f> {
    /// By an id.
    pub(super) id: &'f Field<String>,
    /// By a code, which wins.
    pub(super) code: &'f Field<String>,
    /// Which card, if it is by card.
    pub(super) card: &'f Field<String>,
}

impl Said<'_> {
    /// With what is paid. Nothing said is the balance, unless it is `required`.
    pub(super) fn means(&self, asked: &Asked<'_>, required: bool) -> Result<Means, Stop> {
        let unknown = || Stop::refused(asked, &Refusal::UnknownMeans);
        let name = match read::either(self.code, self.id) {
            Field::Absent if required => {
                return Err(Stop::said("Set [paymentId]", "unknown-means"));
            }
            Field::Absent => return Ok(Means::Wallet),
            Field::Bad => return Err(unknown()),
            Field::Given(name) => name.to_ascii_lowercase(),
        };
        // Some clients of v1 send 0 where nothing was set.
        let nothing = asked.version == Version::V1 && name == "0";
        if nothing || choices::BALANCE.contains(&name.as_str()) {
            return Ok(Means::Wallet);
        }
        if choices::CARD.contains(&name.as_str()) {
            return self.card(asked).map(Means::Card);
        }
        Err(unknown())
    }

    /// The card that is named, or the one there is. v2 wants to hear which, if there are several.
    fn card(&self, asked: &Asked<'_>) -> Result<CardId, Stop> {
        let no_card = || Stop::refused(asked, &Refusal::NoCard);
        match self.card {
            Field::Given(name) => {
                let card = asked.app.engine.public_ids().read_card(name);
                return card.ok_or_else(no_card);
            }
            Field::Bad => return Err(no_card()),
            Field::Absent => {}
        }
        let cards = asked.app.engine.cards(asked.customer())?;
        if cards.len() > 1 && asked.version == Version::V2 {
            return Err(Stop::said("Set [subscriptionId]", "no-card"));
        }
        cards.last().map(|card| card.id).ok_or_else(no_card)
    }
}

/// What this dialect calls a means of payment.
pub(super) fn name(means: Means) -> String {
    match means {
        Means::Wallet => "balance",
        Means::Card(_) => "paddle_subscription",
    }
    .to_owned()
}
