//! Ann's shop with a bank, on a store that may die.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use domain::api_key::ApiKey;
use domain::authorisation::Authorised;
use domain::auto_extend::SetAutoExtend;
use domain::card::SaveCard;
use domain::catalogue::Catalogue;
use domain::command::{Command, Decision, Outcome, Wish};
use domain::country::Country;
use domain::customer::Customer;
use domain::deposit::Deposit;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::{
    AddressId, AuthorisationId, CardId, CustomerId, EntryId, KeyId, LeaseId, OrderId, PaymentId,
    PromoId, RotationId,
};
use domain::journal::{Entry, Event};
use domain::kind::ProxyKind;
use domain::ledger::Wallet;
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};
use domain::money::{Currency, Money};
use domain::needs::Needs;
use domain::order::{AccessWish, PlaceOrder};
use domain::payment::{Payment, PaymentState};
use domain::period::PeriodWish;
use domain::product::ProductKey;
use domain::promo::Promo;
use domain::proxy::Proxy;
use domain::replace::Replacement;
use domain::rotation::{Ask, Dialer, NotRotated, Rotation, Timer};
use domain::select::{Among, Selection};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken};
use domain::world::World;
use engine::batcher::{Bounds, Lane};
use engine::clock::Clock;
use engine::engine::Engine;
use engine::payment::{Behaviour, Providers};
use store::audit::Report;
use store::error::Error;
use store::memory::MemoryStore;
use store::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use store::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};
use store::{Result, Store};

use crate::bank::Bank;

pub(crate) const START: Time = Time::from_millis_const(1_800_000_000_000);

/// A clock that stands still unless it is turned.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    pub(crate) fn turn(&self, by: Span) {
        self.0.fetch_add(by.millis(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A store that dies with its n-th transaction, before that or after it, and stays dead.
pub(crate) struct Mortal {
    inner: Arc<MemoryStore>,
    transactions: AtomicU32,
    dies: Option<(u32, bool)>,
}

macro_rules! pass_on {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $result {
            self.inner.$name($($arg),*)
        })*
    };
}

impl Store for Mortal {
    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>> {
        let number = self.transactions.fetch_add(1, Ordering::SeqCst) + 1;
        let dead = || Box::<dyn std::error::Error + Send + Sync>::from("as the test wants it");
        match self.dies {
            Some((at, true)) if number == at => {
                self.inner.transact(batch, now)?;
                Err(Error::OutcomeUnknown(dead()))
            }
            Some((at, _)) if at <= number => Err(Error::Unavailable(dead())),
            _ => self.inner.transact(batch, now),
        }
    }

