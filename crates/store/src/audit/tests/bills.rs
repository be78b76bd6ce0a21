//! What was charged.

use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::{Percent, UnitPrice};
use domain::period::Period;

use super::finds;
use super::rows::{BOB, SPRING, hours, usd};

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
    finds("promo", "not meant for", |it| it.promos[0].kinds = vec![ProxyKind::Isp]);
    finds("orphan", "promo code 7 was used but does not exist", |it| it.promos.clear());
}
