//! Everything that can be wished for, and how a wish is decided.

use std::collections::BTreeSet;

use crate::authorise::{Authorise, ChangeAuthorisation, DeleteAuthorisation};
use crate::auto_extend::SetAutoExtend;
use crate::auto_top_up::{AutoTopUp, SetAutoTopUp, TriggerTopUp, Triggered};
use crate::card::{Card, RemoveCard, SaveCard};
use crate::comment::SetComment;
use crate::credit::Credit;
use crate::deposit::Deposit;
use crate::extend::Extend;
use crate::funded::Funded;
use crate::idempotency::{Answer, Idempotency, KEPT_WITH_KEY, KeySource, Remembered};
use crate::ids::{CustomerId, EntryId, OrderId};
use crate::journal::Event;
use crate::money::Money;
use crate::needs::Needs;
use crate::order::PlaceOrder;
use crate::payment::{AdvancePayment, Payment, StartPayment};
use crate::refusal::Refusal;
use crate::renew::Renew;
use crate::replace::Replace;
use crate::sweep::{Sweep, Swept};
use crate::time::{Span, Time};
use crate::world::World;

/// A wish, with what makes it repeatable and when it is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What is wished for.
    pub wish: Wish,
    /// What makes a repetition known, for those that spend.
    pub idempotency: Option<Idempotency>,
    /// The moment at which it is decided, if not the moment at which its batch is: a sweep of a
    /// sandbox whose clock jumps acts at the instant at which something is due.
    pub at: Option<Time>,
}

/// What can be wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Order addresses.
    Order(Box<PlaceOrder>),
    /// Order addresses with the promo code that is named taken off, or not at all.
    OrderWithPromo(Box<PlaceOrder>),
    /// Extend leases.
    Extend(Extend),
    /// Extend leases with the promo code that is named taken off, or not at all.
    ExtendWithPromo(Extend),
    /// Turn automatic extension on or off.
    SetAutoExtend(SetAutoExtend),
    /// Credit a wallet.
    Deposit(Deposit),
    /// Let somebody use the addresses of an order.
    Authorise(Authorise),
    /// Change who may.
    ChangeAuthorisation(ChangeAuthorisation),
    /// Let him do so no more.
    DeleteAuthorisation(DeleteAuthorisation),
    /// Write something beside leases.
    SetComment(SetComment),
    /// Give leases other addresses.
    Replace(Replace),
    /// Do what is due.
    Sweep(Sweep),
    /// Pay for an order, an extension or a renewal, and have it.
    Funded(Funded),
    /// Extend automatically what a card has paid for. Only with a payment around it.
    Renew(Renew),
    /// Note that a card did not pay for an automatic extension.
    DeclineRenewal(Renew),
    /// Begin a payment.
    StartPayment(StartPayment),
    /// Go on with a payment, or give it up.
    AdvancePayment(AdvancePayment),
    /// Credit a wallet with a payment.
    Credit(Credit),
    /// Keep a card.
    SaveCard(SaveCard),
    /// Keep a card no more.
    RemoveCard(RemoveCard),
    /// Set automatic top-up.
    SetAutoTopUp(SetAutoTopUp),
    /// Begin an automatic top-up if one is due.
    TriggerTopUp(TriggerTopUp),
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was done, or why not.
    pub result: Result<Outcome, Refusal>,
    /// What is in the customer's wallet afterwards; for a repetition of a refusal, what was in it
    /// then. `None` if there is no such customer.
    pub balance: Option<Money>,
    /// Whether this is the answer to an earlier, identical request.
    pub replayed: bool,
    /// The orders of the leases that were extended, each once, in the order of the leases; none
    /// where nothing was, or where it was done before.
    pub orders: Vec<OrderId>,
}

impl Decision {
    /// Nothing was done, for the first time, with this in the customer's wallet.
    pub fn refused(refusal: Refusal, balance: Option<Money>) -> Decision {
        Decision { result: Err(refusal), balance, replayed: false, orders: Vec::new() }
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the journal, or was in force already and changed nothing.
    Done {
        /// The entry; `None` if nothing changed.
        entry: Option<EntryId>,
        /// When.
        at: Time,
        /// What.
        event: Box<Event>,
    },
    /// What was due was done.
    Swept(Swept),
    /// What was due was done, but for these, which cards are to pay for.
    SweptButCards {
        /// What was done.
        swept: Swept,
        /// What is to be paid, and extended then.
        by_card: Vec<Renew>,
    },
    /// How a payment stands now.
    Payment(Box<Payment>),
    /// How a card is kept now.
    Card(Box<Card>),
    /// How automatic top-up is set now.
    AutoTopUp(Box<AutoTopUp>),
    /// There was nothing to do.
    Nothing,
}

impl Command {
    /// A command without a key, decided when its batch is.
    pub fn plain(wish: Wish) -> Command {
        Command { wish, idempotency: None, at: None }
    }

