//! The shop in which the tests play, and who is in it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use api::Settings;
use domain::command::{Command, Outcome, Wish};
use domain::country::Country;
use domain::deposit::Deposit;
use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::journal::Event;
use domain::kind::ProxyKind;
use domain::money::{Currency, Money, Percent};
use domain::network::Network;
use domain::order::{AccessWish, PlaceOrder, Protocol};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::public_id::PublicIds;
use domain::sweep::Sweep;
use domain::time::{Span, Time};
use engine::batcher::{Bounds, Lane};
use engine::clock::Clock;
use engine::engine::Engine;
use engine::secret;
use serve::{Limits, Server};
use store::Store;
use store::memory::MemoryStore;
use store::records::{NewAddress, NewApiKey, NewCustomer, NewPromo};
use tokio::task::JoinHandle;

use crate::client::{Answer, Client, post};
use crate::trouble::Troubled;

const CATALOGUE: &str = r#"
[gateways.main]
host = "127.0.0.1"
http_port = 8081
socks_port = 8082
shared_ports = [20000, 29999]

[kinds.IPv4]
periods = [30, 60, 360]
quantity = [1, 1000]

[kinds.IPv6]
periods = [30, 90]
quantity = [1, 1000]

[kinds.MOBILE]
periods = [30, 360]
quantity = [1, 50]

[kinds.ISP]
periods = [30, 60]
quantity = [1, 500]

[[operators]]
tag = "verizon"
name = "Verizon"
country = "USA"
rotation_seconds = [0, 300, 600, 1800]

[[products]]
kind = "IPv4"
country = "USA"
per_day.USD = "0.05"
per_period.USD = { "30" = "1.31" }

[[products]]
kind = "IPv4"
country = "CAN"
per_day.USD = "0.05"

[[products]]
kind = "IPv6"
country = "USA"
per_day.USD = "0.01"

[[products]]
kind = "ISP"
country = "USA"
per_day.USD = "0.08"

[[products]]
kind = "MOBILE"
country = "USA"
operator = "verizon"
per_day.USD = "0.40"

[[packages]]
tag = "america-2"
name = "America"
number = 7
kind = "IPv4"
countries = ["USA", "CAN"]
quantities = [2, 4]
per_day.USD = "0.06"

[[packages]]
tag = "states-isp"
name = "The States"
number = 3
kind = "ISP"
countries = ["USA"]
quantities = [5]
per_day.USD = "0.09"
"#;

/// When the shop was set up.
const OPENED: Time = Time::from_millis_const(1_767_225_600_000);

/// A clock that the tests turn.
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    pub(crate) fn advance(&self, span: Span) {
        self.0.fetch_add(span.millis(), Ordering::SeqCst);
    }
}

/// An order and its leases.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    pub(crate) order: String,
    pub(crate) number: String,
    pub(crate) leases: Vec<String>,
}

impl Bought {
    pub(crate) fn lease(&self) -> &str {
        &self.leases[0]
    }
}

/// The shop. Ann has 100.00 dollars, leases `a4` and `a4b` of the IPv4 order `o4`, a mobile one, an
/// ISP one, and `o6` with three of IPv6. Bob has an IPv4 one and 50.00; Zoe has one and nothing
/// left. `over` was Ann's and is back in stock; `relet` was Ann's, and its address is Bob's now.
pub(crate) struct Shop {
    pub(crate) store: Arc<Troubled>,
    books: Option<Arc<MemoryStore>>,
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<TestClock>,
    server: JoinHandle<()>,
    pub(crate) ann: CustomerId,
    pub(crate) bob: CustomerId,
    /// The keys of Ann, Bob and Zoe.
    pub(crate) ka: String,
    pub(crate) kb: String,
    pub(crate) kz: String,
    /// Keys of Ann's: a revoked one, one for looking, one for another address.
    pub(crate) krev: String,
    pub(crate) kro: String,
    pub(crate) kip: String,
    /// A key of a suspended customer, who has nothing.
    pub(crate) ks: String,
    pub(crate) o4: Bought,
    pub(crate) am: Bought,
    pub(crate) ai: Bought,
    pub(crate) o6: Bought,
    pub(crate) ob: Bought,
    pub(crate) oz: Bought,
    pub(crate) over: Bought,
    pub(crate) relet: Bought,
    pub(crate) operator_token: String,
}

