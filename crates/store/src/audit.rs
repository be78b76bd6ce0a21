//! Proof of the books from their journal.
//!
//! A store feeds an [`Auditor`] with the journal, oldest entry first, and then with the rows as
//! they are now. The auditor believes the journal alone: it works out from it what every balance,
//! end, holder and count must be, checks that each step was allowed, and only then compares. What
//! it keeps is a few words for each wallet, lease and let address, never the journal itself.

mod leases;
mod ledger;
mod payments;
mod promos;
mod quote;
#[cfg(test)]
mod tests;

use domain::ids::{AddressId, CustomerId, EntryId, LeaseId, PromoId};
use domain::journal::{Entry, Event};
use domain::lease::Lease;
use domain::ledger::{Posting, Wallet};
use domain::payment::Payment;
use domain::promo::{Promo, Purchase};

use self::leases::Leases;
use self::ledger::Ledger;
use self::payments::Payments;
use self::promos::Promos;

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Journal entries read.
    pub entries: u64,
    /// Postings read.
    pub postings: u64,
    /// Wallets compared.
    pub wallets: u64,
    /// Leases compared.
    pub leases: u64,
    /// Promo codes compared.
    pub promos: u64,
    /// Payments compared.
    pub payments: u64,
    /// Everything that is wrong.
    pub violations: Vec<Violation>,
}

/// Something that is wrong with the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule is broken, in one word: `journal`, `ledger`, `chain`, `bill`, `quote`, `house`,
    /// `balance`, `lease`, `due`, `address`, `promo`, `payment` or `orphan`.
    pub rule: &'static str,
    /// What is wrong, for the operator, with the ids that it takes to look for it.
    pub detail: String,
}

/// Proves the books as they stream by.
///
/// First every [`Auditor::entry`] in the order of their ids, then the current rows in any order,
/// then [`Auditor::finish`].
#[derive(Debug, Default)]
pub struct Auditor {
    report: Report,
    found: Findings,
    last: Option<EntryId>,
    ledger: Ledger,
    leases: Leases,
    promos: Promos,
    payments: Payments,
}

/// The violations found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn note(&mut self, rule: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { rule, detail: detail.into() });
    }

    /// Notes `detail` unless `holds`.
    fn check(&mut self, holds: bool, rule: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.note(rule, detail());
        }
    }
}

impl Auditor {
    /// An auditor that has seen nothing.
    pub fn new() -> Auditor {
        Auditor::default()
    }

    /// The next entry of the journal, with its postings.
    pub fn entry(&mut self, entry: &Entry) {
        self.report.entries += 1;
        self.report.postings += u64::try_from(entry.postings.len()).unwrap_or(u64::MAX);
        let ascends = self.last.is_none_or(|last| last < entry.id);
        self.found.check(ascends, "journal", || format!("entry {} is out of order", entry.id.0));
        self.last = Some(entry.id);
        self.ledger.entry(entry, &mut self.found);
        if let Some(bill) = entry.event.bill() {
            quote::check(entry, bill, &mut self.found);
            self.promos.used(entry, bill, purchase(&entry.event));
        }
        self.leases.entry(entry, &mut self.found);
        self.payments.entry(entry, &mut self.found);
    }

    /// A posting whose entry is not in the journal.
    pub fn orphan_posting(&mut self, entry: EntryId, posting: &Posting) {
        self.report.postings += 1;
        self.found.note(
            "orphan",
            format!(
                "account {} has a posting of entry {}, which does not exist",
                posting.account.0, entry.0
            ),
        );
    }

    /// A wallet as it is now.
    pub fn wallet(&mut self, wallet: &Wallet) {
        self.report.wallets += 1;
        self.ledger.wallet(wallet, &mut self.found);
    }

    /// A lease as it is now.
    pub fn lease(&mut self, lease: &Lease) {
        self.report.leases += 1;
        self.leases.lease(lease, &mut self.found);
    }

    /// An address as it is now: the lease that has it, if one does.
    pub fn address(&mut self, address: AddressId, holder: Option<LeaseId>) {
        self.leases.address(address, holder, &mut self.found);
    }

    /// A promo code as it is now.
    pub fn promo(&mut self, promo: &Promo) {
        self.report.promos += 1;
        self.promos.promo(promo, &mut self.found);
    }

    /// How often a customer has used a promo code, as it is kept now.
    pub fn promo_use(&mut self, promo: PromoId, customer: CustomerId, uses: u32) {
        self.promos.promo_use(promo, customer, uses, &mut self.found);
    }

    /// A payment as it is now.
    pub fn payment(&mut self, payment: &Payment) {
        self.report.payments += 1;
        self.payments.payment(payment, &mut self.found);
    }

    /// How many journal entries have been read.
    pub fn entries(&self) -> u64 {
        self.report.entries
    }

    /// What was found, after everything has been fed in.
    pub fn finish(mut self) -> Report {
        self.ledger.finish(&mut self.found);
        self.leases.finish(&mut self.found);
        self.promos.finish(&mut self.found);
        self.payments.finish(&mut self.found);
        self.report.violations = self.found.0;
        self.report
    }
}

fn purchase(event: &Event) -> Purchase {
    match event {
        Event::Order { .. } => Purchase::Order,
        _ => Purchase::Extension,
    }
}
