//! A purchase with the payment that was made for it, in one: both happen or neither does.

use crate::command::Wish;
use crate::ids::{CustomerId, EntryId, PaymentId};
use crate::needs::Needs;
use crate::payment::Purpose;
use crate::pricing::Quote;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A purchase, and the payment that pays for all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funded {
    /// The payment: authorised, for this purpose, and of the exact price.
    pub payment: PaymentId,
    /// An order, an extension or a renewal by card.
    pub wish: Box<Wish>,
}

impl Funded {
    /// Whose purchase it is.
    pub(crate) fn customer(&self) -> CustomerId {
        self.wish.customer()
    }

    /// What has to be known to decide it.
    pub(crate) fn needs(&self) -> Needs {
        let mut needs = self.wish.needs();
        needs.payments.insert(self.payment);
        needs
    }

    /// Credits the wallet by the payment and buys, or does neither.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        let customer = self.customer();
        let payment = world.payable(customer, self.payment)?;
        let (amount, purpose) = (payment.amount, payment.purpose);
        if Purpose::of(&self.wish) != Some(purpose) {
            return Err(Refusal::UnknownPayment);
        }
        // The price may be another one by now; the wallet is not used to make up for it.
        if self.wish.quote(world, now)?.total != amount {
            return Err(Refusal::PriceChanged);
        }
        if world.balance(customer)?.minor() > i64::MAX / 2 {
            return Err(Refusal::BadAmount);
        }
        let mark = world.mark(self.payment);
        world.settle(customer, self.payment, now);
        match self.buy(world, now) {
            Ok(entry) => {
                if let Some(written) = world.entry_mut(entry) {
                    written.event.paid_by(self.payment);
                }
                Ok(entry)
            }
            Err(refusal) => {
                world.go_back(mark);
                Err(refusal)
            }
        }
    }

    fn buy(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        match self.wish.as_ref() {
            Wish::Order(order) => order.apply(world, now),
            Wish::OrderWithPromo(order) => order.apply_with_promo(world, now),
            Wish::Extend(extend) => extend.apply(world, now),
            Wish::ExtendWithPromo(extend) => extend.apply_with_promo(world, now),
            Wish::Renew(renew) => renew.apply(world, now),
            _ => Err(Refusal::UnknownPayment),
        }
    }
}

impl Wish {
    /// What it would cost, if it is something that a payment can be for. A promo code that has to
    /// be taken off and cannot be refuses it here already, so that no card is asked for the full
    /// price.
    pub fn quote(&self, world: &World, now: Time) -> Result<Quote, Refusal> {
        match self {
            Wish::Order(order) => order.quote(world, now),
            Wish::OrderWithPromo(order) => order.quote(world, now)?.with_promo(),
            Wish::Extend(extend) => extend.quote(world, now),
            Wish::ExtendWithPromo(extend) => extend.quote(world, now)?.with_promo(),
            Wish::Renew(renew) => renew.quote(world, now),
            _ => Err(Refusal::UnknownPayment),
        }
    }
}

impl Purpose {
    /// What a payment for `wish` is for; `None` if that is nothing that is bought.
    pub fn of(wish: &Wish) -> Option<Purpose> {
        match wish {
            Wish::Order(_) | Wish::OrderWithPromo(_) => Some(Purpose::Order),
            Wish::Extend(_) | Wish::ExtendWithPromo(_) => Some(Purpose::Extension),
            Wish::Renew(_) => Some(Purpose::Renewal),
            _ => None,
        }
    }
}
