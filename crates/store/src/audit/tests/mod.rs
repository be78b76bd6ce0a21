//! Sound books, and every fault planted into them one at a time.

mod addresses;
mod bills;
mod books;
mod leases;
mod ledger;
mod packages;
mod payments;
mod rows;

use books::Books;

/// Plants one fault into sound books and wants it found under `rule`, with `words` in what is said
/// of it.
#[track_caller]
fn finds(rule: &str, words: &str, plant: impl FnOnce(&mut Books)) {
    finds_in(Books::sound(), rule, words, plant);
}

/// The same in these books.
#[track_caller]
fn finds_in(mut books: Books, rule: &str, words: &str, plant: impl FnOnce(&mut Books)) {
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
