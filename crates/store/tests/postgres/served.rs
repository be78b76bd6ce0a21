//! Leases as gateways have to know them, where there are many.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::ids::LeaseId;
use domain::kind::ProxyKind;
use domain::served::Served;
use store::conformance::shop::Shop;
use store::records::Touched;

use crate::databases::Shared;

/// However many are asked for, a page has so few that it is read in time.
#[test]
fn a_page_is_bounded_whatever_is_asked_for() {
    const MOST: usize = 10_000;
    let shared = Shared { sandbox: true, ..Shared::new() };
    let shop = Shop::furnish(Arc::new(shared.store("one")));
    shop.stock(ProxyKind::Ipv4, 11_000);
    let ann = shop.customer("Ann", 10_000_000);
    let ordered = (0..11).flat_map(|_| shop.ordered(ann, ProxyKind::Ipv4, 1_000));
    let ordered: BTreeSet<LeaseId> = ordered.map(|granted| granted.lease).collect();
    let first = shop.store.served(None, 100_000).unwrap();
    assert_eq!(first.len(), MOST);
    let after = first.last().map(Served::place);
    let second = shop.store.served(after, 100_000).unwrap();
    assert_eq!(shop.store.served(second.last().map(Served::place), 100_000).unwrap(), []);
    let told: Vec<LeaseId> = first.iter().chain(&second).map(|served| served.lease).collect();
    assert_eq!(told.len(), ordered.len());
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), ordered);
    // All of a customer are known as soon as he is suspended, each with those whom it lets in.
    let touched = Touched { customers: [ann].into(), ..Touched::default() };
    let his = shop.store.served_of(&touched).unwrap();
    assert!(his.iter().all(|served| served.customer == ann && served.access.len() == 1));
    assert_eq!(his.iter().map(|served| served.lease).collect::<BTreeSet<_>>(), ordered);
    assert_eq!(his.len(), ordered.len());
}
