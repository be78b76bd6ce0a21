//! Lists of leases.

use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::time::{Span, Time};

use super::shop::*;
use crate::Store;
use crate::chunks::chunk;
use crate::records::ProxyFilter;

/// The live leases of a kind, by pages of `limit` from each offset in turn.
fn by_offset(shop: &Shop, customer: CustomerId, limit: u32, now: Time) -> Vec<LeaseId> {
    let mut ids = Vec::new();
    loop {
        let offset = u64::try_from(ids.len()).unwrap();
        let page = shop.store.proxies_at(customer, ProxyKind::Ipv4, offset, limit, now).unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|proxy| proxy.lease.id));
    }
}

fn listed(shop: &Shop, customer: CustomerId, filter: ProxyFilter, now: Time) -> Vec<LeaseId> {
    let mut ids: Vec<LeaseId> = Vec::new();
    loop {
        let page = shop.store.proxies(customer, &filter, ids.last().copied(), 700, now).unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|proxy| proxy.lease.id));
    }
}

const IPV4: ProxyFilter = ProxyFilter { kind: Some(ProxyKind::Ipv4), in_reserve: false };
const IN_RESERVE: ProxyFilter = ProxyFilter { kind: None, in_reserve: true };

/// Ann has leases in three chunks, Bob between hers; some of hers have ended, noted or not.
#[test]
fn pages_by_offset_are_the_list_in_pieces() {
    let shop = Shop::new();
    shop.stock(48);
    let (ann, bob) = (shop.customer(100_000_000), shop.customer(100_000_000));
    let mut of_ann = Vec::new();
    for _ in 0..10 {
        of_ann.extend(shop.order(ann, ProxyKind::Ipv4, 800));
        shop.order(bob, ProxyKind::Ipv4, 100);
        shop.order(ann, ProxyKind::Ipv6, 3);
    }
    assert_eq!(of_ann.iter().map(|id| chunk(*id)).max(), Some(2));
    let (start, end) = (START, START + days(30));
    assert_eq!(by_offset(&shop, ann, 333, start), of_ann);

    // Of every four, one is extended, one ends and that is noted, two end unnoted.
    let extended: Vec<LeaseId> = of_ann.iter().copied().step_by(4).collect();
    let noted: Vec<LeaseId> = of_ann.iter().copied().skip(1).step_by(4).collect();
    done(&run(&shop.store, extend(ann, &extended), start));
    run(&shop.store, sweep(ann, &noted), end);
    let count = shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap();
    assert_eq!(count, 6_000, "what is not noted is still counted");
    assert_eq!(listed(&shop, ann, IPV4, end), extended);
    assert_eq!(by_offset(&shop, ann, 333, end), extended);
    let in_reserve = listed(&shop, ann, IN_RESERVE, end);
    assert_eq!(in_reserve.len(), 6_000 + 30, "noted or not, and all IPv6");
    assert!(in_reserve.is_sorted());

    let rest: Vec<LeaseId> = of_ann.iter().copied().filter(|id| !extended.contains(id)).collect();
    run(&shop.store, sweep(ann, &rest), end);
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap(), 2_000);
    assert_eq!(by_offset(&shop, ann, 333, end), extended);
    assert_eq!(by_offset(&shop, bob, 333, start).len(), 1_000);

    // Restored from the reserve, they are counted again; released, they are in no list.
    done(&run(&shop.store, extend(ann, &rest[..10]), end + Span::HOUR));
    assert_eq!(shop.store.count_proxies(ann, ProxyKind::Ipv4).unwrap(), 2_010);
    assert_eq!(by_offset(&shop, ann, 333, end).len(), 2_010);
    let late = end + days(1);
    run(&shop.store, sweep(ann, &rest), late);
    assert_eq!(listed(&shop, ann, IN_RESERVE, late), []);
    assert_eq!(listed(&shop, ann, IPV4, late).len(), 2_010);
    assert_eq!(shop.store.audit(&mut |_| {}).unwrap().violations, []);
}

#[test]
fn beyond_the_last_lease_there_is_nothing() {
    let shop = Shop::new();
    let ann = shop.customer(10_000);
    shop.order(ann, ProxyKind::Ipv4, 2);
    let at = |offset| shop.store.proxies_at(ann, ProxyKind::Ipv4, offset, 10, START).unwrap().len();
    assert_eq!([at(0), at(1), at(2), at(u64::MAX)], [2, 1, 0, 0]);
    assert_eq!(shop.store.proxies_at(ann, ProxyKind::Isp, 0, 10, START).unwrap(), []);
}
