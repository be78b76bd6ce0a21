//! Keeping the books.

use domain::address::Address;
use domain::command::Outcome;
use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::needs::Needs;
use domain::refusal::Refusal;
use domain::time::Span;

use super::shop::*;
use crate::Store;
use crate::records::{EntryFilter, ProxyFilter};

fn live(shop: &Shop, customer: CustomerId, now: domain::time::Time) -> Vec<LeaseId> {
    let all = shop.store.proxies(customer, &ProxyFilter::default(), None, 100_000, now).unwrap();
    all.iter().map(|proxy| proxy.lease.id).collect()
}

#[test]
fn what_was_bought_is_there_after_a_restart() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    let leases = shop.order(ann, ProxyKind::Ipv4, 3);
    let before = shop.store.proxies(ann, &ProxyFilter::default(), None, 100, START).unwrap();
    assert_eq!(before.len(), 3);

    let shop = shop.reopened();
    let after = shop.store.proxies(ann, &ProxyFilter::default(), None, 100, START).unwrap();
    assert_eq!(before, after);
    let extended = done(&run(&shop.store, extend(ann, &leases), START));
    assert_eq!(extended.name(), "extension");
    let (_, wallet) = shop.store.customer(ann).unwrap().unwrap();
    assert_eq!(wallet.balance.minor(), 10_000 - 2 * 450);
    assert_eq!(shop.store.audit(&mut |_| {}).unwrap().violations, []);
}
