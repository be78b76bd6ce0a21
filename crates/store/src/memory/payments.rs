//! Payments, and top-ups that are due.

use domain::auto_top_up::AutoTopUp;
use domain::ids::{CustomerId, PaymentId};
use domain::payment::{Payment, PaymentState};
use domain::time::Time;

use super::books::Books;
use super::size;
use crate::records::PaymentFilter;

impl Books {
    pub(super) fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Vec<Payment> {
        let behind = self.payments.values().filter(|it| after.is_none_or(|after| after < it.id));
        let his = behind.filter(|it| filter.customer.is_none_or(|id| id == it.customer));
        let waits = |it: &&Payment| it.state == PaymentState::Pending && it.card.is_none();
        let wanted = his.filter(|it| !filter.pending || waits(it));
        wanted.take(size(limit)).cloned().collect()
    }

    pub(super) fn unfinished_payments(&self, until: Time, limit: u32) -> Vec<Payment> {
        let waits = |it: &&Payment| !it.finished && it.card.is_some() && it.changed_at <= until;
        let mut waiting: Vec<Payment> = self.payments.values().filter(waits).cloned().collect();
        waiting.sort_by_key(|payment| (payment.changed_at, payment.id));
        waiting.truncate(size(limit));
        waiting
    }

    pub(super) fn top_ups_due(&self, until: Time, limit: u32) -> Vec<(Time, CustomerId)> {
        let low =
            |it: &&AutoTopUp| self.wallets[&it.customer].balance.minor() < it.threshold.minor();
        let ready = |it: &&AutoTopUp| {
            it.enabled && !it.paused && it.pending.is_none() && it.not_before <= until
        };
        let goes_on = |it: &&AutoTopUp| !self.customers[&it.customer].suspended;
        let due = self.top_ups.values().filter(ready).filter(low).filter(goes_on);
        let mut due: Vec<_> = due.map(|it| (it.not_before, it.customer)).collect();
        due.sort_unstable();
        due.truncate(size(limit));
        due
    }
}
