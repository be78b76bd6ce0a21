//! Money in, by the operator.

use crate::ids::{CustomerId, EntryId};
use crate::journal::Event;
use crate::ledger::House;
use crate::money::Money;
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// A wish to credit a customer's wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Whose.
    pub customer: CustomerId,
    /// How much; more than nothing, in the currency of the wallet.
    pub amount: Money,
    /// The operator's words.
    pub note: String,
}

impl Deposit {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs { customers: [self.customer].into(), ..Needs::default() }
    }

    /// Credits the wallet.
    pub(crate) fn apply(&self, world: &mut World, now: Time) -> Result<EntryId, Refusal> {
        let balance = world.balance(self.customer)?;
        let amount = self.amount;
        let fits = amount.currency() == balance.currency()
            && (1..=Money::MINOR_MAX).contains(&amount.minor())
            && balance.minor() <= i64::MAX / 2;
        if !fits {
            return Err(Refusal::BadAmount);
        }
        let paid_in = Money::from_minor(-amount.minor(), amount.currency());
        let note = self.note.clone();
        Ok(world.transfer(self.customer, paid_in, House::Deposits, now, |balance_after| {
            Event::Deposit { amount, balance_after, note }
        }))
    }
}
