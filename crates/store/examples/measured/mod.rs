//! The shop in which extensions are measured.

#![expect(clippy::unwrap_used, clippy::float_arithmetic, reason = "a measurement for people")]

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::command::{Command, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CustomerId, LeaseId};
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::{AccessWish, PlaceOrder};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::select::{Among, Selection};
use domain::time::{Span, Time};
use store::Store;
use store::records::{NewAddress, NewCustomer};

/// How many customers there are.
pub(crate) const CUSTOMERS: u32 = 10_000;
/// How many leases each has.
pub(crate) const LEASES: u32 = 100;
/// When it opens.
pub(crate) const START: Time = Time::from_millis_const(1_700_000_000_000);

const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[kinds.IPv4]
periods = [1, 30]
quantity = [1, 1000]

[[products]]
kind = "IPv4"
countries = ["USA"]
per_day.USD = "0.05"
reserve_hours = 24
"#;

/// A shop with customers who have leases and money.
pub(crate) struct Shop {
    pub(crate) store: Arc<dyn Store>,
    opened: Instant,
    dice: u64,
}

impl Shop {
    /// Opens it in a new store.
    pub(crate) fn create(store: Arc<dyn Store>) -> Shop {
        store.apply_catalogue(CATALOGUE, START).unwrap();
        let new: Vec<NewAddress> = (0..CUSTOMERS * LEASES)
            .map(|number| NewAddress {
                pool: ProductKey::parse("IPv4/USA").unwrap(),
                ip: Ipv4Addr::from(0x0a00_0000 + number).into(),
                slot: 0,
                gateway: "main".into(),
                modem: None,
            })
            .collect();
        for new in new.chunks(100_000) {
            store.add_addresses(new, START).unwrap();
        }
        for _ in 0..CUSTOMERS {
            let new = NewCustomer { name: "Ann".into(), email: None, currency: Currency::USD };
            let customer = store.create_customer(&new, START).unwrap();
            let amount = Money::from_minor(Money::MINOR_MAX, Currency::USD);
            let deposit = Wish::Deposit(Deposit { customer, amount, note: String::new() });
            let order = Wish::Order(Box::new(order(customer)));
            let batch = [deposit, order].map(Command::plain);
            let decisions = store.transact(&batch, START).unwrap();
            assert!(decisions.iter().all(|decision| decision.result.is_ok()));
        }
        Shop::again(store)
    }

    /// Opens it again in a store in which it has been created.
    pub(crate) fn again(store: Arc<dyn Store>) -> Shop {
        Shop { store, opened: Instant::now(), dice: 0x9e37_79b9_7f4a_7c15 }
    }

    /// The shop's time passes as ours does.
    pub(crate) fn now(&self) -> Time {
        START + Span::from_millis(i64::try_from(self.opened.elapsed().as_millis()).unwrap())
    }

    pub(crate) fn extensions_per_second(
        &mut self,
        group: usize,
        leases: u32,
        time: Duration,
    ) -> f64 {
        let (started, mut done) = (Instant::now(), 0_u32);
        while started.elapsed() < time {
            let batch: Vec<Command> = (0..group).map(|_| self.wish(leases)).collect();
            let decisions = self.store.transact(&batch, self.now()).unwrap();
            assert!(decisions.iter().all(|decision| decision.result.is_ok()));
            done += u32::try_from(group).unwrap();
        }
        f64::from(done) / started.elapsed().as_secs_f64()
    }

    /// The median of extensions that are alone in their commits.
    pub(crate) fn alone(&mut self, leases: u32) -> Duration {
        let mut times: Vec<Duration> = (0..500)
            .map(|_| {
                let wish = self.wish(leases);
                let started = Instant::now();
                self.store.transact(&[wish], self.now()).unwrap();
                started.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    }

    /// What it takes to load what a quote for one lease needs.
    pub(crate) fn look(&mut self) -> Duration {
        const LOOKS: u32 = 50_000;
        let Wish::Extend(extend) = self.wish(1).wish else { unreachable!("it makes no other") };
        let needs = extend.needs();
        let started = Instant::now();
        for _ in 0..LOOKS {
            black_box(self.store.load(&needs, START).unwrap());
        }
        started.elapsed() / LOOKS
    }

    /// The same from two threads.
    #[allow(dead_code, reason = "one of the measurements does not ask for it")]
    pub(crate) fn two_at_once(&mut self, group: usize, time: Duration) -> f64 {
        let mut other = Shop::again(self.store.clone());
        other.dice = self.next() | 1;
        std::thread::scope(|scope| {
            let other = scope.spawn(move || other.extensions_per_second(group, 1, time));
            self.extensions_per_second(group, 1, time) + other.join().unwrap()
        })
    }

    /// The same for one customer.
    #[allow(dead_code, reason = "one of the measurements does not ask for it")]
    pub(crate) fn hot(&mut self, group: usize, time: Duration) -> f64 {
        let (started, mut done) = (Instant::now(), 0_u32);
        while started.elapsed() < time {
            let batch: Vec<Command> =
                (0..group).map(|_| self.wish_of(u64::try_from(group).unwrap(), 1, 1)).collect();
            let decisions = self.store.transact(&batch, self.now()).unwrap();
            assert!(decisions.iter().all(|decision| decision.result.is_ok()));
            done += u32::try_from(group).unwrap();
        }
        f64::from(done) / started.elapsed().as_secs_f64()
    }

    pub(crate) fn wish(&mut self, leases: u32) -> Command {
        let customer = self.next() % u64::from(CUSTOMERS);
        self.wish_of(customer, leases, 30)
    }

    fn wish_of(&mut self, customer: u64, leases: u32, days: u32) -> Command {
        let first = customer * u64::from(LEASES);
        let ids = match leases {
            1 => vec![first + self.next() % u64::from(LEASES)],
            count => (first..first + u64::from(count)).collect(),
        };
        let ids = ids.into_iter().map(|id| LeaseId(i64::try_from(id + 1).unwrap())).collect();
        let wish = Wish::Extend(Extend {
            customer: CustomerId(i64::try_from(customer + 1).unwrap()),
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(ids)),
            among: Among::All,
            period: PeriodWish::Days(days),
            promo: None,
        });
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.next().to_le_bytes());
        key[8..].copy_from_slice(&self.next().to_le_bytes());
        let source = KeySource::Header;
        let idempotency = Some(Idempotency { key, fingerprint: key, source });
        Command { wish, idempotency, at: None }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }
}

fn order(customer: CustomerId) -> PlaceOrder {
    PlaceOrder {
        customer,
        kind: Some(ProxyKind::Ipv4),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: None,
        rotation_seconds: None,
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: None,
        goal: Some("reading".into()),
        quantity: Some(LEASES),
        promo: None,
        seed: [5; 16],
    }
}
