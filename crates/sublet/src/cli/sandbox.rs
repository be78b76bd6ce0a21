//! `sublet sandbox`: what happens only where nothing is real.

use clap::{Args, Subcommand, ValueEnum};
use domain::card::SaveCard;
use domain::command::{Command, Outcome, Wish};
use domain::ids::CustomerId;
use domain::needs::Needs;
use domain::payment::Decline;
use domain::public_id::PublicIds;
use engine::payment::Behaviour;

use crate::problem::Problem;
use crate::reading;
use crate::shop::Shop;

#[derive(Debug, Subcommand)]
pub(super) enum Sandbox {
    /// Give a customer a card that is only played with, or tell his card what to do
    Card(Card),
}

#[derive(Debug, Args)]
#[command(after_help = "Example: sublet sandbox card --customer 1 --fail declined")]
pub(super) struct Card {
    /// Whose card
    #[arg(long, value_name = "ID", value_parser = reading::customer)]
    customer: CustomerId,
    /// How it fails from now on [default: it pays]
    #[arg(long, value_name = "HOW")]
    fail: Option<Failure>,
}

/// How a card fails. The values say it all, so that the help needs no paragraph for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Failure {
    Declined,
    Expired,
    Timeout,
}

impl Sandbox {
    pub(super) fn run(self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let Sandbox::Card(card) = self;
        card.run(shop)
    }
}

impl Card {
    fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let installation = shop.store.installation()?;
        if !installation.sandbox {
            return Err(Problem::failed("only a sandbox has cards that are played with"));
        }
        shop.customer(self.customer)?;
        let behaviour = match self.fail {
            None => Behaviour::Pays,
            Some(Failure::Declined) => Behaviour::Fails(Decline::Declined),
            Some(Failure::Expired) => Behaviour::Fails(Decline::Expired),
            Some(Failure::Timeout) => Behaviour::Fails(Decline::Silent),
        };
        let needs = Needs { means: [self.customer].into(), ..Needs::default() };
        let world = shop.store.load(&needs, shop.now)?;
        let card = behaviour.for_one_of(world.cards(self.customer), shop.now);
        let wish = Wish::SaveCard(SaveCard { customer: self.customer, card });
        let decided = shop.store.transact(&[Command::plain(wish)], shop.now)?.into_iter().next();
        let card = match decided.map(|decision| decision.result) {
            Some(Ok(Outcome::Card(card))) => card,
            Some(Err(refusal)) => {
                return Err(Problem::failed(format!("the card was refused: {refusal}")));
            }
            _ => return Err(Problem::failed("the card was not decided")),
        };
        let id = PublicIds::new(installation.id_key).card(card.id);
        let does = match behaviour {
            Behaviour::Pays => "pays",
            Behaviour::Fails(why) => why.name(),
        };
        let shown = serde_json::json!({
            "card_id": id, "customer_id": self.customer.0, "last4": card.face.last4, "does": does,
        });
        let people =
            [("card", id), ("customer", self.customer.0.to_string()), ("does", does.to_owned())];
        shop.console.result(&shown, &people)
    }
}