    /// Whose wallet and leases it is about.
    pub fn customer(&self) -> CustomerId {
        self.wish.customer()
    }

    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = self.wish.needs();
        if let Some(idempotency) = &self.idempotency {
            needs.remembered.insert((self.customer(), idempotency.key));
        }
        needs
    }
}

impl Wish {
    /// Whose wallet and leases it is about.
    pub fn customer(&self) -> CustomerId {
        match self {
            Wish::Order(order) | Wish::OrderWithPromo(order) => order.customer,
            Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => extend.customer,
            Wish::SetAutoExtend(set) => set.customer,
            Wish::Deposit(deposit) => deposit.customer,
            Wish::Authorise(authorise) => authorise.customer,
            Wish::ChangeAuthorisation(change) => change.customer,
            Wish::DeleteAuthorisation(delete) => delete.customer,
            Wish::SetComment(set) => set.customer,
            Wish::Replace(replace) => replace.customer,
            Wish::Sweep(sweep) => sweep.customer,
            Wish::Funded(funded) => funded.customer(),
            Wish::Renew(renew) | Wish::DeclineRenewal(renew) => renew.customer,
            Wish::StartPayment(start) => start.customer,
            Wish::AdvancePayment(advance) => advance.customer,
            Wish::Credit(credit) => credit.customer,
            Wish::SaveCard(save) => save.customer,
            Wish::RemoveCard(remove) => remove.customer,
            Wish::SetAutoTopUp(set) => set.customer,
            Wish::TriggerTopUp(trigger) => trigger.customer,
        }
    }

    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        match self {
            Wish::Order(order) | Wish::OrderWithPromo(order) => order.needs(),
            Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => extend.needs(),
            Wish::SetAutoExtend(set) => set.needs(),
            Wish::Deposit(deposit) => deposit.needs(),
            Wish::Authorise(authorise) => authorise.needs(),
            Wish::ChangeAuthorisation(change) => change.needs(),
            Wish::DeleteAuthorisation(delete) => delete.needs(),
            Wish::SetComment(set) => set.needs(),
            Wish::Replace(replace) => replace.needs(),
            Wish::Sweep(sweep) => sweep.needs(),
            Wish::Funded(funded) => funded.needs(),
            Wish::Renew(renew) | Wish::DeclineRenewal(renew) => renew.needs(),
            Wish::StartPayment(start) => start.needs(),
            Wish::AdvancePayment(advance) => advance.needs(),
            Wish::Credit(credit) => credit.needs(),
            Wish::SaveCard(save) => save.needs(),
            Wish::RemoveCard(remove) => remove.needs(),
            Wish::SetAutoTopUp(set) => set.needs(),
            Wish::TriggerTopUp(trigger) => trigger.needs(),
        }
    }
}

impl World {
    /// Decides `command` at `now`, the moment of the batch. What is refused changes nothing.
    pub fn decide(&mut self, command: &Command, now: Time) -> Decision {
        let now = command.at.unwrap_or(now);
        let customer = command.customer();
        if let Some(idempotency) = &command.idempotency
            && let Some(earlier) = self.remembered(customer, idempotency.key, now)
        {
            return self.replay(earlier, idempotency, customer);
        }
        let result = self.decided(&command.wish, now);
        if let Some(idempotency) = &command.idempotency {
            self.remember_decision(customer, idempotency, &result, now);
        }
        let balance = self.wallet(customer).map(|wallet| wallet.balance);
        let orders = match &result {
            Ok(Outcome::Done { event, .. }) => self.orders_extended(event),
            _ => Vec::new(),
        };
        Decision { result, balance, replayed: false, orders }
    }

    fn orders_extended(&self, event: &Event) -> Vec<OrderId> {
        let Event::Extension { leases, .. } = event else { return Vec::new() };
        let mut seen = BTreeSet::new();
        let orders = leases.iter().filter_map(|moved| self.lease(moved.lease)).map(|it| it.order);
        orders.filter(|order| seen.insert(*order)).collect()
    }

    /// Whether `command` would be answered with what was answered before.
    pub fn would_replay(&self, command: &Command, now: Time) -> bool {
        let key = command.idempotency.map(|it| it.key);
        key.is_some_and(|key| self.remembered(command.customer(), key, now).is_some())
    }

