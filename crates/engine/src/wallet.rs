//! What customers do with their money besides spending it: payments on pages, saved cards, and
//! automatic top-up.

use domain::auto_top_up::{AutoTopUp, SetAutoTopUp, TopUpState};
use domain::card::{Card, RemoveCard, SaveCard};
use domain::command::{Command, Outcome, Wish};
use domain::credit::Credit;
use domain::ids::{CardId, CustomerId, PaymentId};
use domain::money::{Currency, Money};
use domain::needs::Needs;
use domain::payment::{AdvancePayment, Payment, Purpose, StartPayment, Step};
use domain::refusal::Refusal;
use domain::time::Time;
use domain::world::World;
use store::records::PaymentFilter;

use crate::batcher::Lane;
use crate::engine::Engine;
use crate::fault::{Fault, told};
use crate::payment::{Behaviour, Page, Providers};

/// A way to pay, as it is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// What it is called in the books.
    pub name: &'static str,
    /// What customers read.
    pub title: &'static str,
    /// What dialects call it that count their means of payment.
    pub number: u32,
}

/// Where a payment is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On this path of our own address.
    Path(String),
    /// There.
    Url(String),
}

/// How automatic top-up stands.
#[derive(Clone, Debug)]
pub struct TopUpShown {
    /// What was set; `None` if nothing ever was.
    pub set: Option<AutoTopUp>,
    /// How it stands.
    pub state: TopUpState,
    /// The card that pays, if it is still there.
    pub card: Option<Card>,
    /// The moment at which this was so, by which the card has expired or not.
    pub now: Time,
}

impl Engine {
    /// Who takes payments here.
    pub fn providers(&self) -> &Providers {
        &self.inner.providers
    }

    /// The ways to pay into a wallet in `currency`.
    pub fn ways_to_pay(&self, currency: Currency) -> Vec<Way> {
        let ways = self.providers().taking(currency);
        ways.map(|it| Way { name: it.name(), title: it.title(), number: it.number() }).collect()
    }

