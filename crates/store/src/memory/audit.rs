//! The audit of the books.

use super::books::Books;
use crate::audit::{Auditor, Report};

impl Books {
    pub(super) fn audit(&self, progress: &mut dyn FnMut(u64)) -> Report {
        let mut auditor = Auditor::new();
        for entry in self.entries.values() {
            auditor.entry(entry);
            progress(auditor.entries());
        }
        self.wallets.values().for_each(|wallet| auditor.wallet(wallet));
        self.leases.values().for_each(|lease| auditor.lease(lease));
        let exits = self.addresses.values().map(|exit| &exit.address);
        exits.for_each(|address| auditor.address(address.id, address.lease));
        self.promos.values().for_each(|promo| auditor.promo(promo));
        for ((promo, customer), uses) in &self.promo_uses {
            auditor.promo_use(*promo, *customer, *uses);
        }
        self.payments.values().for_each(|payment| auditor.payment(payment));
        auditor.finish()
    }
}
