//! Who has which address.

use domain::ids::{AddressId, LeaseId};

use super::finds;
use super::rows::{BOB, hours, replacement};

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
