//! The shop in which the cases play.

use std::net::IpAddr;
use std::sync::Arc;

use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{CustomerId, EntryId, LeaseId, OrderId};
use domain::journal::{Entry, Event, Granted};
use domain::kind::ProxyKind;
use domain::money::{Currency, Money, Percent};
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::proxy::Proxy;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use domain::sweep::{Sweep, Swept};
use domain::time::{Span, Time};

use super::Make;
use crate::Store;
use crate::records::{EntryFilter, NewAddress, NewCustomer, NewPrefix, NewPromo, ProxyFilter};

/// What the shop sells: IPv4 in the USA at 5 cents a day and $1.31 for 30 days; the other kinds at
/// 10 cents a day, IPv4 in Germany too. The package `pair` is IPv4 of Germany and the USA, at 5 cents a
/// day and kept for six hours. An address is kept for a day, in Germany for half of one,
/// a modem not at all. The gateway `narrow` has ports for four leases.
pub const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[gateways.narrow]
host = "127.0.0.2"
http_port = 8081
socks_port = 8082
shared_ports = [65528, 65535]

[kinds.IPv4]
periods = [30, 60, 90, 180, 360]
quantity = [1, 1000]
reserve_hours = 24
cooling_hours = 24
renew_lead_hours = 24
renew_retry_minutes = 60
volume_discounts = { "10" = "5", "50" = "10" }
period_discounts = { "90" = "5", "180" = "10" }

[kinds.IPv6]
periods = [30, 90]
quantity = [1, 1000]
volume_discounts = { "3" = "10" }

[kinds.MOBILE]
periods = [30]
quantity = [1, 50]
reserve_hours = 0
cooling_hours = 1

[kinds.ISP]
periods = [30, 360]
quantity = [1, 500]

[[operators]]
tag = "verizon"
name = "Verizon"
country = "USA"
rotation_seconds = [300, 600, 1800]

[[modems]]
name = "m1"
gateway = "main"
driver.simulator = { exits = ["127.0.0.2", "127.0.0.3"] }

[[modems]]
name = "m2"
gateway = "main"
driver.simulator = { exits = ["127.0.0.4"] }

[[modems]]
name = "m3"
gateway = "main"
driver.simulator = { exits = ["127.0.0.5"] }

[[products]]
kind = "IPv4"
country = "USA"
per_day.USD = "0.05"
per_day.EUR = "0.05"
per_period.USD = { "30" = "1.31" }

[[products]]
kind = "IPv4"
country = "DEU"
per_day.USD = "0.10"
reserve_hours = 12

[[packages]]
tag = "pair"
name = "Pair"
number = 1
kind = "IPv4"
countries = ["DEU", "USA"]
quantities = [2, 3, 5]
per_day.USD = "0.05"
reserve_hours = 6

[[products]]
kind = "IPv6"
country = "USA"
per_day.USD = "0.10"

[[products]]
kind = "MOBILE"
country = "USA"
operator = "verizon"
per_day.USD = "0.10"

[[products]]
kind = "ISP"
country = "USA"
per_day.USD = "0.10"
"#;

/// A store with [`CATALOGUE`] in force, and the time.
pub struct Shop {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time; cases move it.
    pub now: Time,
}

impl Shop {
    /// Opens the shop in a new store, in the year 2027.
    pub fn open(make: &mut Make<'_>) -> Shop {
        Shop::furnish(Arc::from(make()))
    }

    /// The same in a store that is there.
    pub fn furnish(store: Arc<dyn Store>) -> Shop {
        let now = Time::from_millis(1_800_000_000_000);
        store.apply_catalogue(CATALOGUE, now).unwrap();
        Shop { store, now }
    }

    /// A new customer with `minor` US cents in his wallet.
    pub fn customer(&self, name: &str, minor: i64) -> CustomerId {
        let currency = Currency::USD;
        let new = NewCustomer { name: name.to_owned(), email: None, currency };
        let id = self.store.create_customer(&new, self.now).unwrap();
        if minor > 0 {
            self.deposit(id, minor);
        }
        id
    }

