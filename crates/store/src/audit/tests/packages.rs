//! Leases of a package.

use domain::product::ProductKey;

use super::books::Books;
use super::finds;

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
