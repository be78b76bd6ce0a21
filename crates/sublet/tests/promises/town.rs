//! A shop, its customers, and what they have rented.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::customer::Customer;
use e2e::proxies::Proxy;
use e2e::shop::{Setup, Shop};

use crate::BINARY;

/// How many addresses an order may have.
const ORDER_MAX: u32 = 100;

/// A shop on loopback.
pub(crate) struct Town {
    pub(crate) shop: Shop,
    /// What is measured here would be disturbed by other tests.
    _alone: MutexGuard<'static, ()>,
}

/// What was rented together.
pub(crate) struct Rental {
    /// The order was carried out between these.
    pub(crate) ordered: (Instant, Instant),
    pub(crate) proxies: Vec<Proxy>,
}

impl Town {
    pub(crate) fn open() -> Town {
        Town::opened(setup().open())
    }

    pub(crate) fn opened(shop: Shop) -> Town {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        Town { shop, _alone: alone }
    }

    /// A customer who rents so many addresses, in orders of at most `each`, all of which work.
    #[track_caller]
    pub(crate) fn rents(&self, count: u32, each: u32) -> (Customer, Vec<Rental>) {
        let ann = self.shop.customer("Ann", "5000.00");
        let mut rentals = Vec::new();
        let mut left = count;
        while left > 0 {
            let now = left.min(each).min(ORDER_MAX);
            left -= now;
            let body = order("IPv4", "USA", now, 30);
            let before = Instant::now();
            let number = self.shop.post(&ann, "/order", &body).ok()["orderNumber"].clone();
            rentals.push((number, (before, Instant::now())));
        }
        let listed = self.shop.get(&ann, "/ipAddress?proxyType=IPv4").ok();
        let listed = listed["IPv4"].as_array().unwrap();
        let rented = |(number, ordered)| {
            let order = listed.iter().find(|order| order["orderNumber"] == number).unwrap();
            let proxies = order["ipAddresses"].as_array().unwrap();
            Rental { ordered, proxies: proxies.iter().map(Proxy::listed).collect() }
        };
        let rentals: Vec<Rental> = rentals.into_iter().map(rented).collect();
        let last = rentals.last().unwrap().proxies.last().unwrap();
        let shop = self.shop.address();
        soon("it is served", || {
            // The shop's own port is closed to them, but that is said to those who are known.
            last.http_tunnel(shop).is_err_and(|refused| refused.ends_with("403"))
        });
        (ann, rentals)
    }
}

/// A shop that is not open yet.
pub(crate) fn setup() -> Setup {
    Setup::new(BINARY)
        .traffic("127.0.0.9")
        .alone()
        .log("warn")
        .stock("--kind IPv4 --country USA --cidr 127.40.0.0/21")
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(20), "not so: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// How long something took of which so many of a thousand took no longer, in milliseconds.
pub(crate) fn percentile(times: &mut [Duration], of_thousand: usize) -> f64 {
    times.sort_unstable();
    let at = (times.len() * of_thousand / 1000).min(times.len() - 1);
    times[at].as_secs_f64() * 1e3
}

/// Memory that a process has for itself.
pub(crate) fn memory_kib(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
