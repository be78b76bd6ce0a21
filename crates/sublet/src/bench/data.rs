//! The shop that is measured: customers with a hundred leases each.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use domain::command::{Command, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::ids::{CustomerId, LeaseId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money};
use domain::order::{AccessWish, PlaceOrder};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::time::{Span, Time};
use store::Store;
use store::records::{NewAddress, NewApiKey, NewCustomer};

use crate::database::Database;

/// How many leases a customer has.
pub(super) const LEASES: u32 = 100;

/// How many customers buy together while a shop is filled.
const GROUP: usize = 50;

/// How many leases an order can have.
const ORDER_MOST: u32 = 10_000;

/// When a shop is set up whose clock starts with it.
pub(super) const SET_UP_AT: Time = Time::from_millis_const(1_800_000_000_000);

pub(super) const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[kinds.IPv4]
periods = [30, 60, 90, 180, 360]
quantity = [1, 10000]

[[products]]
kind = "IPv4"
country = "USA"
per_day.USD = "0.05"
"#;

/// A shop that was set up.
pub(super) struct Shop {
    pub(super) store: Arc<dyn Store>,
    pub(super) customers: Vec<Customer>,
    /// When it was set up.
    pub(super) at: Time,
}

/// One of its customers.
#[derive(Clone)]
pub(super) struct Customer {
    pub(super) id: CustomerId,
    pub(super) key: String,
    pub(super) leases: Vec<LeaseId>,
}

/// Opens a new, empty database.
pub(super) fn empty(file: &Path) -> Result<Arc<dyn Store>> {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    let database = Database::in_file(file.to_owned());
    let store = database
        .open_to_serve(true, true, "this machine")
        .map_err(|problem| anyhow!("{problem}"))?;
    store.apply_catalogue(CATALOGUE, SET_UP_AT)?;
    Ok(store)
}

/// A shop with `customers` who have `leases` each and plenty of money.
pub(super) fn shop(file: &Path, customers: u32, leases: u32) -> Result<Shop> {
    fill(empty(file)?, &vec![leases; usize::try_from(customers)?], SET_UP_AT)
}

/// Fills a shop that is open and empty at `at`, with a customer for each of `leases`, who has so
/// many and plenty of money.
pub(super) fn fill(store: Arc<dyn Store>, leases: &[u32], at: Time) -> Result<Shop> {
    add_stock(store.as_ref(), 0, leases.iter().sum(), at)?;
    let mut customers = Vec::new();
    for number in 0..leases.len() {
        customers.push(add_customer(store.as_ref(), number, at)?);
    }
    for (group, leases) in customers.chunks_mut(GROUP).zip(leases.chunks(GROUP)) {
        let deposits: Vec<Command> = group.iter().map(|customer| deposit(customer.id)).collect();
        store.transact(&deposits, at)?;
        let mut missing = leases.to_vec();
        while missing.iter().any(|leases| *leases > 0) {
            let wants = missing.iter_mut().zip(group.iter_mut());
            let (orders, buyers): (Vec<Command>, Vec<&mut Customer>) = wants
                .filter(|(missing, _)| **missing > 0)
                .map(|(missing, customer)| {
                    let quantity = (*missing).min(ORDER_MOST);
                    *missing -= quantity;
                    (order(customer.id, quantity), customer)
                })
                .unzip();
            for (customer, decision) in buyers.into_iter().zip(store.transact(&orders, at)?) {
                let Ok(Outcome::Done { event, .. }) = decision.result else {
                    bail!("an order was refused: {:?}", decision.result);
                };
                let Event::Order { leases, .. } = *event else { bail!("no order") };
                customer.leases.extend(leases.iter().map(|granted| granted.lease));
            }
        }
    }
    Ok(Shop { store, customers, at })
}

/// Adds a customer with a key.
fn add_customer(store: &dyn Store, number: usize, at: Time) -> Result<Customer> {
    let name = format!("Customer {number}");
    let new = NewCustomer { name, email: None, currency: Currency::USD };
    let id = store.create_customer(&new, at)?;
    let secret = engine::secret::new_api_key(random());
    let key = secret.reveal().to_owned();
    store.create_key(
        &NewApiKey {
            hash: engine::secret::hash(&key),
            customer: id,
            name: "bench".into(),
            allowed: vec![],
            read_only: false,
            repeat_window: Span::ZERO,
            requests_per_minute: None,
            expires_at: None,
        },
        at,
    )?;
    Ok(Customer { id, key, leases: vec![] })
}

/// Adds so many addresses of 127.0.0.0/8 behind those that are there, none of which is ever
/// connected to.
pub(super) fn add_stock(store: &dyn Store, there: u32, count: u32, at: Time) -> Result<()> {
    let pool = ProductKey::parse("IPv4/USA").context("the pool is well-formed")?;
    let first = u32::from(Ipv4Addr::new(127, 1, 0, 0)) + there;
    let all: Vec<u32> = (first..first + count).collect();
    for chunk in all.chunks(10_000) {
        let new: Vec<NewAddress> = chunk
            .iter()
            .map(|ip| NewAddress {
                pool: pool.clone(),
                ip: IpAddr::V4(Ipv4Addr::from(*ip)),
                slot: 0,
                gateway: "main".into(),
                modem: None,
            })
            .collect();
        store.add_addresses(&new, at)?;
    }
    Ok(())
}

fn deposit(customer: CustomerId) -> Command {
    let amount = Money::from_minor(1_000_000_000, Currency::USD);
    Command::plain(Wish::Deposit(Deposit { customer, amount, note: String::new() }))
}

fn order(customer: CustomerId, quantity: u32) -> Command {
    Command::plain(Wish::Order(Box::new(PlaceOrder {
        customer,
        kind: Some(ProxyKind::Ipv4),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: None,
        rotation_seconds: None,
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: None,
        goal: Some("benchmark".into()),
        quantity: Some(quantity),
        promo: None,
        seed: random(),
    })))
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// A small, fast generator: the choice of customers must not cost what is measured.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new() -> Dice {
        Dice(u64::from_le_bytes(random()) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).expect("it is below a usize")
    }
}