/// What a shop is made with.
#[derive(Default)]
pub(crate) struct With {
    pub(crate) settings: Settings,
    pub(crate) limits: Limits,
    pub(crate) bounds: Bounds,
    pub(crate) sandbox: bool,
    /// Another store than the one in memory.
    pub(crate) store: Option<Arc<dyn Store>>,
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        Shop::open_with(With::default()).await
    }

    pub(crate) async fn open_with(with: With) -> Shop {
        let books = with.store.is_none().then(|| Arc::new(MemoryStore::new(with.sandbox)));
        let store: Arc<dyn Store> = match (&books, with.store) {
            (Some(books), _) => books.clone(),
            (None, store) => store.unwrap(),
        };
        let store = Arc::new(Troubled::new(store));
        let mut making = Making::new(store.clone());
        let [ann, bob, zoe, sam] = ["Ann", "Bob", "Zoe", "Sam"].map(|name| making.customer(name));
        making.deposit(ann, 12_073);
        making.deposit(bob, 5_281);
        making.deposit(zoe, 131);
        let over = making.order(ann, ProxyKind::Ipv4, "USA", 1, 30);
        let relet = making.order(ann, ProxyKind::Ipv4, "CAN", 1, 30);
        making.pass_to_release(ann, &over, &relet);
        let o4 = making.order(ann, ProxyKind::Ipv4, "USA", 2, 30);
        let am = making.order(ann, ProxyKind::Mobile, "USA", 1, 30);
        let ai = making.order(ann, ProxyKind::Isp, "USA", 1, 30);
        let o6 = making.order(ann, ProxyKind::Ipv6, "USA", 3, 30);
        making.order(bob, ProxyKind::Ipv4, "CAN", 1, 30);
        let ob = making.order(bob, ProxyKind::Ipv4, "USA", 1, 30);
        let oz = making.order(zoe, ProxyKind::Ipv4, "USA", 1, 30);
        store.suspend_customer(sam, true).unwrap();

        let now = making.now;
        let clock = Arc::new(TestClock(AtomicI64::new(now.millis())));
        let token = secret::new_operator_token([9; 32]);
        store.create_operator_token("tests", &token.hash(), now).unwrap();
        let mut key = |customer, change: &dyn Fn(&mut NewApiKey)| making.key(customer, change);
        let [ka, kb, kz, ks] = [ann, bob, zoe, sam].map(|customer| key(customer, &|_| {}));
        let krev = key(ann, &|_| {});
        let kro = key(ann, &|new| new.read_only = true);
        let elsewhere = Network::parse("198.51.100.7").unwrap();
        let kip = key(ann, &|new| new.allowed = vec![elsewhere]);
        let last_key = store.keys(Some(ann)).unwrap()[1].id;
        store.revoke_key(last_key, now).unwrap();

        let engine = Engine::start(store.clone(), clock.clone(), with.bounds).unwrap();
        let server = Server::new(with.limits);
        let settings = Settings { stats: Some(server.stats()), ..with.settings };
        let router = api::router(engine.clone(), settings);
        let listener = serve::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            server.run(listener, router, std::future::pending::<()>()).await;
        });
        let operator_token = token.reveal().to_owned();
        Shop {
            store,
            books,
            engine,
            address,
            clock,
            server,
            ann,
            bob,
            ka,
            kb,
            kz,
            krev,
            kro,
            kip,
            ks,
            o4,
            am,
            ai,
            o6,
            ob,
            oz,
            over,
            relet,
            operator_token,
        }
    }

    pub(crate) fn a4(&self) -> &str {
        &self.o4.leases[0]
    }

    pub(crate) fn a4b(&self) -> &str {
        &self.o4.leases[1]
    }

    /// Adds a key of Ann's.
    pub(crate) fn new_key(&self, change: &dyn Fn(&mut NewApiKey)) -> String {
        let count = self.store.keys(None).unwrap().len() + 1;
        new_key(&*self.store, self.ann, count, self.engine.now(), change)
    }

    /// A new customer with this balance in cents, and a lease: its key and the lease's id.
    pub(crate) async fn newcomer(&self, balance: i64) -> (String, String) {
        let now = self.engine.now();
        let new = NewCustomer { name: "new".into(), email: None, currency: Currency::USD };
        let customer = self.store.create_customer(&new, now).unwrap();
        let amount = Money::from_minor(131 + balance, Currency::USD);
        let deposit = Wish::Deposit(Deposit { customer, amount, note: String::new() });
        self.engine.submit(Command::plain(deposit), Lane::Request).await.unwrap();
        let count = self.store.keys(None).unwrap().len() + 1;
        let key = new_key(&*self.store, customer, count, now, &|_| {});
        self.call(&key, "order", &order_body("IPv4", 1)).await.is_ok();
        let list = self.look(&key, "ipAddress").await.json();
        let lease = &list["IPv4"][0]["ipAddresses"][0]["ipAddressId"];
        (key, lease.as_str().unwrap().to_owned())
    }

    /// Adds a promo code that takes ten per cent off.
    pub(crate) fn promo(&self, code: &str, change: impl Fn(&mut NewPromo)) {
        let mut new = NewPromo {
            code: code.into(),
            discount: Percent::parse("10").unwrap(),
            starts_at: OPENED,
            ends_at: None,
            max_uses: None,
            per_customer: None,
            kinds: vec![],
            for_orders: true,
            for_extensions: true,
            customer: None,
            descriptions: vec![("en".into(), "Ten per cent off".into())],
        };
        change(&mut new);
        self.store.create_promo(&new, self.engine.now()).unwrap().unwrap();
    }

    /// All there is in the books, as a text that changes when anything does.
    pub(crate) fn digest(&self) -> String {
        format!("{:?}", self.books.as_ref().unwrap())
    }

    pub(crate) fn balance(&self, customer: CustomerId) -> i64 {
        self.store.customer(customer).unwrap().unwrap().1.balance.minor()
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Sends bytes on a connection of their own.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut client = self.connect().await;
        client.try_send(bytes).await;
        client.answer().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
    }

    /// A call of the Youproxy dialect that only reads.
    pub(crate) async fn look(&self, key: &str, call: &str) -> Answer {
        self.get(&format!("/client/api/v1/{key}/{call}")).await
    }

    /// A call of the Youproxy dialect with a body.
    pub(crate) async fn call(&self, key: &str, call: &str, body: &str) -> Answer {
        self.call_with(key, call, "", body).await
    }

    /// The same with more headers.
    pub(crate) async fn call_with(
        &self,
        key: &str,
        call: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        self.raw(post(&format!("/client/api/v1/{key}/{call}"), headers, body)).await
    }

    /// A call of the native API.
    pub(crate) async fn native(&self, key: &str, path: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"))
            .await
    }

    /// Orders as Ann, for a test that needs more leases.
    pub(crate) async fn buy(&self, kind: &str, quantity: u32) -> Answer {
        let body = order_body(kind, quantity);
        self.call(&self.ka, "order", &body).await
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A shop in the making.
struct Making {
    store: Arc<dyn Store>,
    ids: PublicIds,
    now: Time,
    keys: usize,
    seed: u8,
}

impl Making {
    fn new(store: Arc<dyn Store>) -> Making {
        store.apply_catalogue(CATALOGUE, OPENED).unwrap();
        let pool = |text: &str| ProductKey::parse(text).unwrap();
        let mut stock = Vec::new();
        let mut add = |pool: &ProductKey, ip: Ipv4Addr, slot| {
            let (pool, gateway) = (pool.clone(), "main".to_owned());
            stock.push(NewAddress { pool, ip: IpAddr::V4(ip), slot, gateway, modem: None });
        };
        for host in 1..=250 {
            add(&pool("IPv4/USA"), Ipv4Addr::new(127, 1, host % 8, host), 0);
            add(&pool("ISP/USA"), Ipv4Addr::new(127, 2, host % 8, host), 0);
        }
        for slot in 0..20 {
            add(&pool("MOBILE/USA/verizon"), Ipv4Addr::new(127, 3, 0, 1), slot);
        }
        add(&pool("IPv4/CAN"), Ipv4Addr::new(127, 4, 0, 1), 0);
        store.add_addresses(&stock, OPENED).unwrap();
        let prefix = store::records::NewPrefix {
            pool: pool("IPv6/USA"),
            base: "2001:db8::".parse().unwrap(),
            length: 64,
            gateway: "main".into(),
        };
        store.add_prefix(&prefix, OPENED).unwrap();
        let ids = PublicIds::new(store.installation().unwrap().id_key);
        Making { store, ids, now: OPENED, keys: 0, seed: 0 }
    }

    fn customer(&mut self, name: &str) -> CustomerId {
        let new = NewCustomer { name: name.into(), email: None, currency: Currency::USD };
        self.store.create_customer(&new, self.now).unwrap()
    }

    fn key(&mut self, customer: CustomerId, change: &dyn Fn(&mut NewApiKey)) -> String {
        self.keys += 1;
        new_key(self.store.as_ref(), customer, self.keys, self.now, change)
    }

    fn deposit(&mut self, customer: CustomerId, minor: i64) {
        let amount = Money::from_minor(minor, Currency::USD);
        self.done(Wish::Deposit(Deposit { customer, amount, note: "for the tests".into() }));
    }

    fn order(
        &mut self,
        customer: CustomerId,
        kind: ProxyKind,
        country: &str,
        quantity: u32,
        days: u32,
    ) -> Bought {
        self.seed += 1;
        let wish = Wish::Order(Box::new(PlaceOrder {
            customer,
            kind: Some(kind),
            country: Country::from_alpha3(country),
            package: None,
            operator: Some("verizon".into()),
            rotation_seconds: Some(300),
            access: AccessWish::Login,
            period: PeriodWish::Days(days),
            protocol: Some(Protocol::Socks),
            goal: Some("tests".into()),
            quantity: Some(quantity),
            promo: None,
            seed: [self.seed; 16],
        }));
        let Event::Order { order, leases, .. } = self.done(wish) else { panic!("no order") };
        Bought {
            order: self.ids.order(order),
            number: format!("NUMBER-{}", self.ids.order_number(order)),
            leases: leases.iter().map(|granted| self.ids.lease(granted.lease)).collect(),
        }
    }

    /// Lets both leases end and their addresses come back to stock.
    fn pass_to_release(&mut self, customer: CustomerId, over: &Bought, relet: &Bought) {
        let leases: Vec<LeaseId> = [over, relet]
            .iter()
            .map(|bought| self.ids.read_lease(bought.lease()).unwrap())
            .collect();
        for days in [30, 1, 1] {
            self.now = self.now + Span::from_days(days);
            let sweep = Sweep { customer, leases: leases.clone() };
            let wish = Command::plain(Wish::Sweep(sweep));
            assert!(self.store.transact(&[wish], self.now).unwrap()[0].result.is_ok());
        }
        self.now = self.now + Span::DAY;
    }

    fn done(&mut self, wish: Wish) -> Event {
        let decided = self.store.transact(&[Command::plain(wish)], self.now).unwrap();
        match decided.into_iter().next().unwrap().result {
            Ok(Outcome::Done { event, .. }) => *event,
            other => panic!("{other:?}"),
        }
    }
}

fn new_key(
    store: &dyn Store,
    customer: CustomerId,
    count: usize,
    now: Time,
    change: &dyn Fn(&mut NewApiKey),
) -> String {
    let mut random = [0; 32];
    random[..8].copy_from_slice(&(count as u64).to_be_bytes());
    let key = secret::new_api_key(random);
    let mut new = NewApiKey {
        hash: key.hash(),
        customer,
        name: "tests".into(),
        allowed: vec![],
        read_only: false,
        repeat_window: Span::ZERO,
        requests_per_minute: None,
        expires_at: None,
    };
    change(&mut new);
    store.create_key(&new, now).unwrap();
    key.reveal().to_owned()
}

/// A body that orders proxies in the USA for 30 days.
pub(crate) fn order_body(kind: &str, quantity: u32) -> String {
    let extra = match kind {
        "IPv6" => r#","protocol":"SOCKS""#,
        "MOBILE" => r#","mobileOperator":"verizon","rotationTime":300"#,
        _ => "",
    };
    format!(
        r#"{{"proxyType":"{kind}","authType":"LOGIN","goal":"tests","country":"USA","quantity":{quantity},"rentPeriodDays":30{extra}}}"#
    )
}

/// The inner id of an order, for looking into the books.
pub(crate) fn order_id(shop: &Shop, text: &str) -> OrderId {
    shop.engine.public_ids().read_order(text).unwrap()
}
