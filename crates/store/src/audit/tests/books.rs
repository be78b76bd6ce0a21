//! Sound books.

use domain::ids::{AddressId, CustomerId, EntryId, LeaseId, OrderId, PaymentId, PromoId};
use domain::journal::{Bill, Entry, Event, Granted, Moved};
use domain::lease::{Lease, LeaseState};
use domain::ledger::{House, Posting, Wallet};
use domain::money::{Currency, Percent};
use domain::payment::{Payment, Purpose};
use domain::period::Period;
use domain::promo::{Promo, PromoOutcome};

use super::rows::{
    ANN, SPRING, WALLET, bill, extension, granted, hours, lease, moved, paid, payment, replacement,
    spring, usd,
};
use crate::audit::{Auditor, Report};

/// Everything that an audit is fed with.
pub(super) struct Books {
    pub(super) entries: Vec<Entry>,
    pub(super) orphans: Vec<(EntryId, Posting)>,
    pub(super) wallets: Vec<Wallet>,
    pub(super) leases: Vec<Lease>,
    pub(super) addresses: Vec<(AddressId, Option<LeaseId>)>,
    pub(super) promos: Vec<Promo>,
    pub(super) uses: Vec<(PromoId, CustomerId, u32)>,
    pub(super) payments: Vec<Payment>,
}

impl Books {
    /// Ann pays in $100 (1), orders two addresses for 30 days with ten per cent off (2) and has the
    /// first one extended by itself (3, 4). The second one ends (5), goes back (6) and is let to
    /// her anew (7). The renewal of the first one fails (8), it ends (9), and she restores it from
    /// its reserve (10). Then its address is replaced (11).
    pub(super) fn sound() -> Books {
        let thirty = Period::from_days(30).unwrap();
        let mut books = Books {
            entries: Vec::new(),
            orphans: Vec::new(),
            wallets: vec![Wallet {
                account: WALLET,
                customer: ANN,
                balance: usd(9371),
                version: 5,
            }],
            leases: vec![
                lease(1, 1, 3, LeaseState::Active, hours(0), hours(2_172), None),
                lease(2, 1, 2, LeaseState::Over, hours(0), hours(720), Some(hours(744))),
                lease(3, 2, 2, LeaseState::Active, hours(768), hours(1_488), None),
            ],
            addresses: vec![
                (AddressId(1), None),
                (AddressId(2), Some(LeaseId(3))),
                (AddressId(3), Some(LeaseId(1))),
            ],
            promos: vec![spring()],
            uses: vec![(SPRING, ANN, 1)],
            payments: Vec::new(),
        };
        books.leases[0].auto_extend = Some(thirty);
        books.leases[0].replaced_at = Some(hours(1_460));
        let note = "cash".to_owned();
        let deposit = Event::Deposit { amount: usd(10_000), balance_after: usd(10_000), note };
        books.push(0, deposit);
        let promo =
            PromoOutcome::Applied { promo: SPRING, discount: Percent::parse("10").unwrap() };
        books.push(
            0,
            Event::Order {
                order: OrderId(1),
                bill: bill(2, promo, 236, 10_000),
                period: thirty,
                leases: vec![granted(1, 1, hours(720)), granted(2, 2, hours(720))],
            },
        );
        let instruction =
            Event::AutoExtend { leases: vec![LeaseId(1)], period: Some(thirty), card: None };
        books.push(1, instruction);
        books.push(696, extension(moved(1, 720, 1_440), 9_764, true));
        books.push(720, Event::Ended { leases: vec![(LeaseId(2), Some(hours(744)))] });
        books.push(744, Event::Released { leases: vec![LeaseId(2)] });
        books.push(
            768,
            Event::Order {
                order: OrderId(2),
                bill: bill(1, PromoOutcome::Absent, 131, 9_633),
                period: thirty,
                leases: vec![granted(3, 2, hours(1_488))],
            },
        );
        books.push(1_416, Event::RenewalFailed { leases: vec![LeaseId(1)], missing: None });
        books.push(1_440, Event::Ended { leases: vec![(LeaseId(1), Some(hours(1_464)))] });
        books.push(1_452, extension(moved(1, 1_440, 2_172), 9_502, false));
        books.push(1_460, replacement(1, 1, 3));
        books
    }

