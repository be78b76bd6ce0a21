//! Money in, by a payment.

use crate::card::NewCard;
use crate::ids::{CustomerId, EntryId, PaymentId};
use crate::journal::Event;
use crate::ledger::House;
use crate::money::Money;
use crate::needs::Needs;
use crate::payment::{Payment, PaymentState, Purpose};
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A payment that tops a wallet up has been made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Who paid.
    pub customer: CustomerId,
    /// Which payment.
    pub payment: PaymentId,
    /// The card that he paid with, to be kept.
    pub card: Option<NewCard>,
}

impl Credit {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            payments: [self.payment].into(),
            means: [self.customer].into(),
            ..Needs::default()
        }
    }

    /// Credits the wallet, unless that was done before. Money that has come is taken from a
    /// suspended customer as well.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<Payment, Refusal> {
        let payment = world.payment(self.customer, self.payment)?;
        if !payment.purpose.tops_up() {
            return Err(Refusal::UnknownPayment);
        }
        if payment.state == PaymentState::Settled {
            return Ok(payment.clone());
        }
        world.payable(self.customer, self.payment)?;
        if world.balance(self.customer)?.minor() > i64::MAX / 2 {
            return Err(Refusal::BadAmount);
        }
        let payment = world.settle(self.customer, self.payment, now);
        if let Some(card) = &self.card {
            world.save_card(self.customer, card, now);
        }
        if payment.purpose == Purpose::AutoTopUp {
            world.top_up_succeeded(self.customer, &payment, now);
        }
        Ok(payment)
    }
}

impl World {
    /// Moves a payment that is payable into the wallet, which has room for it.
    pub(crate) fn settle(&mut self, customer: CustomerId, id: PaymentId, now: Time) -> Payment {
        let mut payment = self.payable(customer, id).expect("the caller has looked at it").clone();
        let entry = self.credit(&payment, now);
        payment.state = PaymentState::Settled;
        payment.entry = Some(entry);
        payment.changed_at = now;
        // What was paid on a page is here; what was set aside has yet to be collected.
        payment.finished = payment.card.is_none();
        self.put_payment(payment.clone());
        payment
    }

    fn credit(&mut self, payment: &Payment, now: Time) -> EntryId {
        let (id, purpose, amount) = (payment.id, payment.purpose, payment.amount);
        let paid_in = Money::from_minor(-amount.minor(), amount.currency());
        self.transfer(payment.customer, paid_in, House::Payments, now, |balance_after| {
            Event::Payment { payment: id, purpose, amount, balance_after }
        })
    }
}
