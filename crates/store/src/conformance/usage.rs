//! What leases use: counted once, however often it is told.

use std::sync::Arc;
use std::thread;

use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::time::Time;
use domain::usage::{Day, DayOfLease, Days, Meter, Report, Taken, Used};

use super::Make;
use super::shop::Shop;
use crate::Store;
use crate::records::UsageFilter;

/// All days of the cases.
const ALWAYS: Days = Days { from: Day(0), to: Day(30_000) };

fn meter(number: u128) -> Meter {
    Meter::parse(&format!("{number:032x}")).unwrap()
}

fn used(bytes: u64) -> Used {
    Used { bytes_up: bytes, bytes_down: 10 * bytes, flows: 1 }
}

/// A report with these lines: lease, day, bytes.
fn report(of: u128, number: u64, lines: &[(LeaseId, i64, u64)]) -> Report {
    let line = |(lease, day, bytes): &(LeaseId, i64, u64)| {
        (u64::try_from(lease.0).unwrap(), Day(*day).start(), used(*bytes))
    };
    Report::new(meter(of), number, lines.iter().map(line)).unwrap()
}

/// Gives a report until it is taken whole or refused.
fn take(store: &dyn Store, report: &Report, now: Time) -> Taken {
    let mut unknown = 0;
    loop {
        let taken = store.take_usage("main", report, now).unwrap();
        unknown += taken.unknown;
        if !taken.is_partly {
            return Taken { unknown, ..taken };
        }
    }
}

/// A customer with so many leases of IPv4 in the USA.
fn leases(shop: &Shop, name: &str, count: u32) -> (CustomerId, Vec<LeaseId>) {
    let customer = shop.customer(name, 1_000_000);
    let granted = shop.ordered(customer, ProxyKind::Ipv4, count);
    (customer, granted.iter().map(|granted| granted.lease).collect())
}

fn list(
    store: &dyn Store,
    customer: Option<CustomerId>,
    lease: Option<LeaseId>,
) -> Vec<DayOfLease> {
    store.usage(&UsageFilter { customer, lease, days: ALWAYS }, None, 100).unwrap()
}

/// A report is added if it is the next of its meter; repeated it is known, and one too far ahead is
/// refused.
pub fn usage_is_counted_once(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 40);
    let (ann, anns) = leases(&shop, "Ann", 2);
    let (bob, bobs) = leases(&shop, "Bob", 1);
    let (store, now) = (shop.store.clone(), shop.now);
    let (one, two, his) = (anns[0], anns[1], bobs[0]);
    let nobodys = LeaseId(999_999);

    let first = report(1, 1, &[(one, 100, 5), (his, 100, 7), (nobodys, 100, 1)]);
    assert_eq!(take(&*store, &first, now), Taken { last: 1, unknown: 1, is_partly: false });
    for _ in 0..3 {
        assert_eq!(take(&*store, &first, now), Taken { last: 1, unknown: 0, is_partly: false });
    }
    // Where one is missing, nothing is added, and the gateway is told of which was the last.
    let third = report(1, 3, &[(one, 100, 1_000)]);
    assert_eq!(take(&*store, &third, now).last, 1);
    let unheard = report(2, 2, &[(one, 100, 1_000)]);
    assert_eq!(take(&*store, &unheard, now).last, 0);
    let second = report(1, 2, &[(one, 100, 1), (one, 101, 2), (two, 101, 3)]);
    assert_eq!(take(&*store, &second, now).last, 2);
    assert_eq!(take(&*store, &first, now).last, 2, "what comes late is known");
    // An empty report has a number too.
    assert_eq!(take(&*store, &report(1, 3, &[]), now).last, 3);
    // Another meter counts for itself.
    let other = report(3, 1, &[(one, 101, 4)]);
    assert_eq!(store.take_usage("edge", &other, now).unwrap().last, 1);

    let line = |day, lease, customer, bytes, flows| DayOfLease {
        day: Day(day),
        lease,
        customer,
        used: Used { flows, ..used(bytes) },
    };
    let anns = [line(100, one, ann, 6, 2), line(101, one, ann, 6, 2), line(101, two, ann, 3, 1)];
    let bobs = [line(100, his, bob, 7, 1)];
    assert_eq!(list(&*store, Some(ann), None), anns);
    assert_eq!(list(&*store, Some(bob), None), bobs);
    assert_eq!(list(&*store, None, None), [anns[0], bobs[0], anns[1], anns[2]]);
    assert_eq!(list(&*store, None, Some(one)), anns[..2]);
    assert_eq!(list(&*store, Some(ann), Some(two)), anns[2..]);
    assert_eq!(list(&*store, Some(bob), Some(one)), [], "another's lease has used nothing");

    let meters = store.meters(None, 10).unwrap();
    let known: Vec<_> = meters.iter().map(|it| (it.gateway.as_str(), it.last, it.at)).collect();
    assert_eq!(known, [("main", 3, now), ("edge", 1, now)]);
    assert_eq!(meters[0].used, Used { flows: 6, ..used(5 + 7 + 1 + 1 + 2 + 3) });
    assert_eq!(store.meters(Some(&meters[0].meter), 10).unwrap(), meters[1..]);
}

