//! Sound books, and every fault planted into them one at a time.

use domain::ids::{
    AccountId, AddressId, CustomerId, EntryId, LeaseId, OrderId, PaymentId, PromoId,
};
use domain::journal::{Bill, Entry, Event, Granted, Moved, Replaced};
use domain::lease::{Lease, LeaseState};
use domain::ledger::{House, Posting, Wallet};
use domain::money::{Currency, Money, Percent, UnitPrice};
use domain::payment::{Payment, PaymentState, Purpose};
use domain::period::Period;
use domain::pricing::{Quote, QuoteLine};
use domain::product::ProductKey;
use domain::promo::{Promo, PromoOutcome};
use domain::replace::ReplaceReason;
use domain::time::{Span, Time};

use super::{Auditor, Report};

const ANN: CustomerId = CustomerId(1);
const BOB: CustomerId = CustomerId(2);
const WALLET: AccountId = AccountId(100_001);
const SPRING: PromoId = PromoId(7);

/// Everything that an audit is fed with.
struct Books {
    entries: Vec<Entry>,
    orphans: Vec<(EntryId, Posting)>,
    wallets: Vec<Wallet>,
    leases: Vec<Lease>,
    addresses: Vec<(AddressId, Option<LeaseId>)>,
    promos: Vec<Promo>,
    uses: Vec<(PromoId, CustomerId, u32)>,
    payments: Vec<Payment>,
}