    fn decided(&mut self, wish: &Wish, now: Time) -> Result<Outcome, Refusal> {
        let payment = |payment| Outcome::Payment(Box::new(payment));
        let card = |card| Outcome::Card(Box::new(card));
        match wish {
            Wish::Order(order) => order.apply(self, now).map(|entry| self.outcome(entry)),
            Wish::OrderWithPromo(order) => {
                order.apply_with_promo(self, now).map(|entry| self.outcome(entry))
            }
            Wish::Extend(extend) => extend.apply(self, now).map(|entry| self.outcome(entry)),
            Wish::ExtendWithPromo(extend) => {
                extend.apply_with_promo(self, now).map(|entry| self.outcome(entry))
            }
            Wish::Deposit(deposit) => deposit.apply(self, now).map(|entry| self.outcome(entry)),
            Wish::SetAutoExtend(set) => set.apply(self, now).map(|done| changed(done, now)),
            Wish::Authorise(wish) => wish.apply(self, now).map(|done| changed(done, now)),
            Wish::ChangeAuthorisation(wish) => wish.apply(self, now).map(|done| changed(done, now)),
            Wish::DeleteAuthorisation(wish) => wish.apply(self, now).map(|it| self.outcome(it)),
            Wish::SetComment(set) => set.apply(self, now).map(|done| changed(done, now)),
            Wish::Replace(replace) => replace.apply(self, now).map(|entry| self.outcome(entry)),
            Wish::Sweep(sweep) => Ok(sweep.apply(self, now)),
            Wish::Funded(funded) => funded.apply(self, now).map(|entry| self.outcome(entry)),
            // A card has to have paid for it.
            Wish::Renew(_) => Err(Refusal::UnknownPayment),
            Wish::DeclineRenewal(renew) => {
                let failed = renew.fail(self, now);
                Ok(Outcome::Swept(Swept { failed, ..Swept::default() }))
            }
            Wish::StartPayment(start) => start.apply(self, now).map(payment),
            Wish::AdvancePayment(advance) => advance.apply(self, now).map(payment),
            Wish::Credit(credit) => credit.apply(self, now).map(payment),
            Wish::SaveCard(save) => save.apply(self, now).map(card),
            Wish::RemoveCard(remove) => remove.apply(self).map(card),
            Wish::SetAutoTopUp(set) => {
                set.apply(self, now).map(|set| Outcome::AutoTopUp(Box::new(set)))
            }
            Wish::TriggerTopUp(trigger) => Ok(match trigger.apply(self, now) {
                Triggered::Payment(started) => payment(started),
                Triggered::Nothing => Outcome::Nothing,
            }),
        }
    }

    fn outcome(&mut self, entry: EntryId) -> Outcome {
        let written = self.entry_mut(entry).expect("it was just written");
        Outcome::Done { entry: Some(entry), at: written.at, event: Box::new(written.event.clone()) }
    }

    fn replay(&self, earlier: &Remembered, asked: &Idempotency, customer: CustomerId) -> Decision {
        let balance = self.wallet(customer).map(|wallet| wallet.balance);
        if earlier.fingerprint != asked.fingerprint {
            return Decision::refused(Refusal::KeyReused, balance);
        }
        match &earlier.answer {
            Answer::Done { entry, at, event } => Decision {
                result: Ok(Outcome::Done { entry: Some(*entry), at: *at, event: event.clone() }),
                balance,
                replayed: true,
                orders: Vec::new(),
            },
            Answer::Refused { refusal, balance } => {
                Decision { replayed: true, ..Decision::refused(refusal.clone(), Some(*balance)) }
            }
        }
    }

    fn remember_decision(
        &mut self,
        customer: CustomerId,
        idempotency: &Idempotency,
        result: &Result<Outcome, Refusal>,
        now: Time,
    ) {
        let kept = match idempotency.source {
            KeySource::Header => KEPT_WITH_KEY,
            KeySource::Request(kept) => kept,
        };
        let answer = match result {
            Ok(Outcome::Done { entry: Some(entry), at, event }) => {
                if idempotency.source != KeySource::Header
                    && let Some(written) = self.entry_mut(*entry)
                {
                    written.fingerprint = Some(idempotency.fingerprint);
                }
                Answer::Done { entry: *entry, at: *at, event: event.clone() }
            }
            Err(refusal) if refusal.is_remembered() && idempotency.source == KeySource::Header => {
                let Some(wallet) = self.wallet(customer) else { return };
                Answer::Refused { refusal: refusal.clone(), balance: wallet.balance }
            }
            _ => return,
        };
        if kept > Span::ZERO {
            self.remember(Remembered {
                customer,
                key: idempotency.key,
                fingerprint: idempotency.fingerprint,
                answer,
                until: now + kept,
            });
        }
    }
}

/// What was asked for, and where it is written if that changed anything.
fn changed((entry, event): (Option<EntryId>, Event), at: Time) -> Outcome {
    Outcome::Done { entry, at, event: Box::new(event) }
}
