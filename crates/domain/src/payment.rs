//! Money that is to come in from outside: what was asked for, and what became of it.
//!
//! A payment changes under the lock of its customer's wallet alone. Its amount reaches the wallet in
//! the transaction that settles it, so it can be there once or not at all, whoever says how often
//! that it was paid.

use crate::ids::{CardId, CustomerId, EntryId, PaymentId};
use crate::money::Money;
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The id.
    pub id: PaymentId,
    /// Who pays.
    pub customer: CustomerId,
    /// How much, in the currency of his wallet.
    pub amount: Money,
    /// Who takes it: the name of a provider.
    pub provider: String,
    /// The saved card that pays; `None` if it is paid on a page.
    pub card: Option<CardId>,
    /// What for.
    pub purpose: Purpose,
    /// How far it has come.
    pub state: PaymentState,
    /// Why it was refused, if a card was.
    pub declined: Option<Decline>,
    /// Whether the provider has been told everything: to collect what was settled, to let go of
    /// what was given up.
    pub finished: bool,
    /// Where its credit is written, once it is settled.
    pub entry: Option<EntryId>,
    /// When it was asked for.
    pub created_at: Time,
    /// When its state last changed.
    pub changed_at: Time,
}

/// What a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To have more in the wallet.
    TopUp,
    /// The same, by a standing instruction.
    AutoTopUp,
    /// One order, and nothing else.
    Order,
    /// One extension, and nothing else.
    Extension,
    /// One automatic extension, and nothing else.
    Renewal,
}

/// How far a payment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// It was asked for.
    Pending,
    /// The money is set aside and can be collected.
    Authorised,
    /// It has reached the wallet.
    Settled,
    /// The customer, his bank or the operator has said no.
    Refused,
    /// It was given up; what was set aside is let go of.
    Void,
}

/// Why a card did not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    /// Its bank has said no.
    Declined,
    /// It is past its date.
    Expired,
    /// The provider has not answered, so nobody knows; it is told to let go.
    Silent,
    /// The card is not there any more.
    Gone,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 5] =
        [Purpose::TopUp, Purpose::AutoTopUp, Purpose::Order, Purpose::Extension, Purpose::Renewal];

    /// `top_up`, `auto_top_up`, `order`, `extension` or `renewal`.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::TopUp => "top_up",
            Purpose::AutoTopUp => "auto_top_up",
            Purpose::Order => "order",
            Purpose::Extension => "extension",
            Purpose::Renewal => "renewal",
        }
    }

    /// The purpose with this name.
    pub fn from_name(name: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether it is for the wallet, rather than for one purchase.
    pub fn tops_up(self) -> bool {
        matches!(self, Purpose::TopUp | Purpose::AutoTopUp)
    }
}

impl PaymentState {
    /// All of them, in their order.
    pub const ALL: [PaymentState; 5] = [
        PaymentState::Pending,
        PaymentState::Authorised,
        PaymentState::Settled,
        PaymentState::Refused,
        PaymentState::Void,
    ];

    /// `pending`, `authorised`, `settled`, `refused` or `void`.
    pub fn name(self) -> &'static str {
        match self {
            PaymentState::Pending => "pending",
            PaymentState::Authorised => "authorised",
            PaymentState::Settled => "settled",
            PaymentState::Refused => "refused",
            PaymentState::Void => "void",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<PaymentState> {
        PaymentState::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Whether it may still come to any end.
    pub fn is_open(self) -> bool {
        matches!(self, PaymentState::Pending | PaymentState::Authorised)
    }
}

impl Decline {
    /// All of them.
    pub const ALL: [Decline; 4] =
        [Decline::Declined, Decline::Expired, Decline::Silent, Decline::Gone];

    /// `declined`, `expired`, `timeout` or `gone`.
    pub fn name(self) -> &'static str {
        match self {
            Decline::Declined => "declined",
            Decline::Expired => "expired",
            Decline::Silent => "timeout",
            Decline::Gone => "gone",
        }
    }

    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Decline> {
        Decline::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What a customer is told whose purchase it stops.
    pub fn refusal(self) -> Refusal {
        match self {
            Decline::Declined => Refusal::CardDeclined,
            Decline::Expired => Refusal::CardExpired,
            Decline::Silent => Refusal::ProviderSilent,
            Decline::Gone => Refusal::NoCard,
        }
    }
}

/// A wish to pay. Moves nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPayment {
    /// Who pays.
    pub customer: CustomerId,
    /// How much; `None` if it could not be read. A top-up is at least one major unit.
    pub amount: Option<Money>,
    /// Who takes it, on a page; ignored where a card pays.
    pub provider: String,
    /// The saved card that pays, if one does.
    pub card: Option<CardId>,
    /// What for.
    pub purpose: Purpose,
}

impl StartPayment {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        let mut needs = Needs { customers: [self.customer].into(), ..Needs::default() };
        if self.card.is_some() {
            needs.means.insert(self.customer);
        }
        needs
    }