/// However many deliver the same reports at once, and in whatever order, each is counted once; and
/// a number never grows beyond what can be told.
pub fn usage_is_counted_once_from_many_sides(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 40);
    let (ann, leases) = leases(&shop, "Ann", 20);
    let now = shop.now;
    let lines = |number: u64| -> Vec<_> { leases.iter().map(|id| (*id, 5, number)).collect() };
    let reports: Arc<Vec<Report>> =
        Arc::new((1..=10).map(|number| report(1, number, &lines(number))).collect());
    thread::scope(|scope| {
        for deliverer in 0..3 {
            let (store, reports) = (Arc::clone(&shop.store), Arc::clone(&reports));
            scope.spawn(move || {
                for round in 0..5 {
                    for place in 0..reports.len() {
                        // One begins at the front, one in the middle, one at the end.
                        let place = match deliverer {
                            0 => place,
                            1 => (place + 5 + round) % reports.len(),
                            _ => reports.len() - 1 - place,
                        };
                        take(&*store, &reports[place], now);
                    }
                }
            });
        }
        // Another gateway tells of the same leases, in the other order.
        let (store, lines) = (Arc::clone(&shop.store), lines(1));
        scope.spawn(move || {
            for number in 1..=10 {
                let lines: Vec<_> = lines.iter().rev().copied().collect();
                assert_eq!(
                    take(&*store, &report(2, number, &lines), now).last,
                    i64::try_from(number).unwrap()
                );
            }
        });
    });
    // Whoever began at the front has delivered all.
    let sums: Vec<_> = list(&*shop.store, Some(ann), None).iter().map(|it| it.used).collect();
    assert_eq!(sums, [Used { flows: 20, ..used(55 + 10) }; 20]);

    let most = Used { bytes_up: u64::MAX, bytes_down: u64::MAX, flows: u64::MAX };
    let lease = u64::try_from(leases[0].0).unwrap();
    for number in 1..=2 {
        let report = Report::new(meter(9), number, [(lease, Day(6).start(), most)]).unwrap();
        take(&*shop.store, &report, now);
    }
    let days = Days { from: Day(6), to: Day(6) };
    let filter = UsageFilter { customer: None, lease: Some(leases[0]), days };
    let sum = shop.store.usage(&filter, None, 1).unwrap()[0].used;
    assert_eq!(sum, most.at_most(Used::MOST));
}

/// A report with very many lines, of which others may write between two parts, and which is begun
/// again by somebody who does not know how far it was taken.
pub fn a_large_report_is_taken_part_by_part(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 40);
    let (ann, leases) = leases(&shop, "Ann", 2);
    let now = shop.now;
    let mut lines = Vec::new();
    for day in 0..1_700 {
        lines.extend(leases.iter().map(|id| (*id, day, 1)));
    }
    let large = report(1, 1, &lines);
    let first = shop.store.take_usage("main", &large, now).unwrap();
    let between = report(2, 1, &lines[..20]);
    assert_eq!(take(&*shop.store, &between, now).last, 1);
    if first.is_partly {
        assert_eq!(first.last, 0, "it is not taken before it is taken whole");
        let ahead = report(1, 2, &lines[..2]);
        assert_eq!(shop.store.take_usage("main", &ahead, now).unwrap().last, 0);
    }
    assert_eq!(take(&*shop.store, &large, now).last, 1);
    let filter = UsageFilter { customer: Some(ann), lease: None, days: ALWAYS };
    let listed = shop.store.usage(&filter, None, 10_000).unwrap();
    assert_eq!(listed.len(), lines.len());
    let bytes: u64 = listed.iter().map(|it| it.used.bytes_up).sum();
    assert_eq!(bytes, 3_400 + 20);
    let reading = &shop.store.meters(None, 1).unwrap()[0];
    assert_eq!((reading.last, reading.used.bytes_up), (1, 3_400));
}

/// Pages follow each other without a gap, days bound them, and what is old is forgotten bit by bit.
pub fn usage_is_listed_in_pages_and_forgotten(make: &mut Make<'_>) {
    let shop = Shop::open(make);
    shop.stock(ProxyKind::Ipv4, 40);
    let (ann, anns) = leases(&shop, "Ann", 3);
    let (_, bobs) = leases(&shop, "Bob", 1);
    let now = shop.now;
    let mut lines = Vec::new();
    for day in 10..20 {
        lines.extend(anns.iter().chain(&bobs).map(|id| (*id, day, 1)));
    }
    take(&*shop.store, &report(1, 1, &lines), now);
    let days = Days { from: Day(12), to: Day(17) };
    for (customer, lease, count) in [
        (None, None, 24),
        (Some(ann), None, 18),
        (Some(ann), Some(anns[1]), 6),
        (None, Some(bobs[0]), 6),
    ] {
        let filter = UsageFilter { customer, lease, days };
        let whole = shop.store.usage(&filter, None, 100).unwrap();
        assert_eq!(whole.len(), count);
        assert!(whole.iter().all(|it| Day(12) <= it.day && it.day <= Day(17)));
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = shop.store.usage(&filter, after, 4).unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 4);
            after = Some((last.day, last.lease));
            paged.extend(page);
        }
        assert_eq!(paged, whole);
    }
    assert_eq!(shop.store.forget_usage(Day(12), 5).unwrap(), 5);
    assert_eq!(shop.store.forget_usage(Day(12), 5).unwrap(), 3);
    assert_eq!(shop.store.forget_usage(Day(12), 5).unwrap(), 0);
    let left = list(&*shop.store, None, None);
    assert_eq!((left.len(), left[0].day), (32, Day(12)));
}
