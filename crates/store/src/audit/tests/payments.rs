//! Payments, and what they bought.

use domain::ids::{EntryId, PaymentId};
use domain::ledger::House;
use domain::money::Currency;
use domain::payment::{PaymentState, Purpose};

use super::books::Books;
use super::finds_in;
use super::rows::{BOB, paid, usd};

#[test]
fn payments_are_credited_once_and_buy_what_they_were_for() {
    let report = Books::with_payments().audit();
    assert_eq!((report.violations, report.payments), (vec![], 3));
    finds("payment", "payment 3 is settled without a credit", |it| {
        it.payments[2].state = PaymentState::Settled;
    });
    finds("payment", "payment 1 is void and was credited", |it| {
        it.payments[0].state = PaymentState::Void;
    });
    finds("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].amount = usd(501);
    });
    finds("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].customer = BOB;
    });
    finds("payment", "payment 1 is not what the journal makes", |it| {
        it.payments[0].entry = Some(EntryId(13));
    });
    finds("orphan", "entry 12 credits payment 1, which does not exist", |it| {
        it.payments.remove(0);
    });
    finds("payment", "entry 13 credits payment 1, which was credited before", |it| {
        *it.event(13) = paid(1, Purpose::Extension, 131, 10_002);
    });
    finds("payment", "entry 13 credits payment 2, which buys nothing", |it| {
        it.bill(14).payment = None;
    });
    finds("payment", "entry 14 was paid by payment 9, not credited before it", |it| {
        it.bill(14).payment = Some(PaymentId(9));
    });
    finds("payment", "payment 2 of 1.31 USD was not for it", |it| {
        *it.event(13) = paid(2, Purpose::Order, 131, 10_002);
    });
    finds("ledger", "entry 12 posts to account", |it| {
        it.entries[11].postings[1].account = House::Deposits.account(Currency::USD);
    });
}

/// Plants one fault into books with payments and wants it found.
#[track_caller]
fn finds(rule: &str, words: &str, plant: impl FnOnce(&mut Books)) {
    finds_in(Books::with_payments(), rule, words, plant);
}