    /// Pays in US cents.
    pub fn deposit(&self, customer: CustomerId, minor: i64) {
        let deposit = Deposit { customer, amount: usd(minor), note: "cash".into() };
        self.done(Command::plain(Wish::Deposit(deposit)));
    }

    /// Adds `count` addresses of `kind` in the USA, each in a network of its own.
    pub fn stock(&self, kind: ProxyKind, count: u32) {
        let addresses: Vec<NewAddress> = (0..count)
            .map(|number| address(&product(kind), exit(kind, number), 0, "main"))
            .collect();
        self.store.add_addresses(&addresses, self.now).unwrap();
    }

    /// Adds `count` IPv4 addresses in Germany, from the number `first` on.
    pub fn stock_german(&self, first: u32, count: u32) {
        let numbers = first..first + count;
        let addresses: Vec<NewAddress> = numbers
            .map(|number| address(&german(), exit(ProxyKind::Ipv4, number), 0, "main"))
            .collect();
        self.store.add_addresses(&addresses, self.now).unwrap();
    }

    /// Adds the addresses of an IPv6 prefix.
    pub fn prefix(&self, base: &str, length: u8, gateway: &str) -> bool {
        let (pool, base) = (product(ProxyKind::Ipv6), base.parse().unwrap());
        let new = NewPrefix { pool, base, length, gateway: gateway.to_owned() };
        self.store.add_prefix(&new, self.now).unwrap()
    }

    /// Adds a promo code that takes `percent` off everything.
    pub fn promo(&self, code: &str, percent: &str, most: Option<u32>, each: Option<u32>) {
        let made = self.store.create_promo(&promo(code, percent, most, each), self.now).unwrap();
        assert!(made.is_some(), "{code} is new");
    }

    /// Decides commands in one batch.
    pub fn batch(&self, commands: &[Command]) -> Vec<Decision> {
        let decisions = self.store.transact(commands, self.now).unwrap();
        assert_eq!(decisions.len(), commands.len(), "a decision for each command");
        decisions
    }

    /// Decides one command.
    pub fn decide(&self, command: Command) -> Decision {
        self.batch(&[command]).remove(0)
    }

    /// Decides one command, which must not be refused; says what was written.
    #[track_caller]
    pub fn done(&self, command: Command) -> (EntryId, Event) {
        match self.decide(command).result {
            Ok(Outcome::Done { entry: Some(entry), event, .. }) => (entry, *event),
            other => panic!("it was not done: {other:?}"),
        }
    }

    /// Decides one command, which must be refused.
    #[track_caller]
    pub fn refused(&self, command: Command) -> Refusal {
        self.decide(command).result.expect_err("it must be refused")
    }

    /// Orders `quantity` of `kind` for 30 days, which must succeed.
    #[track_caller]
    pub fn ordered(&self, customer: CustomerId, kind: ProxyKind, quantity: u32) -> Vec<Granted> {
        grants(&self.done(order(customer, kind, quantity).into_command()).1)
    }

    /// Sweeps whatever is due by now; says what was done in all.
    pub fn sweep(&self) -> Swept {
        let mut total = Swept::default();
        for due in self.store.due(self.now, 10_000).unwrap() {
            let sweep = Sweep { customer: due.customer, leases: vec![due.lease] };
            let decision = self.decide(Command::plain(Wish::Sweep(sweep)));
            let Ok(Outcome::Swept(swept)) = decision.result else {
                panic!("a sweep is never refused: {decision:?}")
            };
            total.renewed += swept.renewed;
            total.failed += swept.failed;
            total.ended += swept.ended;
            total.released += swept.released;
        }
        total
    }

    /// Lets time pass, without anything being done.
    pub fn wait(&mut self, span: Span) {
        self.now = self.now + span;
    }