    pass_on! {
        fn is_prompt() -> bool;
        fn load(needs: &Needs, now: Time) -> Result<World>;
        fn load_shown(needs: &Needs, customer: CustomerId, now: Time) -> Result<(World, Vec<Proxy>)>;
        fn due(until: Time, limit: u32) -> Result<Vec<Due>>;
        fn next_due() -> Result<Option<Time>>;
        fn remember(entries: &[EntryId], now: Time, kept: Span) -> Result<()>;
        fn forget(now: Time, limit: u32) -> Result<u32>;
        fn note_quiet() -> Result<()>;
        fn note_start(now: Time, window: Span, kept: Span) -> Result<u32>;
        fn note_alive(noted: Span, now: Time, window: Span, kept: Span) -> Result<Alive>;
        fn note_end() -> Result<()>;
        fn installation() -> Result<Installation>;
        fn set_clock_offset(offset: Span) -> Result<()>;
        fn catalogue() -> Result<Arc<Catalogue>>;
        fn catalogue_text() -> Result<Option<String>>;
        fn apply_catalogue(text: &str, now: Time) -> Result<i64>;
        fn create_customer(new: &NewCustomer, now: Time) -> Result<CustomerId>;
        fn customer(id: CustomerId) -> Result<Option<(Customer, Wallet)>>;
        fn customers(after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>>;
        fn suspend_customer(id: CustomerId, suspended: bool) -> Result<bool>;
        fn create_key(new: &NewApiKey, now: Time) -> Result<KeyId>;
        fn key_by_hash(hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>>;
        fn change_exception(whose: ExceptionFor, change: ExceptionChange) -> Result<Option<Exception>>;
        fn exceptions(customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>>;
        fn keys_version() -> Result<i64>;
        fn keys(customer: Option<CustomerId>) -> Result<Vec<ApiKey>>;
        fn revoke_key(id: KeyId, now: Time) -> Result<bool>;
        fn create_operator_token(name: &str, hash: &[u8; 32], now: Time) -> Result<i64>;
        fn operator_token_by_hash(hash: &[u8; 32]) -> Result<Option<OperatorToken>>;
        fn operator_tokens() -> Result<Vec<OperatorToken>>;
        fn revoke_operator_token(id: i64, now: Time) -> Result<bool>;
        fn gateway_identity(fresh: &GatewayIdentity) -> Result<GatewayIdentity>;
        fn set_gateway_epoch(epoch: &str) -> Result<()>;
        fn add_node(new: &NewNode, now: Time) -> Result<Option<i64>>;
        fn nodes() -> Result<Vec<Node>>;
        fn node_by_key(key_hash: &[u8; 32]) -> Result<Option<Node>>;
        fn enrol_node(token_hash: &[u8; 32], key_hash: &[u8; 32], now: Time) -> Result<Enrolled>;
        fn remove_node(name: &str, now: Time) -> Result<bool>;
        fn note_node(id: i64, report: &str, now: Time) -> Result<()>;
        fn create_promo(new: &NewPromo, now: Time) -> Result<Option<PromoId>>;
        fn promos() -> Result<Vec<Promo>>;
        fn promos_of(customer: CustomerId) -> Result<Vec<(Promo, u32)>>;
        fn add_addresses(new: &[NewAddress], now: Time) -> Result<Stocked>;
        fn add_prefix(new: &NewPrefix, now: Time) -> Result<bool>;
        fn stock(now: Time) -> Result<Vec<StockLine>>;
        fn proxies(customer: CustomerId, filter: &ProxyFilter, after: Option<LeaseId>, limit: u32, now: Time) -> Result<Vec<Proxy>>;
        fn proxies_of(customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>>;
        fn count_proxies(customer: CustomerId, kind: ProxyKind) -> Result<u64>;
        fn proxies_at(customer: CustomerId, kind: ProxyKind, offset: u64, limit: u32, now: Time) -> Result<Vec<Proxy>>;
        fn authorisations(customer: CustomerId, order: Option<OrderId>, after: Option<(OrderId, AuthorisationId)>, limit: u32) -> Result<Vec<Authorised>>;
        fn replacements(customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>>;
        fn exits(addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>>;
        fn entries(filter: &EntryFilter, after: Option<EntryId>, limit: u32) -> Result<Vec<Entry>>;
        fn feed(after: i64, limit: u32) -> Result<Vec<(i64, Entry)>>;
        fn feed_end() -> Result<i64>;
        fn served(after: Option<Place>, limit: u32) -> Result<Vec<Served>>;
        fn served_of(touched: &Touched) -> Result<Vec<Served>>;
        fn suspended_customers() -> Result<BTreeSet<CustomerId>>;
        fn modems_changed(after: i64) -> Result<(i64, BTreeSet<String>)>;
        fn dialers(names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>>;
        fn ask_rotation(ask: &Ask, now: Time) -> Result<std::result::Result<Rotation, NotRotated>>;
        fn take_rotations(modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>>;
        fn end_rotation(id: RotationId, claim: i64, outcome: domain::rotation::Outcome, now: Time) -> Result<bool>;
        fn tidy_rotations(now: Time, limit: u32) -> Result<u32>;
        fn rotation(id: RotationId) -> Result<Option<Rotation>>;
        fn rotations(lease: LeaseId, after: Option<RotationId>, limit: u32) -> Result<Vec<Rotation>>;
        fn rotation_timers(after: Option<(String, AddressId)>, limit: u32, now: Time) -> Result<Vec<Timer>>;
        fn renew_reboot_link(customer: CustomerId, lease: LeaseId, now: Time) -> Result<Option<u32>>;
        fn payments(filter: &PaymentFilter, after: Option<PaymentId>, limit: u32) -> Result<Vec<Payment>>;
        fn unfinished_payments(until: Time, limit: u32) -> Result<Vec<Payment>>;
        fn top_ups_due(until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>>;
        fn take_usage(gateway: &str, report: &UsageReport, now: Time) -> Result<Taken>;
        fn usage(filter: &UsageFilter, after: Option<(Day, LeaseId)>, limit: u32) -> Result<Vec<DayOfLease>>;
        fn meters(after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>>;
        fn forget_usage(before: Day, limit: u32) -> Result<u32>;
        fn audit(progress: &mut dyn FnMut(u64)) -> Result<Report>;
        fn backup(to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()>;
        fn sales_locked() -> Result<bool>;
        fn set_sales_locked(locked: bool) -> Result<()>;
    }
}

/// Twenty IPv4 addresses in the USA at $1 for 30 days, and Ann, who has ten dollars and a card.
pub(crate) struct Shop {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) bank: Bank,
    pub(crate) clock: Hands,
    pub(crate) ann: CustomerId,
    pub(crate) card: CardId,
}

impl Shop {
    pub(crate) fn new(sandbox: bool) -> Shop {
        let store = Arc::new(MemoryStore::new(sandbox));
        let text = r#"
            [gateways.main]
            host = "127.0.0.1"
            http_port = 8081
            socks_port = 8082
            shared_ports = [20000, 29999]
            [kinds.IPv4]
            periods = [30]
            quantity = [1, 20]
            [[products]]
            kind = "IPv4"
            country = "USA"
            per_period.USD = { "30" = "1" }
        "#;
        store.apply_catalogue(text, START).unwrap();
        let pool = ProductKey::parse("IPv4/USA").unwrap();
        let address = |host: u8| NewAddress {
            pool: pool.clone(),
            ip: [192, 0, 2, host].into(),
            slot: 0,
            gateway: "main".into(),
            modem: None,
        };
        let addresses: Vec<NewAddress> = (0..20).map(address).collect();
        store.add_addresses(&addresses, START).unwrap();
        let new = NewCustomer { name: "Ann".into(), email: None, currency: Currency::USD };
        let ann = store.create_customer(&new, START).unwrap();
        let amount = Money::from_minor(1_000, Currency::USD);
        let deposit = Wish::Deposit(Deposit { customer: ann, amount, note: String::new() });
        let card = Behaviour::Pays.card(START);
        let save = Wish::SaveCard(SaveCard { customer: ann, card });
        let decided = store.transact(&[deposit, save].map(Command::plain), START).unwrap();
        let Ok(Outcome::Card(card)) = &decided[1].result else { panic!("{decided:?}") };
        let (card, bank) = (card.id, Bank::default());
        let clock = Hands(Arc::new(AtomicI64::new(START.millis())));
        Shop { store, bank, clock, ann, card }
    }

    /// A server, which dies with the n-th transaction, before that or after it.
    pub(crate) fn server(&self, dies: Option<(u32, bool)>) -> Engine {
        let inner = self.store.clone();
        let store = Arc::new(Mortal { inner, transactions: AtomicU32::new(0), dies });
        let providers = Providers::new(vec![Arc::new(self.bank.clone())]);
        let clock = Arc::new(self.clock.clone());
        Engine::start_with(store, clock, Bounds::default(), providers).unwrap()
    }

    pub(crate) fn order(&self, quantity: u32) -> Command {
        let wish = Wish::Order(Box::new(PlaceOrder {
            customer: self.ann,
            kind: Some(ProxyKind::Ipv4),
            country: Country::from_alpha3("USA"),
            package: None,
            operator: None,
            rotation_seconds: None,
            access: AccessWish::Login,
            period: PeriodWish::Days(30),
            protocol: None,
            goal: Some("test".into()),
            quantity: Some(quantity),
            promo: None,
            seed: [1; 16],
        }));
        let (key, source) = ([7; 16], KeySource::Header);
        Command {
            idempotency: Some(Idempotency { key, fingerprint: key, source }),
            ..Command::plain(wish)
        }
    }

    /// Orders from the wallet, and has the leases extended by the card for ever.
    pub(crate) async fn order_for_ever(&self, engine: &Engine, quantity: u32) -> Vec<LeaseId> {
        let order = Command { idempotency: None, ..self.order(quantity) };
        let decision = engine.submit(order, Lane::Request).await.unwrap();
        let Ok(Outcome::Done { event, .. }) = decision.result else { panic!("{decision:?}") };
        let Event::Order { leases, .. } = *event else { panic!() };
        let leases: Vec<LeaseId> = leases.iter().map(|granted| granted.lease).collect();
        let wish = Wish::SetAutoExtend(SetAutoExtend {
            customer: self.ann,
            kind: Some(ProxyKind::Ipv4),
            leases: Selection::Leases(Some(leases.clone())),
            among: Among::All,
            period: PeriodWish::Days(30),
            on: Some(true),
            card: Some(self.card),
        });
        engine.submit(Command::plain(wish), Lane::Request).await.unwrap().result.unwrap();
        leases
    }

    pub(crate) fn journal(&self) -> Vec<Entry> {
        self.store.entries(&EntryFilter::default(), None, 100_000).unwrap()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.journal().iter().filter(|entry| entry.event.name() == event).count()
    }

    pub(crate) fn balance(&self) -> i64 {
        self.store.customer(self.ann).unwrap().unwrap().1.balance.minor()
    }

    pub(crate) fn payments(&self) -> Vec<Payment> {
        self.store.payments(&PaymentFilter::default(), None, 100_000).unwrap()
    }

    /// Starts again after a crash, and finishes what was left half way.
    pub(crate) async fn recovered(&self) -> Engine {
        self.bank.books(|books| books.ends = None);
        self.clock.turn(Span::from_minutes(2));
        let engine = self.server(None);
        engine.recover_payments().await.unwrap();
        engine
    }

    /// Wants every payment to be at its end, and the bank to know of the same end.
    #[track_caller]
    pub(crate) fn settled(&self, story: &str) {
        let violations = self.store.audit(&mut |_| {}).unwrap().violations;
        assert_eq!(violations, [], "{story}");
        for payment in self.payments() {
            let known = self.bank.books(|books| books.payments.get(&payment.id).copied());
            let known = known.unwrap_or_default();
            let state = payment.state;
            assert!(payment.finished && !state.is_open(), "{story}: {payment:?}");
            let settled = state == PaymentState::Settled;
            assert_eq!(known.collected, settled, "{story}: {payment:?} {known:?}");
            assert!(!(known.collected && known.let_go), "{story}: {payment:?} {known:?}");
            assert!(!known.held || settled || known.let_go, "{story}: {payment:?} {known:?}");
        }
    }
}
