//! Balances, postings and their chains.

use domain::ids::{AccountId, EntryId};
use domain::ledger::{House, Wallet};
use domain::money::Currency;

use super::finds;
use super::rows::{BOB, usd};

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