    /// Begins a payment into a wallet, through the provider of this name, and says where it is
    /// made. `None` for the amount is one that could not be read.
    pub async fn top_up(
        &self,
        customer: CustomerId,
        amount: Option<Money>,
        provider: &str,
    ) -> Result<Result<(Payment, Place), Refusal>, Fault> {
        let provider = self.providers().named(provider);
        let takes = |currency| provider.is_some_and(|it| it.takes(currency));
        let currency = self.balance(customer)?.map(Money::currency);
        let (Some(provider), true) = (provider, currency.is_some_and(takes)) else {
            return Ok(Err(Refusal::UnknownMeans));
        };
        let start = StartPayment {
            customer,
            amount,
            provider: provider.name().to_owned(),
            card: None,
            purpose: Purpose::TopUp,
        };
        let payment = match self.pay(Wish::StartPayment(start)).await? {
            Ok(payment) => payment,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let place = match provider.start(&payment).await {
            Ok(Page::Ours) => Place::Path(format!("/pay/{}", self.payment_token(payment.id))),
            Ok(Page::At(url)) => Place::Url(url),
            Err(_) => return Ok(Err(Refusal::ProviderSilent)),
        };
        Ok(Ok((payment, place)))
    }

    /// What the page of a payment is found by.
    pub fn payment_token(&self, payment: PaymentId) -> String {
        self.payment_tokens().make(&self.public_ids().payment(payment), payment.0, 0)
    }

    /// The payment whose page this token opens.
    pub async fn payment_of(&self, token: &str) -> Result<Option<Payment>, Fault> {
        let ids = self.public_ids();
        let read = |id: &str| ids.read_payment(id).map(|id| id.0);
        match self.payment_tokens().read(token, read) {
            Some((id, _)) => self.payment(PaymentId(id)).await,
            None => Ok(None),
        }
    }

    /// Presses a button of a payment's page: pays, or says no. Only where money is played with.
    pub async fn play(
        &self,
        payment: &Payment,
        pays: bool,
    ) -> Result<Result<Payment, Refusal>, Fault> {
        let provider = self.providers().named(&payment.provider);
        let card = provider.and_then(|it| it.play_card(self.now()));
        let (Some(card), true) = (card, payment.card.is_none()) else {
            return Ok(Err(Refusal::UnknownMeans));
        };
        let (customer, payment) = (payment.customer, payment.id);
        self.pay(match pays {
            true => Wish::Credit(Credit { customer, payment, card: Some(card) }),
            false => {
                let step = Step::Refused;
                Wish::AdvancePayment(AdvancePayment { customer, payment, step })
            }
        })
        .await
    }

    /// A payment, whoever's it is.
    pub(crate) async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, Fault> {
        let before = PaymentId(id.0 - 1);
        let look = move |store: &dyn store::Store| {
            store.payments(&PaymentFilter::default(), Some(before), 1)
        };
        let found = self.read_slow(look).await.map_err(|it| told(&it, "looking for a payment"))?;
        Ok(found.into_iter().find(|payment| payment.id == id))
    }

    /// The payments of a customer, by id, from behind `after`; at most `limit`.
    pub async fn payments(
        &self,
        customer: CustomerId,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>, Fault> {
        let filter = PaymentFilter { customer: Some(customer), pending: false };
        let look = move |store: &dyn store::Store| store.payments(&filter, after, limit);
        self.read_slow(look).await.map_err(|it| told(&it, "listing payments"))
    }

    /// The saved cards of a customer, the latest one last.
    pub fn cards(&self, customer: CustomerId) -> Result<Vec<Card>, Fault> {
        let (world, _) = self.means(customer)?;
        Ok(world.cards(customer).cloned().collect())
    }

    /// Forgets a card. What it was to pay fails when it is due.
    pub async fn remove_card(
        &self,
        customer: CustomerId,
        card: CardId,
    ) -> Result<Result<Card, Refusal>, Fault> {
        self.card(Wish::RemoveCard(RemoveCard { customer, card })).await
    }

    /// Gives a customer a card that is only played with, or tells the one he has to do as it is
    /// told from now on. Only in a sandbox.
    pub async fn set_sandbox_card(
        &self,
        customer: CustomerId,
        behaviour: Behaviour,
    ) -> Result<Result<Card, Refusal>, Fault> {
        if !self.is_sandbox() {
            return Ok(Err(Refusal::UnknownMeans));
        }
        let (world, now) = self.means(customer)?;
        let card = behaviour.for_one_of(world.cards(customer), now);
        self.card(Wish::SaveCard(SaveCard { customer, card })).await
    }

    /// How a customer's automatic top-up stands.
    pub fn auto_top_up(&self, customer: CustomerId) -> Result<TopUpShown, Fault> {
        let (world, now) = self.means(customer)?;
        let set = world.auto_top_up(customer).cloned();
        let paying = set.as_ref().and_then(|set| set.card);
        let card = world.cards(customer).find(|card| Some(card.id) == paying).cloned();
        Ok(TopUpShown { set, state: world.top_up_state(customer, now), card, now })
    }

    /// Sets automatic top-up, and says how it stands then.
    pub async fn set_auto_top_up(
        &self,
        wish: SetAutoTopUp,
    ) -> Result<Result<TopUpShown, Refusal>, Fault> {
        let customer = wish.customer;
        let command = Command::plain(Wish::SetAutoTopUp(wish));
        match self.submit(command, Lane::Request).await?.result {
            Ok(_) => self.auto_top_up(customer).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn means(&self, customer: CustomerId) -> Result<(World, Time), Fault> {
        let needs =
            Needs { customers: [customer].into(), means: [customer].into(), ..Needs::default() };
        let now = self.now();
        Ok((self.read(|store| store.load(&needs, now))?, now))
    }

    async fn pay(&self, wish: Wish) -> Result<Result<Payment, Refusal>, Fault> {
        match self.submit(Command::plain(wish), Lane::Request).await?.result {
            Ok(Outcome::Payment(payment)) => Ok(Ok(*payment)),
            Ok(_) => Err(Fault::Broken),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    async fn card(&self, wish: Wish) -> Result<Result<Card, Refusal>, Fault> {
        match self.submit(Command::plain(wish), Lane::Request).await?.result {
            Ok(Outcome::Card(card)) => Ok(Ok(*card)),
            Ok(_) => Err(Fault::Broken),
            Err(refusal) => Ok(Err(refusal)),
        }
    }
}