    /// What is in a wallet, in minor units.
    pub fn balance(&self, customer: CustomerId) -> i64 {
        self.store.customer(customer).unwrap().unwrap().1.balance.minor()
    }

    /// The live leases of a customer.
    pub fn live(&self, customer: CustomerId) -> Vec<Proxy> {
        self.store.proxies(customer, &ProxyFilter::default(), None, 100_000, self.now).unwrap()
    }

    /// One live lease.
    #[track_caller]
    pub fn lease(&self, customer: CustomerId, id: LeaseId) -> Proxy {
        self.live(customer).into_iter().find(|proxy| proxy.lease.id == id).expect("it is live")
    }

    /// The leases of a customer that are in reserve.
    pub fn reserved(&self, customer: CustomerId) -> Vec<Proxy> {
        let filter = ProxyFilter { kind: None, in_reserve: true };
        self.store.proxies(customer, &filter, None, 100_000, self.now).unwrap()
    }

    /// The whole journal.
    pub fn journal(&self) -> Vec<Entry> {
        let filter = EntryFilter::default();
        self.store.entries(&filter, None, 1_000_000).unwrap()
    }

    /// Free, let, resting and undrawn addresses of `kind` in the USA at the gateway `main`.
    pub fn stocked(&self, kind: ProxyKind) -> (u64, u64, u64, u64) {
        let lines = self.store.stock(self.now).unwrap();
        let line = lines.iter().find(|it| it.pool == product(kind) && it.gateway == "main");
        line.map_or((0, 0, 0, 0), |it| (it.free, it.leased, it.cooling, it.undrawn))
    }

    /// Proves the books.
    #[track_caller]
    pub fn audit(&self) {
        let mut told = 0;
        let report = self.store.audit(&mut |done| told = done).unwrap();
        assert_eq!(report.violations, [], "the books are sound");
        let journal = self.journal();
        assert_eq!(report.entries, u64::try_from(journal.len()).unwrap());
        assert!(told <= report.entries, "progress counts entries");
        let postings: usize = journal.iter().map(|entry| entry.postings.len()).sum();
        assert_eq!(report.postings, u64::try_from(postings).unwrap());
    }
}

/// So many US cents.
pub fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// The product of `kind` in the USA.
pub fn product(kind: ProxyKind) -> ProductKey {
    let operator = (kind == ProxyKind::Mobile).then(|| "verizon".to_owned());
    ProductKey { kind, country: Country::from_alpha3("USA").unwrap(), operator, package: None }
}

/// IPv4 in Germany.
pub fn german() -> ProductKey {
    ProductKey::parse("IPv4/DEU").unwrap()
}

/// The exit with this number. Those of IPv4 are in a network each, those of IPv6 all in one, so
/// that which of them an order gets does not depend on how many are looked at.
pub fn exit(kind: ProxyKind, number: u32) -> IpAddr {
    let [_, _, high, low] = number.to_be_bytes();
    match kind {
        ProxyKind::Ipv4 => [10, high, low, 1].into(),
        ProxyKind::Mobile => [11, high, low, 1].into(),
        ProxyKind::Isp => [12, high, low, 1].into(),
        ProxyKind::Ipv6 => {
            let [high, low] = [u16::from(high), u16::from(low)];
            [0x2001, 0xdb8, 0, 0, 1, high, low, 1].into()
        }
    }
}

/// An address to be added.
pub fn address(pool: &ProductKey, ip: IpAddr, slot: u32, gateway: &str) -> NewAddress {
    NewAddress { pool: pool.clone(), ip, slot, gateway: gateway.to_owned(), modem: None }
}

/// A promo code for everything and everybody.
pub fn promo(code: &str, percent: &str, most: Option<u32>, each: Option<u32>) -> NewPromo {
    NewPromo {
        code: code.to_owned(),
        discount: Percent::parse(percent).unwrap(),
        starts_at: Time::EPOCH,
        ends_at: None,
        max_uses: most,
        per_customer: each,
        kinds: Vec::new(),
        for_orders: true,
        for_extensions: true,
        customer: None,
        descriptions: Vec::new(),
    }
}

