//! A small shop to try things in.

use std::path::PathBuf;

use domain::access::Access;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CustomerId, LeaseId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::{AccessWish, PlaceOrder};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::select::{Among, Selection};
use domain::sweep::Sweep;
use domain::time::{Span, Time};
use tempfile::TempDir;

use super::super::{Create, Options, SqliteStore};
use crate::Store;
use crate::records::{NewAddress, NewCustomer, NewPrefix};

/// IPv4 in the USA at five cents a day with a day of reserve, and IPv6 in Germany.
pub(super) const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[kinds.IPv4]
periods = [30]
quantity = [1, 10000]

[kinds.IPv6]
periods = [30]
quantity = [1, 1000]

[[products]]
kind = "IPv4"
countries = ["USA"]
per_day.USD = "0.05"
reserve_hours = 24

[[products]]
kind = "IPv6"
countries = ["DEU"]
per_day.USD = "0.01"
reserve_hours = 24
"#;

/// When the tests begin.
pub(super) const START: Time = Time::from_millis_const(1_700_000_000_000);

/// A shop in a folder of its own.
pub(super) struct Shop {
    pub(super) folder: TempDir,
    pub(super) store: SqliteStore,
}

impl Shop {
    /// A shop with the catalogue, 512 IPv4 addresses and an IPv6 prefix.
    pub(super) fn new() -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&options(&folder)).unwrap();
        let shop = Shop { folder, store };
        shop.store.apply_catalogue(CATALOGUE, START).unwrap();
        shop.stock(2);
        let prefix = NewPrefix {
            pool: ProductKey::parse("IPv6/DEU").unwrap(),
            base: "2001:db8::".parse().unwrap(),
            length: 64,
            gateway: "main".into(),
        };
        assert!(shop.store.add_prefix(&prefix, START).unwrap());
        shop
    }

    /// Adds so many networks of 256 IPv4 addresses.
    pub(super) fn stock(&self, networks: u32) {
        let new: Vec<NewAddress> = (0..networks * 256)
            .map(|number| NewAddress {
                pool: ProductKey::parse("IPv4/USA").unwrap(),
                ip: std::net::Ipv4Addr::from(0x0a00_0000 + number).into(),
                slot: 0,
                gateway: "main".into(),
                modem: None,
            })
            .collect();
        self.store.add_addresses(&new, START).unwrap();
    }

    /// The same database, opened again.
    pub(super) fn reopened(self) -> Shop {
        let Shop { folder, store } = self;
        drop(store);
        let store = SqliteStore::open(&options(&folder)).unwrap();
        Shop { folder, store }
    }

    /// A second store on the same file.
    pub(super) fn neighbour(&self) -> SqliteStore {
        SqliteStore::open(&options(&self.folder)).unwrap()
    }

    /// A customer with so many cents.
    pub(super) fn customer(&self, minor: i64) -> CustomerId {
        let new = NewCustomer { name: "Ann".into(), email: None, currency: Currency::USD };
        let id = self.store.create_customer(&new, START).unwrap();
        done(&run(&self.store, deposit(id, minor), START));
        id
    }

    /// The leases that the customer gets when he orders so many.
    pub(super) fn order(&self, customer: CustomerId, kind: ProxyKind, count: u32) -> Vec<LeaseId> {
        granted(&run(&self.store, order(customer, kind, count), START))
    }
}

/// Where the books of a shop in `folder` are.
pub(super) fn options(folder: &TempDir) -> Options {
    Options {
        path: path(folder),
        key_file: folder.path().join("sublet.key"),
        create: Create::IfMissing { sandbox: true },
        migrate: true,
        readers: 2,
    }
}

pub(super) fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("sublet.db")
}

pub(super) fn run(store: &SqliteStore, command: Command, now: Time) -> Decision {
    store.transact(&[command], now).unwrap().remove(0)
}

/// What was done.
#[track_caller]
pub(super) fn done(decision: &Decision) -> Event {
    match &decision.result {
        Ok(Outcome::Done { event, .. }) => (**event).clone(),
        other => panic!("nothing was done: {other:?}"),
    }
}

#[track_caller]
pub(super) fn granted(decision: &Decision) -> Vec<LeaseId> {
    match done(decision) {
        Event::Order { leases, .. } => leases.iter().map(|granted| granted.lease).collect(),
        other => panic!("this is no order: {other:?}"),
    }
}

pub(super) fn deposit(customer: CustomerId, minor: i64) -> Command {
    let amount = Money::from_minor(minor, Currency::USD);
    Command::plain(Wish::Deposit(Deposit { customer, amount, note: "cash".into() }))
}

pub(super) fn order(customer: CustomerId, kind: ProxyKind, count: u32) -> Command {
    let country = if kind == ProxyKind::Ipv6 { "DEU" } else { "USA" };
    Command::plain(Wish::Order(Box::new(PlaceOrder {
        customer,
        kind: Some(kind),
        country: Country::from_alpha3(country),
        package: None,
        operator: None,
        rotation_seconds: None,
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: Some(domain::order::Protocol::Http),
        goal: Some("reading".into()),
        quantity: Some(count),
        promo: None,
        seed: [5; 16],
    })))
}

pub(super) fn extend(customer: CustomerId, leases: &[LeaseId]) -> Command {
    Command::plain(Wish::Extend(Extend {
        customer,
        kind: Some(ProxyKind::Ipv4),
        leases: Selection::Leases(Some(leases.to_vec())),
        among: Among::All,
        period: PeriodWish::Days(30),
        promo: None,
    }))
}

pub(super) fn sweep(customer: CustomerId, leases: &[LeaseId]) -> Command {
    Command::plain(Wish::Sweep(Sweep { customer, leases: leases.to_vec() }))
}

/// The command under an idempotency key.
pub(super) fn keyed(command: Command, key: u8) -> Command {
    let idempotency =
        Idempotency { key: [key; 16], fingerprint: [7; 16], source: KeySource::Header };
    Command { idempotency: Some(idempotency), ..command }
}

/// The command without a key, remembered for nothing unless its answer is lost.
pub(super) fn keyless(command: Command, fingerprint: u8) -> Command {
    let source = KeySource::Request(Span::ZERO);
    let print = [fingerprint; 16];
    let idempotency = Idempotency { key: print, fingerprint: print, source };
    Command { idempotency: Some(idempotency), ..command }
}

pub(super) fn days(days: u32) -> Span {
    Span::from_days(days)
}

/// The password of an order's leases.
pub(super) fn password(access: &Option<Access>) -> &str {
    match access {
        Some(Access::Login(login)) => &login.password,
        Some(Access::SourceIp(_)) | None => panic!("it has none"),
    }
}
