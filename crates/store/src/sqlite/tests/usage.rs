//! Reports of usage, beside others who write.

use std::time::{Duration, Instant};

use domain::ids::LeaseId;
use domain::kind::ProxyKind;
use domain::usage::{Day, Days, Meter, Report, Used};

use super::shop::*;
use crate::Store;
use crate::records::UsageFilter;

const USED: Used = Used { bytes_up: 3, bytes_down: 5, flows: 1 };

fn report(number: u64, leases: &[LeaseId]) -> Report {
    let meter = Meter::parse("00112233445566778899aabbccddeeff").unwrap();
    let lines = leases.iter().map(|id| (u64::try_from(id.0).unwrap(), START, USED));
    Report::new(meter, number, lines).unwrap()
}

/// Takes a report part by part; says how long the longest has taken, and how many there were.
fn timed(shop: &Shop, report: &Report) -> (Duration, u32) {
    let (mut longest, mut parts) = (Duration::ZERO, 0);
    loop {
        let began = Instant::now();
        let taken = shop.store.take_usage("main", report, START).unwrap();
        longest = longest.max(began.elapsed());
        parts += 1;
        if !taken.is_partly {
            assert_eq!((i64::from(taken.unknown != 0), taken.last), (0, report.number));
            return (longest, parts);
        }
    }
}

fn all(shop: &Shop) -> Vec<Used> {
    let today = Day::of(START);
    let days = Days { from: today, to: today };
    let filter = UsageFilter { customer: None, lease: None, days };
    let lines = shop.store.usage(&filter, None, 100_000).unwrap();
    lines.iter().map(|line| line.used).collect()
}

/// The times are printed, not judged: they are the machine's. In a release build on a virtual
/// machine with two cores a part takes a few milliseconds.
#[test]
fn a_report_about_ten_thousand_leases_is_taken_in_ten_parts() {
    let shop = Shop::new();
    shop.stock(40);
    let ann = shop.customer(100_000_000);
    let leases = shop.order(ann, ProxyKind::Ipv4, 10_000);
    for number in 1..=2 {
        let (longest, parts) = timed(&shop, &report(number, &leases));
        eprintln!("report {number}: {parts} parts, the longest took {longest:?}");
        assert_eq!(parts, 10);
        assert_eq!(
            all(&shop),
            vec![(0..number).fold(Used::default(), |sum, _| sum.plus(USED)); 10_000]
        );
    }
}

#[test]
fn a_report_is_gone_on_with_where_a_server_has_died() {
    let shop = Shop::new();
    shop.stock(20);
    let ann = shop.customer(100_000_000);
    let leases = shop.order(ann, ProxyKind::Ipv4, 2_500);
    let report = report(1, &leases);
    let part = shop.store.take_usage("main", &report, START).unwrap();
    assert!(part.is_partly && part.last == 0);
    assert_eq!(all(&shop).len(), 1_000);
    let shop = shop.reopened();
    let (_, parts) = timed(&shop, &report);
    assert_eq!((parts, all(&shop)), (2, vec![USED; 2_500]));
    assert_eq!(timed(&shop, &report).1, 1, "it is known");
    assert_eq!(all(&shop), vec![USED; 2_500]);
}