impl Books {
    /// Ann pays in $100 (1), orders two addresses for 30 days with ten per cent off (2) and has the
    /// first one extended by itself (3, 4). The second one ends (5), goes back (6) and is let to
    /// her anew (7). The renewal of the first one fails (8), it ends (9), and she restores it from
    /// its reserve (10). Then its address is replaced (11).
    fn sound() -> Books {
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
    fn with_payments() -> Books {
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
    fn push(&mut self, at: i64, event: Event) {
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

    fn audit(&self) -> Report {
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
    fn event(&mut self, id: usize) -> &mut Event {
        &mut self.entries[id - 1].event
    }

    /// The bill of entry `id`.
    fn bill(&mut self, id: usize) -> &mut Bill {
        match self.event(id) {
            Event::Order { bill, .. } | Event::Extension { bill, .. } => bill,
            other => panic!("{} has no bill", other.name()),
        }
    }

    /// What entry `id` grants.
    fn grants(&mut self, id: usize) -> &mut Vec<Granted> {
        match self.event(id) {
            Event::Order { leases, .. } => leases,
            other => panic!("{} grants nothing", other.name()),
        }
    }

    /// What entry `id` moves.
    fn moves(&mut self, id: usize) -> &mut Vec<Moved> {
        match self.event(id) {
            Event::Extension { leases, .. } => leases,
            other => panic!("{} moves nothing", other.name()),
        }
    }
}

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

fn hours(hours: i64) -> Time {
    Time::EPOCH + Span::from_millis(hours * Span::HOUR.millis())
}

fn granted(lease: i64, address: i64, ends_at: Time) -> Granted {
    Granted { lease: LeaseId(lease), address: AddressId(address), ends_at }
}

fn moved(lease: i64, from: i64, to: i64) -> Moved {
    Moved { lease: LeaseId(lease), from: hours(from), to: hours(to) }
}

fn replacement(lease: i64, from: i64, to: i64) -> Event {
    let replaced = Replaced { lease: LeaseId(lease), from: AddressId(from), to: AddressId(to) };
    let (leases, reason) = (vec![replaced], ReplaceReason::NotWork);
    Event::Replacement { leases, reason, comment: None }
}

fn extension(moved: Moved, before: i64, automatic: bool) -> Event {
    Event::Extension {
        bill: bill(1, PromoOutcome::Absent, 131, before),
        period: Period::from_days(30).unwrap(),
        leases: vec![moved],
        automatic,
    }
}

/// `quantity` addresses at $1.31.
fn bill(quantity: u32, promo: PromoOutcome, total: i64, before: i64) -> Bill {
    let line = QuoteLine {
        product: ProductKey::parse("IPv4/USA").unwrap(),
        period: Period::from_days(30).unwrap(),
        quantity,
        unit: UnitPrice::parse("1.31").unwrap(),
        discount: Percent::ZERO,
    };
    let quote = Quote {
        lines: vec![line],
        promo,
        discount: promo.discount(),
        total: usd(total),
        balance: usd(before),
        catalogue: 1,
    };
    Bill { quote, balance_after: usd(before - total), payment: None }
}

fn lease(
    id: i64,
    order: i64,
    address: i64,
    state: LeaseState,
    starts_at: Time,
    ends_at: Time,
    reserved_until: Option<Time>,
) -> Lease {
    Lease {
        id: LeaseId(id),
        order: OrderId(order),
        customer: ANN,
        product: ProductKey::parse("IPv4/USA").unwrap(),
        address: AddressId(address),
        state,
        starts_at,
        ends_at,
        reserved_until,
        auto_extend: None,
        renew_card: None,
        retry_at: None,
        replaced_at: None,
        comment: None,
        look_at: if state == LeaseState::Over { Time::FAR } else { ends_at },
    }
}

fn spring() -> Promo {
    Promo {
        id: SPRING,
        code: "SPRING".into(),
        discount: Percent::parse("10").unwrap(),
        starts_at: Time::EPOCH,
        ends_at: Some(hours(24)),
        max_uses: Some(1),
        per_customer: Some(1),
        kinds: vec![domain::kind::ProxyKind::Ipv4],
        for_orders: true,
        for_extensions: false,
        customer: Some(ANN),
        descriptions: Vec::new(),
        uses: 1,
    }
}

fn paid(id: i64, purpose: Purpose, minor: i64, after: i64) -> Event {
    let (payment, amount, balance_after) = (PaymentId(id), usd(minor), usd(after));
    Event::Payment { payment, purpose, amount, balance_after }
}

fn payment(id: i64, purpose: Purpose, minor: i64, entry: Option<i64>) -> Payment {
    Payment {
        id: PaymentId(id),
        customer: ANN,
        amount: usd(minor),
        provider: "manual".into(),
        card: None,
        purpose,
        state: entry.map_or(PaymentState::Pending, |_| PaymentState::Settled),
        declined: None,
        finished: entry.is_some(),
        entry: entry.map(EntryId),
        created_at: hours(1_452),
        changed_at: hours(1_453),
    }
}

/// The same as [`finds`] under the rule `payment`, in books with payments.
#[track_caller]
fn finds_payment(rule: &str, words: &str, plant: impl FnOnce(&mut Books)) {
    let mut books = Books::with_payments();
    plant(&mut books);
    let report = books.audit();
    let found = report.violations.iter().any(|it| it.rule == rule && it.detail.contains(words));
    assert!(found, "no violation of {rule:?} with {words:?} in {:#?}", report.violations);
}

#[test]
fn payments_are_credited_once_and_buy_what_they_were_for() {
    let report = Books::with_payments().audit();
    assert_eq!((report.violations, report.payments), (vec![], 3));
    finds_payment("payment", "payment 3 is settled without a credit", |it| {
        it.payments[2].state = PaymentState::Settled;
    });
    finds_payment("payment", "payment 1 is void and was credited", |it| {
        it.payments[0].state = PaymentState::Void;
    });
    finds_payment("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].amount = usd(501);
    });
    finds_payment("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].customer = BOB;
    });
    finds_payment("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].entry = Some(EntryId(13));
    });
    finds_payment("orphan", "entry 12 credits payment 1, which does not exist", |it| {
        it.payments.remove(0);
    });
    finds_payment("payment", "entry 13 credits payment 1, which was credited before", |it| {
        *it.event(13) = paid(1, Purpose::Extension, 131, 10_002);
    });
    finds_payment("payment", "entry 13 credits payment 2, which buys nothing", |it| {
        it.bill(14).payment = None;
    });
    finds_payment("payment", "entry 14 was paid by payment 9, not credited before it", |it| {
        it.bill(14).payment = Some(PaymentId(9));
    });
    finds_payment("payment", "payment 2 of 1.31 USD was not for it", |it| {
        *it.event(13) = paid(2, Purpose::Order, 131, 10_002);
    });
    finds_payment("ledger", "entry 12 posts to account", |it| {
        it.entries[11].postings[1].account = House::Deposits.account(Currency::USD);
    });
}

/// Plants one fault and wants it found under `rule`, with `words` in what is said of it.
#[track_caller]
fn finds(rule: &str, words: &str, plant: impl FnOnce(&mut Books)) {
    let mut books = Books::sound();
    plant(&mut books);
    let report = books.audit();
    let found = report.violations.iter().any(|it| it.rule == rule && it.detail.contains(words));
    assert!(found, "no violation of {rule:?} with {words:?} in {:#?}", report.violations);
}

#[test]
fn sound_books_are_found_sound_and_counted() {
    let report = Books::sound().audit();
    assert_eq!(report.violations, []);
    assert_eq!((report.entries, report.postings), (11, 10));
    assert_eq!((report.wallets, report.leases, report.promos), (1, 3, 1));
}

#[test]
fn a_changed_balance_or_version_is_found() {
    finds("balance", "wallet 100001 holds 93.72", |it| it.wallets[0].balance = usd(9_372));
    finds("house", "9372 in USD", |it| it.wallets[0].balance = usd(9_372));
    finds("balance", "version 6", |it| it.wallets[0].version = 6);
    finds("balance", "customer 2's", |it| it.wallets[0].customer = BOB);
    finds("orphan", "wallet 100001 has postings", |it| it.wallets.clear());
    finds("balance", "without a posting", |it| {
        let account = AccountId(100_002);
        it.wallets.push(Wallet { account, customer: BOB, balance: usd(1), version: 0 });
    });
}

#[test]
fn postings_that_do_not_sum_to_zero_or_are_missing_are_found() {
    finds("ledger", "entry 4 sum to 1", |it| it.entries[3].postings[1].amount += 1);
    finds("ledger", "entry 4 sum to -131", |it| it.entries[3].postings.truncate(1));
    finds("ledger", "entry 4 (renewal) has 0 postings", |it| it.entries[3].postings.clear());
    finds("ledger", "entry 4 (renewal) has 2 postings", |it| {
        let twice = it.entries[3].postings[0];
        it.entries[3].postings.push(twice);
    });
    finds("ledger", "entry 1 posts to account 8401, not 8402", |it| {
        it.entries[0].postings[1].account = House::Revenue.account(Currency::USD);
    });
    finds("ledger", "entry 2 numbers", |it| it.entries[1].postings[1].version = 9);
    finds("ledger", "entry 3 (auto_extend) moves money", |it| {
        it.entries[2].postings = it.entries[1].postings.clone();
    });
    finds("orphan", "posting of entry 99", |it| {
        let posting = it.entries[0].postings[0];
        it.orphans.push((EntryId(99), posting));
    });
}

#[test]
fn a_broken_chain_of_versions_or_balances_is_found() {
    finds("chain", "from version 2 to 4 with entry 4", |it| it.entries[3].postings[0].version = 4);
    finds("chain", "from version 2 to 4 with entry 7", |it| {
        it.entries.remove(3);
    });
    finds("chain", "must hold 9633 after entry 4", |it| {
        it.entries[3].postings[0].balance_after = Some(9_634);
    });
    finds("chain", "after entry 4, not None", |it| it.entries[3].postings[0].balance_after = None);
    finds("balance", "overdrawn by entry 4", |it| {
        it.entries[3].postings[0].balance_after = Some(-1);
    });
    finds("chain", "entry 10 of customer 2", |it| it.entries[9].customer = BOB);
    finds("journal", "entry 3 is out of order", |it| it.entries.swap(2, 3));
}

#[test]
fn a_bill_that_differs_from_what_moved_is_found() {
    finds("bill", "entry 2 says -235, but moved -236", |it| it.bill(2).quote.total = usd(235));
    finds("bill", "entry 2 says that 97.65", |it| it.bill(2).balance_after = usd(9_765));
    finds("bill", "entry 2 says that Some(1.00 USD)", |it| it.bill(2).quote.balance = usd(100));
    finds("bill", "entry 1 says 9999", |it| {
        let Event::Deposit { amount, .. } = it.event(1) else { panic!() };
        *amount = usd(9_999);
    });
}

#[test]
fn a_quote_that_does_not_add_up_is_found() {
    finds("quote", "entry 2 make Some(2.36 USD), its total is 2.35", |it| {
        it.bill(2).quote.total = usd(235);
    });
    finds("quote", "entry 2", |it| {
        it.bill(2).quote.lines[0].unit = UnitPrice::parse("1.32").unwrap()
    });
    finds("quote", "entry 7 takes 0 % off and says 5 %", |it| {
        it.bill(7).quote.discount = Percent::parse("5").unwrap();
    });
    finds("quote", "entry 7 gives 30 days", |it| {
        it.bill(7).quote.lines[0].period = Period::from_days(31).unwrap();
    });
}

#[test]
fn time_that_was_not_paid_for_is_found() {
    finds("lease", "grants 3 leases and charges for 2", |it| {
        it.grants(2).push(granted(9, 9, hours(720)));
    });
    finds("lease", "entry 10 extends leases [1, 3] and charges", |it| {
        it.moves(10).push(moved(3, 1_488, 2_208));
    });
    finds("lease", "entry 4 extends leases [1] and charges", |it| {
        it.bill(4).quote.lines[0].product = ProductKey::parse("ISP/USA").unwrap();
    });
    finds("lease", "grants lease 3 until", |it| it.grants(7)[0].ends_at = hours(1_489));
    finds("lease", "to 5187600000, not by 30 days", |it| it.moves(4)[0].to = hours(1_441));
    finds("lease", "the end of lease 1 is not", |it| it.leases[0].ends_at = hours(2_173));
}

#[test]
fn ends_that_form_no_chain_are_found() {
    finds("lease", "entry 4 moves the end of lease 1 from", |it| it.moves(4)[0].from = hours(721));
    finds("lease", "entry 10 extends lease 1, which is past", |it| {
        it.entries[9].at = hours(1_464);
    });
    finds("lease", "entry 7 grants lease 2, which was", |it| it.grants(7)[0].lease = LeaseId(2));
    finds("lease", "entry 5 ends lease 2 before", |it| it.entries[4].at = hours(719));
    finds("lease", "entry 9 ends lease 2, which has ended", |it| {
        *it.event(9) = Event::Ended { leases: vec![(LeaseId(2), None)] };
    });
    finds("lease", "entry 5 reserves", |it| {
        *it.event(5) = Event::Ended { leases: vec![(LeaseId(2), Some(hours(720)))] };
    });
    finds("lease", "entry 6 releases lease 1, which has not ended", |it| {
        *it.event(6) = Event::Released { leases: vec![LeaseId(1)] };
    });
    finds("lease", "entry 6 releases lease 2 before", |it| it.entries[5].at = hours(743));
    finds("lease", "entry 10 extends lease 2, which is past", |it| {
        it.moves(10)[0] = moved(2, 720, 2_172);
    });
    finds("lease", "entry 10 instructs lease 2, which is over", |it| {
        *it.event(10) = Event::AutoExtend { leases: vec![LeaseId(2)], period: None, card: None };
    });
    finds("lease", "entry 8 fails to renew lease 3", |it| {
        *it.event(8) = Event::RenewalFailed { leases: vec![LeaseId(3)], missing: None };
    });
    finds("lease", "entry 3 (auto_extend) of customer 2 names lease 1", |it| {
        it.entries[2].customer = BOB;
    });
}

#[test]
fn a_lease_that_is_not_kept_as_the_journal_makes_it_is_found() {
    finds("lease", "the state of lease 2", |it| it.leases[1].state = LeaseState::Reserved);
    finds("lease", "the reserve of lease 2", |it| it.leases[1].reserved_until = None);
    finds("lease", "the auto-extend of lease 1", |it| it.leases[0].auto_extend = None);
    finds("lease", "the order of lease 3", |it| it.leases[2].order = OrderId(1));
    finds("lease", "the customer of lease 3", |it| it.leases[2].customer = BOB);
    finds("lease", "the address of lease 3", |it| it.leases[2].address = AddressId(3));
    finds("lease", "the start of lease 3", |it| it.leases[2].starts_at = hours(0));
    finds("lease", "the product of lease 3", |it| {
        it.leases[2].product = ProductKey::parse("ISP/USA").unwrap();
    });
    finds("due", "lease 3 is looked at only at", |it| it.leases[2].look_at = hours(1_489));
    finds("orphan", "lease 4 was never granted", |it| it.leases[2].id = LeaseId(4));
    finds("orphan", "lease 3 was granted but does not exist", |it| {
        it.leases.pop();
    });
    finds("orphan", "entry 4 (renewal) names lease 9", |it| it.moves(4)[0].lease = LeaseId(9));
}

#[test]
fn an_address_with_two_leases_or_another_holder_is_found() {
    finds("address", "entry 7 lets address 2 to lease 3, but lease 2 has it", |it| {
        it.entries.remove(5);
    });
    finds("address", "entry 2 lets address 1 to lease 2, but lease 1", |it| {
        it.grants(2)[1].address = AddressId(1);
    });
    finds("address", "address 3 is kept for lease None", |it| it.addresses[2].1 = None);
    finds("address", "address 1 is kept for lease Some(2)", |it| {
        it.addresses[0].1 = Some(LeaseId(2));
    });
    finds("orphan", "address 3 of lease 1 does not exist", |it| {
        it.addresses.remove(2);
    });
}

#[test]
fn a_replacement_that_was_not_one_is_found() {
    finds("address", "entry 11 replaces address 2 of lease 1, which has 1", |it| {
        *it.event(11) = replacement(1, 2, 3);
    });
    finds("address", "entry 11 lets address 2 to lease 1, but lease 3 has it", |it| {
        *it.event(11) = replacement(1, 1, 2);
    });
    finds("lease", "entry 11 replaces the address of lease 2, which is not live", |it| {
        *it.event(11) = replacement(2, 2, 3);
    });
    finds("lease", "entry 11 replaces the address of lease 1, which is not live", |it| {
        it.entries[10].at = hours(2_172);
    });
    finds("lease", "entry 12 replaces the address of lease 1 again within a day", |it| {
        it.push(1_483, replacement(1, 3, 4));
    });
    finds("lease", "the address of lease 1 is not", |it| it.leases[0].address = AddressId(1));
    finds("lease", "the replacement of lease 1 is not", |it| it.leases[0].replaced_at = None);
    finds("address", "address 1 is kept for lease Some(1)", |it| {
        it.addresses[0].1 = Some(LeaseId(1));
    });
    finds("lease", "entry 11 (replacement) of customer 2 names lease 1", |it| {
        it.entries[10].customer = BOB;
    });
}

#[test]
fn promo_codes_used_too_often_or_miscounted_are_found() {
    finds("promo", "counts 2 uses, the journal 1", |it| it.promos[0].uses = 2);
    finds("promo", "customer 1, the journal 1", |it| it.uses[0].2 = 2);
    finds("promo", "by customer 1 are not kept", |it| it.uses.clear());
    finds("promo", "by customer 2, the journal 0", |it| it.uses.push((SPRING, BOB, 1)));
    finds("promo", "used 1 times of 0 allowed", |it| it.promos[0].max_uses = Some(0));
    finds("promo", "customer 1 used promo code 7 (SPRING) 1 times of 0", |it| {
        it.promos[0].per_customer = Some(0);
    });
    finds("promo", "of another", |it| it.promos[0].customer = Some(BOB));
    finds("promo", "before its start", |it| it.promos[0].starts_at = hours(1));
    finds("promo", "after its end", |it| it.promos[0].ends_at = Some(hours(0)));
    finds("promo", "for another share than 11", |it| {
        it.promos[0].discount = Percent::parse("11").unwrap();
    });
    finds("promo", "not meant for", |it| it.promos[0].for_orders = false);
    finds("promo", "not meant for", |it| it.promos[0].kinds = vec![domain::kind::ProxyKind::Isp]);
    finds("orphan", "promo code 7 was used but does not exist", |it| it.promos.clear());
}

/// The sound books, but the first order is one of a package: lease 1 is German, lease 2 American.
fn with_package(books: &mut Books) {
    let part = |text: &str| ProductKey::parse(text).unwrap();
    let lines = &mut books.bill(2).quote.lines;
    lines[0].quantity = 1;
    lines.push(lines[0].clone());
    lines[0].product = part("IPv4/DEU+pair");
    lines[1].product = part("IPv4/USA+pair");
    for extension in [4, 10] {
        books.bill(extension).quote.lines[0].product = part("IPv4/DEU+pair");
    }
    books.leases[0].product = part("IPv4/DEU+pair");
    books.leases[1].product = part("IPv4/USA+pair");
}

#[test]
fn the_leases_of_a_package_follow_the_lines_of_its_bill() {
    let mut books = Books::sound();
    with_package(&mut books);
    assert_eq!(books.audit().violations, []);

    #[track_caller]
    fn finds_in_package(words: &str, plant: impl FnOnce(&mut Books)) {
        finds("lease", words, |it| {
            with_package(it);
            plant(it);
        });
    }
    finds_in_package("the product of lease 1", |it| {
        let (one, two) = it.leases.split_at_mut(1);
        std::mem::swap(&mut one[0].product, &mut two[0].product);
    });
    finds_in_package("the product of lease 2", |it| {
        it.leases[1].product = ProductKey::parse("IPv4/USA").unwrap();
    });
    finds_in_package("entry 2 (order 1) grants 2 leases and charges for 2", |it| {
        it.bill(2).quote.lines[1].product = ProductKey::parse("IPv4/USA+other").unwrap();
    });
    finds_in_package("entry 2 (order 1) grants 2 leases and charges for 3", |it| {
        it.bill(2).quote.lines[1].quantity = 2;
    });
    finds_in_package("entry 4 extends leases [1] and charges for others", |it| {
        it.bill(4).quote.lines[0].product = ProductKey::parse("IPv4/USA+pair").unwrap();
    });
    finds("lease", "entry 2 (order 1) grants 2 leases and charges for 2", |it| {
        let lines = &mut it.bill(2).quote.lines;
        lines[0].quantity = 1;
        lines.push(lines[0].clone());
        lines[1].product = ProductKey::parse("IPv4/DEU").unwrap();
    });
}
