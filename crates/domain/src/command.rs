//! Everything that can be wished for, and how a wish is decided.

use crate::auto_extend::SetAutoExtend;
use crate::deposit::Deposit;
use crate::extend::Extend;
use crate::idempotency::{Answer, Idempotency, KEPT_WITH_KEY, KeySource, Remembered};
use crate::ids::{CustomerId, EntryId};
use crate::journal::Event;
use crate::money::Money;
use crate::needs::Needs;
use crate::order::PlaceOrder;
use crate::refusal::Refusal;
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
    /// Do what is due.
    Sweep(Sweep),
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
}

impl Command {
    /// A command without a key, decided when its batch is.
    pub fn plain(wish: Wish) -> Command {
        Command { wish, idempotency: None, at: None }
    }

    /// Whose wallet and leases it is about.
    pub fn customer(&self) -> CustomerId {
        match &self.wish {
            Wish::Order(order) | Wish::OrderWithPromo(order) => order.customer,
            Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => extend.customer,
            Wish::SetAutoExtend(set) => set.customer,
            Wish::Deposit(deposit) => deposit.customer,
            Wish::Sweep(sweep) => sweep.customer,
        }
    }

    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = match &self.wish {
            Wish::Order(order) | Wish::OrderWithPromo(order) => order.needs(),
            Wish::Extend(extend) | Wish::ExtendWithPromo(extend) => extend.needs(),
            Wish::SetAutoExtend(set) => set.needs(),
            Wish::Deposit(deposit) => deposit.needs(),
            Wish::Sweep(sweep) => sweep.needs(),
        };
        if let Some(idempotency) = &self.idempotency {
            needs.remembered.insert((self.customer(), idempotency.key));
        }
        needs
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
        let result =
            match &command.wish {
                Wish::Order(order) => order.apply(self, now).map(|entry| self.outcome(entry)),
                Wish::OrderWithPromo(order) => {
                    order.apply_with_promo(self, now).map(|entry| self.outcome(entry))
                }
                Wish::Extend(extend) => extend.apply(self, now).map(|entry| self.outcome(entry)),
                Wish::ExtendWithPromo(extend) => {
                    extend.apply_with_promo(self, now).map(|entry| self.outcome(entry))
                }
                Wish::Deposit(deposit) => deposit.apply(self, now).map(|entry| self.outcome(entry)),
                Wish::SetAutoExtend(set) => set
                    .apply(self, now)
                    .map(|(entry, event)| Outcome::Done { entry, at: now, event: Box::new(event) }),
                Wish::Sweep(sweep) => Ok(Outcome::Swept(sweep.apply(self, now))),
            };
        if let Some(idempotency) = &command.idempotency {
            self.remember_decision(customer, idempotency, &result, now);
        }
        let balance = self.wallet(customer).map(|wallet| wallet.balance);
        Decision { result, balance, replayed: false }
    }

    fn outcome(&mut self, entry: EntryId) -> Outcome {
        let written = self.entry_mut(entry).expect("it was just written");
        Outcome::Done { entry: Some(entry), at: written.at, event: Box::new(written.event.clone()) }
    }

    fn replay(&self, earlier: &Remembered, asked: &Idempotency, customer: CustomerId) -> Decision {
        let balance = self.wallet(customer).map(|wallet| wallet.balance);
        if earlier.fingerprint != asked.fingerprint {
            return Decision { result: Err(Refusal::KeyReused), balance, replayed: false };
        }
        match &earlier.answer {
            Answer::Done { entry, at, event } => Decision {
                result: Ok(Outcome::Done { entry: Some(*entry), at: *at, event: event.clone() }),
                balance,
                replayed: true,
            },
            Answer::Refused { refusal, balance } => {
                Decision { result: Err(refusal.clone()), balance: Some(*balance), replayed: true }
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
