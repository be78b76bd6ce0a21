//! Purchases, renewals and top-ups that saved cards pay for.
//!
//! The order of steps is what makes a crash between any two of them harmless: the payment is
//! durable before the provider hears of it; money that was set aside is taken into the books
//! together with what it buys, in one transaction; only then it is collected. Whatever is found
//! half way is settled and then collected, or not settled and then let go of
//! ([`Engine::recover_payments`]).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::auto_top_up::TriggerTopUp;
use domain::card::Card;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::credit::Credit;
use domain::funded::Funded;
use domain::ids::{CardId, CustomerId, LeaseId};
use domain::money::Money;
use domain::needs::Needs;
use domain::payment::{
    AdvancePayment, Decline, Payment, PaymentState, Purpose, StartPayment, Step,
};
use domain::refusal::Refusal;
use domain::renew::Renew;
use domain::sweep::Swept;
use domain::time::{Span, Time};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::batcher::Lane;
use crate::engine::Engine;
use crate::fault::{Fault, told};

/// How long a provider may take to set money aside. Shorter than anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// A payment that has not changed for so long is in nobody's hands any more.
pub const RECOVERED_AFTER: Span = Span::from_millis_const(60_000);

/// So many payments are recovered in one round.
const ROUND: u32 = 500;

/// So many wallets are topped up in one round.
const TOP_UPS: u32 = 100;

/// So many renewals by card are under way at once.
const AT_ONCE: usize = 16;

/// After a renewal by card broke, it is left alone for so long.
const HOLD: Duration = Duration::from_secs(60);

/// The renewals by card that are under way on this server.
pub(crate) struct Renewals {
    /// Their leases, and until when they are left alone if something broke.
    held: Mutex<HashMap<LeaseId, Option<Instant>>>,
    places: Semaphore,
}

impl Default for Renewals {
    fn default() -> Renewals {
        Renewals { held: Mutex::default(), places: Semaphore::new(AT_ONCE) }
    }
}

impl Renewals {
    /// Whether a sweep is to leave this lease alone.
    pub(crate) fn holds(&self, lease: LeaseId) -> bool {
        let mut held = self.lock();
        let over = matches!(held.get(&lease), Some(Some(until)) if *until <= Instant::now());
        if over {
            held.remove(&lease);
        }
        held.contains_key(&lease)
    }