    /// The same, and then Ann tops up by $5 (12), has a card pay for another extension (13, 14),
    /// and begins a payment that does not come in.
    pub(super) fn with_payments() -> Books {
        let mut books = Books::sound();
        books.push(1_461, paid(1, Purpose::TopUp, 500, 9_871));
        books.push(1_462, paid(2, Purpose::Extension, 131, 10_002));
        books.push(1_462, extension(moved(1, 2_172, 2_892), 10_002, false));
        books.bill(14).payment = Some(PaymentId(2));
        books.leases[0].ends_at = hours(2_892);
        books.wallets[0].balance = usd(9_871);
        books.wallets[0].version = 8;
        books.payments = vec![
            payment(1, Purpose::TopUp, 500, Some(12)),
            payment(2, Purpose::Extension, 131, Some(13)),
            payment(3, Purpose::TopUp, 700, None),
        ];
        books
    }

    /// Writes the next entry, with the postings that belong to it.
    pub(super) fn push(&mut self, at: i64, event: Event) {
        let id = i64::try_from(self.entries.len()).unwrap() + 1;
        let version = 1 + self.entries.iter().filter(|it| !it.postings.is_empty()).count();
        let version = i64::try_from(version).unwrap();
        let money = match &event {
            Event::Deposit { amount, balance_after, .. } => {
                Some((House::Deposits, amount.minor(), *balance_after))
            }
            Event::Payment { amount, balance_after, .. } => {
                Some((House::Payments, amount.minor(), *balance_after))
            }
            other => other
                .bill()
                .map(|bill| (House::Revenue, -bill.quote.total.minor(), bill.balance_after)),
        };
        let postings = money.map_or_else(Vec::new, |(house, amount, after)| {
            let account = house.account(Currency::USD);
            vec![
                Posting { account: WALLET, version, amount, balance_after: Some(after.minor()) },
                Posting { account, version: id, amount: -amount, balance_after: None },
            ]
        });
        let (id, at) = (EntryId(id), hours(at));
        self.entries.push(Entry { id, at, customer: ANN, event, postings, fingerprint: None });
    }

    pub(super) fn audit(&self) -> Report {
        let mut auditor = Auditor::new();
        self.entries.iter().for_each(|entry| auditor.entry(entry));
        self.orphans.iter().for_each(|(entry, it)| auditor.orphan_posting(*entry, it));
        self.wallets.iter().for_each(|wallet| auditor.wallet(wallet));
        self.leases.iter().for_each(|lease| auditor.lease(lease));
        self.addresses.iter().for_each(|(address, holder)| auditor.address(*address, *holder));
        self.promos.iter().for_each(|promo| auditor.promo(promo));
        self.uses.iter().for_each(|(promo, who, uses)| auditor.promo_use(*promo, *who, *uses));
        self.payments.iter().for_each(|payment| auditor.payment(payment));
        auditor.finish()
    }

    /// The event of entry `id`.
    pub(super) fn event(&mut self, id: usize) -> &mut Event {
        &mut self.entries[id - 1].event
    }

    /// The bill of entry `id`.
    pub(super) fn bill(&mut self, id: usize) -> &mut Bill {
        match self.event(id) {
            Event::Order { bill, .. } | Event::Extension { bill, .. } => bill,
            other => panic!("{} has no bill", other.name()),
        }
    }

    /// What entry `id` grants.
    pub(super) fn grants(&mut self, id: usize) -> &mut Vec<Granted> {
        match self.event(id) {
            Event::Order { leases, .. } => leases,
            other => panic!("{} grants nothing", other.name()),
        }
    }

    /// What entry `id` moves.
    pub(super) fn moves(&mut self, id: usize) -> &mut Vec<Moved> {
        match self.event(id) {
            Event::Extension { leases, .. } => leases,
            other => panic!("{} moves nothing", other.name()),
        }
    }
}
