//! Money from outside: every settled payment has one credit, every credit is of one settled
//! payment, and what was paid for one purchase has bought it in the same breath.

use std::collections::BTreeMap;

use domain::ids::{CustomerId, EntryId, PaymentId};
use domain::journal::{Bill, Entry, Event};
use domain::money::Money;
use domain::payment::{Payment, PaymentState, Purpose};

use super::Findings;

#[derive(Debug, Default)]
pub(super) struct Payments {
    credits: BTreeMap<PaymentId, Credit>,
    /// What was paid for one purchase, which must be the next entry.
    waiting: Option<(PaymentId, EntryId)>,
}

/// What the journal says of a payment.
#[derive(Debug)]
struct Credit {
    entry: EntryId,
    customer: CustomerId,
    amount: Money,
    purpose: Purpose,
    compared: bool,
}

impl Payments {
    pub(super) fn entry(&mut self, entry: &Entry, found: &mut Findings) {
        let id = entry.id.0;
        let waiting = self.waiting.take();
        let paid = entry.event.bill().and_then(|bill| Some((bill, bill.payment?)));
        let follows = paid.map(|(_, payment)| (payment, EntryId(entry.id.0 - 1)));
        if let Some((payment, credit)) = waiting.filter(|it| follows != Some(*it)) {
            found.note(
                "payment",
                format!("entry {} credits payment {}, which buys nothing", credit.0, payment.0),
            );
        }
        if let Some((bill, payment)) = paid {
            found.check(waiting == follows, "payment", || {
                format!("entry {id} was paid by payment {}, not credited before it", payment.0)
            });
            self.bought(entry, bill, payment, found);
        }
        let Event::Payment { payment, purpose, amount, .. } = &entry.event else { return };
        let (amount, purpose, customer) = (*amount, *purpose, entry.customer);
        let credit = Credit { entry: entry.id, customer, amount, purpose, compared: false };
        let again = self.credits.insert(*payment, credit).is_some();
        found.check(!again, "payment", || {
            format!("entry {id} credits payment {}, which was credited before", payment.0)
        });
        found.check(0 < amount.minor(), "payment", || format!("entry {id} credits {amount}"));
        if !purpose.tops_up() {
            self.waiting = Some((*payment, entry.id));
        }
    }

    fn bought(&self, entry: &Entry, bill: &Bill, payment: PaymentId, found: &mut Findings) {
        let Some(credit) = self.credits.get(&payment) else { return };
        let purpose = match &entry.event {
            Event::Order { .. } => Purpose::Order,
            Event::Extension { automatic: true, .. } => Purpose::Renewal,
            _ => Purpose::Extension,
        };
        let fits = credit.amount == bill.quote.total
            && credit.customer == entry.customer
            && credit.purpose == purpose;
        found.check(fits, "payment", || {
            let (total, amount) = (bill.quote.total, credit.amount);
            let (entry, payment) = (entry.id.0, payment.0);
            format!("entry {entry} costs {total}, and payment {payment} of {amount} was not for it")
        });
    }

    pub(super) fn payment(&mut self, payment: &Payment, found: &mut Findings) {
        let id = payment.id.0;
        let settled = payment.state == PaymentState::Settled;
        let Some(credit) = self.credits.get_mut(&payment.id) else {
            found.check(!settled && payment.entry.is_none(), "payment", || {
                format!("payment {id} is settled without a credit")
            });
            return;
        };
        credit.compared = true;
        found.check(settled, "payment", || {
            format!("payment {id} is {} and was credited", payment.state.name())
        });
        let same = payment.entry == Some(credit.entry)
            && payment.customer == credit.customer
            && payment.amount == credit.amount
            && payment.purpose == credit.purpose;
        found.check(same, "payment", || {
            format!("payment {id} is not what the journal makes: {payment:?}, but {credit:?}")
        });
    }

    pub(super) fn finish(&self, found: &mut Findings) {
        if let Some((payment, entry)) = self.waiting {
            found.note(
                "payment",
                format!("entry {} credits payment {}, which buys nothing", entry.0, payment.0),
            );
        }
        for (id, credit) in self.credits.iter().filter(|(_, credit)| !credit.compared) {
            let entry = credit.entry.0;
            found.note(
                "orphan",
                format!("entry {entry} credits payment {}, which does not exist", id.0),
            );
        }
    }
}