/// What an order has granted.
#[track_caller]
pub fn grants(event: &Event) -> Vec<Granted> {
    match event {
        Event::Order { leases, .. } => leases.clone(),
        other => panic!("{} is no order", other.name()),
    }
}

/// A wish, as a command that is decided when its batch is.
pub trait IntoCommand {
    /// The command.
    fn into_command(self) -> Command;
}

impl IntoCommand for PlaceOrder {
    fn into_command(self) -> Command {
        Command::plain(Wish::Order(Box::new(self)))
    }
}

impl IntoCommand for Extend {
    fn into_command(self) -> Command {
        Command::plain(Wish::Extend(self))
    }
}

impl IntoCommand for SetAutoExtend {
    fn into_command(self) -> Command {
        Command::plain(Wish::SetAutoExtend(self))
    }
}

/// An order in the USA for 30 days that has all it needs.
pub fn order(customer: CustomerId, kind: ProxyKind, quantity: u32) -> PlaceOrder {
    PlaceOrder {
        customer,
        kind: Some(kind),
        country: Country::from_alpha3("USA"),
        package: None,
        operator: Some("verizon".into()),
        rotation_seconds: Some(300),
        access: AccessWish::Login,
        period: PeriodWish::Days(30),
        protocol: Some(Protocol::Http),
        goal: Some("parsing".into()),
        quantity: Some(quantity),
        promo: None,
        seed: [1; 16],
    }
}

/// An order of the package `pair` for 30 days.
pub fn package(customer: CustomerId, quantity: u32) -> PlaceOrder {
    let package = Some("pair".into());
    PlaceOrder { package, country: None, goal: None, ..order(customer, ProxyKind::Ipv4, quantity) }
}

/// An extension of leases by 30 days.
pub fn extend(customer: CustomerId, kind: ProxyKind, leases: &[LeaseId]) -> Extend {
    extend_selected(customer, kind, Selection::Leases(Some(leases.to_vec())))
}

/// An extension of orders by 30 days.
pub fn extend_orders(customer: CustomerId, kind: ProxyKind, orders: &[OrderId]) -> Extend {
    extend_selected(customer, kind, Selection::Orders(Some(orders.to_vec())))
}

fn extend_selected(customer: CustomerId, kind: ProxyKind, leases: Selection) -> Extend {
    let (kind, among, period) = (Some(kind), Among::All, PeriodWish::Days(30));
    Extend { customer, kind, leases, among, period, promo: None }
}

/// The instruction to extend leases by 30 days, or not to.
pub fn auto_extend(
    customer: CustomerId,
    kind: ProxyKind,
    leases: &[LeaseId],
    on: bool,
) -> SetAutoExtend {
    let (leases, period) = (Selection::Leases(Some(leases.to_vec())), PeriodWish::Days(30));
    SetAutoExtend {
        customer,
        kind: Some(kind),
        leases,
        among: Among::All,
        period,
        on: Some(on),
        card: None,
    }
}

/// `command` under a key that the customer gave, for the request `body`.
pub fn keyed(command: Command, key: u8, body: u8) -> Command {
    let (key, fingerprint, source) = ([key; 16], [body; 16], KeySource::Header);
    Command { idempotency: Some(Idempotency { key, fingerprint, source }), ..command }
}

/// `command` without a key, for the request `body`, remembered by itself for `kept`.
pub fn keyless(command: Command, body: u8, kept: Span) -> Command {
    let (key, fingerprint, source) = ([body; 16], [body; 16], KeySource::Request(kept));
    Command { idempotency: Some(Idempotency { key, fingerprint, source }), ..command }
}

/// All of `span` but its last millisecond.
pub fn but_a_moment(span: Span) -> Span {
    Span::from_millis(span.millis() - 1)
}
