//! Leases: what was paid for, their ends, and how they are kept.

use domain::ids::{AddressId, LeaseId, OrderId};
use domain::journal::Event;
use domain::lease::LeaseState;
use domain::product::ProductKey;

use super::finds;
use super::rows::{BOB, granted, hours, moved};

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