    /// Notes the payment.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<Payment, Refusal> {
        world.spender(self.customer)?;
        let balance = world.balance(self.customer)?;
        let least = if self.purpose.tops_up() { major(1, balance).minor() } else { 1 };
        let fits = |amount: &Money| {
            amount.currency() == balance.currency()
                && (least..=Money::MINOR_MAX).contains(&amount.minor())
        };
        let amount = self.amount.filter(fits).ok_or(Refusal::BadAmount)?;
        let provider = match self.card {
            Some(card) => world.usable_card(self.customer, card, now)?.provider.clone(),
            None => self.provider.clone(),
        };
        let payment = Payment {
            id: PaymentId(world.next_number()),
            customer: self.customer,
            amount,
            provider,
            card: self.card,
            purpose: self.purpose,
            state: PaymentState::Pending,
            declined: None,
            finished: false,
            entry: None,
            created_at: now,
            changed_at: now,
        };
        world.put_payment(payment.clone());
        Ok(payment)
    }
}

/// So many whole units of the currency of `like`.
pub(crate) fn major(units: i64, like: Money) -> Money {
    let decimals = u32::from(like.currency().decimals());
    Money::from_minor(units * 10_i64.pow(decimals), like.currency())
}

/// A payment goes on, without its money reaching the wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvancePayment {
    /// Whose it is.
    pub customer: CustomerId,
    /// Which.
    pub payment: PaymentId,
    /// What has happened.
    pub step: Step,
}

/// What has happened to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The money was set aside.
    Authorised,
    /// The card did not pay.
    Declined(Decline),
    /// The customer or the operator has said no.
    Refused,
    /// It is given up, and can be settled no more.
    Void,
    /// The provider has been told that it was settled or given up.
    Finished,
}

impl AdvancePayment {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            payments: [self.payment].into(),
            means: [self.customer].into(),
            ..Needs::default()
        }
    }

    /// Goes on with the payment. A step that was taken before is taken for done.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<Payment, Refusal> {
        let before = world.payment(self.customer, self.payment)?;
        let mut payment = before.clone();
        let open = payment.state.is_open();
        match self.step {
            Step::Authorised if open => payment.state = PaymentState::Authorised,
            Step::Declined(Decline::Silent) if open => {
                // What the provider has done is not known: it must be told to let go.
                payment.declined = Some(Decline::Silent);
                payment.state = PaymentState::Void;
            }
            Step::Declined(why) if open => {
                payment.declined = Some(why);
                payment.state = PaymentState::Refused;
                payment.finished = true;
            }
            Step::Refused if open => {
                payment.state = PaymentState::Refused;
                payment.finished = true;
            }
            Step::Void if open => {
                payment.state = PaymentState::Void;
                payment.finished = payment.card.is_none();
            }
            Step::Finished if !open => payment.finished = true,
            Step::Declined(why) if payment.declined == Some(why) => {}
            Step::Refused if payment.state == PaymentState::Refused => {}
            Step::Void if payment.state == PaymentState::Void => {}
            _ => return Err(Refusal::PaymentClosed),
        }
        if payment == *before {
            return Ok(payment);
        }
        payment.changed_at = now;
        world.put_payment(payment.clone());
        if payment.purpose == Purpose::AutoTopUp && open && !payment.state.is_open() {
            match self.step {
                Step::Declined(why) => world.top_up_failed(self.customer, self.payment, why, now),
                _ => world.top_up_given_up(self.customer, self.payment, now),
            }
        }
        Ok(payment)
    }
}

impl World {
    /// The customer's payment, if its money may be taken now.
    pub(crate) fn payable(&self, customer: CustomerId, id: PaymentId) -> Result<&Payment, Refusal> {
        let payment = self.payment(customer, id)?;
        let ready = match payment.card {
            Some(_) => payment.state == PaymentState::Authorised,
            None => payment.state.is_open(),
        };
        if ready { Ok(payment) } else { Err(Refusal::PaymentClosed) }
    }
}