    /// How many leases are left alone.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.lock().len()).unwrap_or(u32::MAX)
    }

    fn hold(&self, leases: &[LeaseId]) {
        self.lock().extend(leases.iter().map(|lease| (*lease, None)));
    }

    fn let_go(&self, leases: &[LeaseId], broken: bool) {
        let mut held = self.lock();
        for lease in leases {
            match broken {
                true => held.insert(*lease, Some(Instant::now() + HOLD)),
                false => held.remove(lease),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LeaseId, Option<Instant>>> {
        // Each change is one call: a panic leaves nothing half changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a card is asked to pay.
struct Charge {
    customer: CustomerId,
    card: CardId,
    amount: Money,
    purpose: Purpose,
    /// When, in a sandbox whose clock jumps.
    at: Option<Time>,
}

impl Engine {
    /// Has an order or extension decided that a saved card pays for: both or neither.
    ///
    /// What was decided before under the same key is answered again, and no card is asked. `None`
    /// is the card that was saved last.
    pub async fn buy_by_card(
        &self,
        command: Command,
        card: Option<CardId>,
    ) -> Result<Decision, Fault> {
        let customer = command.customer();
        let mut needs = command.needs();
        needs.means.insert(customer);
        let now = self.now();
        let look = move |store: &dyn store::Store| store.load(&needs, now);
        let world = self.read_slow(look).await.map_err(|it| told(&it, "pricing a purchase"))?;
        if world.would_replay(&command, now) {
            return self.submit(command, Lane::Request).await;
        }
        let balance = world.wallet(customer).map(|wallet| wallet.balance);
        let refused = |refusal| Decision::refused(refusal, balance);
        let purpose = match Purpose::of(&command.wish) {
            Some(purpose @ (Purpose::Order | Purpose::Extension)) => purpose,
            _ => return Ok(refused(Refusal::UnknownMeans)),
        };
        let quote = match command.wish.quote(&world, now) {
            Ok(quote) => quote,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let latest = || world.cards(customer).last().map(|card| card.id);
        let usable = card.or_else(latest).ok_or(Refusal::NoCard);
        let usable = usable.and_then(|id| world.usable_card(customer, id, now));
        let card = match usable {
            Ok(card) => card.id,
            Err(refusal) => return Ok(refused(refusal)),
        };
        if quote.total.minor() == 0 {
            return self.submit(command, Lane::Request).await;
        }
        let charge = Charge { customer, card, amount: quote.total, purpose, at: None };
        let payment = match self.charge(charge).await? {
            Ok(payment) => payment,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let Command { wish, idempotency, at } = command;
        let wish = Wish::Funded(Funded { payment: payment.id, wish: Box::new(wish) });
        let decided = self.submit(Command { wish, idempotency, at }, Lane::Request).await?;
        self.conclude_later(payment);
        Ok(decided)
    }

    /// Has a card set money aside; the payment is then authorised.
    async fn charge(&self, charge: Charge) -> Result<Result<Payment, Refusal>, Fault> {
        let Charge { customer, card, amount, purpose, at } = charge;
        let start = StartPayment {
            customer,
            amount: Some(amount),
            provider: String::new(),
            card: Some(card),
            purpose,
        };
        match self.paying(Wish::StartPayment(start), at).await? {
            Ok(payment) => self.authorise(payment, at).await,
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Has the card of a payment that was begun set its money aside. What nobody knows of is given
    /// up at once, and the provider told so.
    async fn authorise(
        &self,
        payment: Payment,
        at: Option<Time>,
    ) -> Result<Result<Payment, Refusal>, Fault> {
        let provider = self.providers().named(&payment.provider).cloned();
        let card = self.card_of(&payment).await?;
        let answer = match (provider, card) {
            (Some(provider), Some(card)) => timeout(PATIENCE, provider.authorise(&card, &payment))
                .await
                .unwrap_or(Err(Decline::Silent)),
            _ => Err(Decline::Gone),
        };
        let step = match answer {
            Ok(()) => Step::Authorised,
            Err(why) => Step::Declined(why),
        };
        let advanced = self.paying(advance(&payment, step), at).await?;
        match (answer, advanced) {
            (_, Err(refusal)) => Ok(Err(refusal)),
            (Ok(()), Ok(payment)) => Ok(Ok(payment)),
            (Err(why), Ok(payment)) => {
                if payment.state == PaymentState::Void {
                    self.conclude_later(payment);
                }
                Ok(Err(why.refusal()))
            }
        }
    }

    /// The card of a payment; `None` if it was removed.
    async fn card_of(&self, payment: &Payment) -> Result<Option<Card>, Fault> {
        let (customer, wanted) = (payment.customer, payment.card);
        let needs = Needs { means: [customer].into(), ..Needs::default() };
        let now = self.now();
        let look = move |store: &dyn store::Store| store.load(&needs, now);
        let world = self.read_slow(look).await.map_err(|it| told(&it, "looking for a card"))?;
        Ok(world.cards(customer).find(|card| Some(card.id) == wanted).cloned())
    }

    /// Has a wish decided that is answered with a payment.
    async fn paying(
        &self,
        wish: Wish,
        at: Option<Time>,
    ) -> Result<Result<Payment, Refusal>, Fault> {
        let command = Command { wish, idempotency: None, at };
        match self.submit(command, Lane::Request).await?.result {
            Ok(Outcome::Payment(payment)) => Ok(Ok(*payment)),
            Ok(_) => Err(Fault::Broken),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Tells the provider what has become of a payment, on a task of its own: nobody waits for it,
    /// and if it does not come to its end, [`Engine::recover_payments`] does it again.
    fn conclude_later(&self, payment: Payment) {
        let engine = self.clone();
        tokio::spawn(async move {
            if let Err(fault) = engine.conclude(&payment, None).await {
                tracing::warn!(
                    payment.id = payment.id.0,
                    "Could not conclude payment {}: {fault}; trying again later",
                    payment.id.0
                );
            }
        });
    }

    /// Brings a payment to its end: what was settled is collected, everything else let go of. Says
    /// whether it is there.
    async fn conclude(&self, payment: &Payment, at: Option<Time>) -> Result<bool, Fault> {
        let id = payment.id.0;
        // Settled or given up by then, under the lock of the wallet; which one, the books say.
        let voided = self.paying(advance(payment, Step::Void), at).await?;
        let payment = match voided {
            Ok(payment) => payment,
            Err(_) => match self.payment(payment.id).await? {
                Some(payment) => payment,
                None => return Ok(true),
            },
        };
        if payment.finished {
            return Ok(true);
        }
        let Some(provider) = self.providers().named(&payment.provider).cloned() else {
            let name = &payment.provider;
            tracing::warn!(payment.id = id, "Payment {id} is of {name}, which is not there");
            return Ok(false);
        };
        let told = match payment.state {
            PaymentState::Settled => timeout(PATIENCE, provider.capture(&payment)).await,
            _ => timeout(PATIENCE, provider.void(&payment)).await,
        };
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(payment.id = id, "The provider of payment {id} does not answer");
            return Ok(false);
        }
        self.paying(advance(&payment, Step::Finished), at).await?.map_err(|_| Fault::Broken)?;
        Ok(true)
    }

    /// Finishes payments that nobody has in hand any more, such as after a crash. Says how many.
    pub async fn recover_payments(&self) -> Result<u32, Fault> {
        let now = self.now();
        let Some(millis) = now.millis().checked_sub(RECOVERED_AFTER.millis()) else { return Ok(0) };
        let until = Time::from_millis(millis);
        let look = move |store: &dyn store::Store| store.unfinished_payments(until, ROUND);
        let open = self.read_slow(look).await;
        let mut recovered = 0;
        for payment in open.map_err(|it| told(&it, "looking for unfinished payments"))? {
            recovered += u32::from(self.conclude(&payment, None).await?);
        }
        Ok(recovered)
    }

    /// Tops up the wallets that have run low. Says how many were looked at.
    pub async fn top_up_low_wallets(&self) -> Result<usize, Fault> {
        let until = self.now();
        let look = move |store: &dyn store::Store| store.top_ups_due(until, TOP_UPS);
        let due = self.read_slow(look).await;
        let due = due.map_err(|it| told(&it, "looking for low wallets"))?;
        let mut tasks = tokio::task::JoinSet::new();
        for (_, customer) in &due {
            let (engine, customer) = (self.clone(), *customer);
            tasks.spawn(async move { engine.top_up_low(customer, None).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|_| Fault::Broken)??;
        }
        Ok(due.len())
    }

    /// Tops a wallet up if it has run low.
    pub(crate) async fn top_up_low(
        &self,
        customer: CustomerId,
        at: Option<Time>,
    ) -> Result<(), Fault> {
        let caps = self.providers().caps;
        let wish = Wish::TriggerTopUp(TriggerTopUp { customer, caps });
        let command = Command { wish, idempotency: None, at };
        let begun = match self.submit(command, Lane::Request).await?.result {
            Ok(Outcome::Payment(payment)) => *payment,
            _ => return Ok(()),
        };
        let Ok(payment) = self.authorise(begun, at).await? else { return Ok(()) };
        let credit = Credit { customer, payment: payment.id, card: None };
        // A refusal leaves it to be let go of.
        let _ = self.paying(Wish::Credit(credit), at).await?;
        self.conclude(&payment, at).await?;
        Ok(())
    }

    /// Renews by card what a sweep has left to it, on tasks of their own.
    pub(crate) fn renew_later(&self, by_card: Vec<Renew>) {
        for renew in by_card {
            let leases = renew.leases.clone();
            self.renewals().hold(&leases);
            let engine = self.clone();
            tokio::spawn(async move {
                let done = match engine.renewals().places.acquire().await {
                    Ok(_place) => engine.renew_by_card(renew, None).await,
                    Err(_) => Err(Fault::Closing),
                };
                if let Err(fault) = &done {
                    tracing::warn!("Could not renew by card: {fault}; trying again later");
                }
                engine.renewals().let_go(&leases, done.is_err());
            });
        }
    }

    /// Renews by card what a sweep has left to it.
    pub(crate) async fn renew_by_card(
        &self,
        renew: Renew,
        at: Option<Time>,
    ) -> Result<Swept, Fault> {
        let now = at.unwrap_or_else(|| self.now());
        let needs = renew.needs();
        let look = move |store: &dyn store::Store| store.load(&needs, now);
        let world = self.read_slow(look).await.map_err(|it| told(&it, "pricing a renewal"))?;
        let quote = match renew.quote(&world, now) {
            Ok(quote) => quote,
            // Somebody else has done it.
            Err(Refusal::UnknownLease) => return Ok(Swept::default()),
            Err(_) => return self.decline_renewal(renew, at).await,
        };
        drop(world);
        let Renew { customer, card, .. } = renew;
        let (amount, purpose) = (quote.total, Purpose::Renewal);
        let Ok(payment) = self.charge(Charge { customer, card, amount, purpose, at }).await? else {
            return self.decline_renewal(renew, at).await;
        };
        let wish = Box::new(Wish::Renew(renew.clone()));
        let wish = Wish::Funded(Funded { payment: payment.id, wish });
        let command = Command { wish, idempotency: None, at };
        let decided = self.submit(command, Lane::Sweep).await?;
        self.conclude(&payment, at).await?;
        match decided.result {
            Ok(_) => {
                let renewed = u32::try_from(renew.leases.len()).unwrap_or(u32::MAX);
                Ok(Swept { renewed, ..Swept::default() })
            }
            // It is found again if it is still due.
            Err(Refusal::UnknownLease | Refusal::PriceChanged | Refusal::PaymentClosed) => {
                Ok(Swept::default())
            }
            Err(_) => self.decline_renewal(renew, at).await,
        }
    }

    async fn decline_renewal(&self, renew: Renew, at: Option<Time>) -> Result<Swept, Fault> {
        let command = Command { wish: Wish::DeclineRenewal(renew), idempotency: None, at };
        match self.submit(command, Lane::Sweep).await?.result {
            Ok(Outcome::Swept(swept)) => Ok(swept),
            _ => Ok(Swept::default()),
        }
    }
}

fn advance(payment: &Payment, step: Step) -> Wish {
    let (customer, payment) = (payment.customer, payment.id);
    Wish::AdvancePayment(AdvancePayment { customer, payment, step })
}
