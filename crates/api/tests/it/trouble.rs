//! A store that is slow, or away, when a test wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use domain::api_key::ApiKey;
use domain::authorisation::Authorised;
use domain::catalogue::Catalogue;
use domain::command::{Command, Decision};
use domain::customer::Customer;
use domain::ids::{
    AddressId, AuthorisationId, CustomerId, EntryId, KeyId, LeaseId, OrderId, PaymentId, PromoId,
    RotationId,
};
use domain::journal::Entry;
use domain::kind::ProxyKind;
use domain::ledger::Wallet;
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};
use domain::needs::Needs;
use domain::payment::Payment;
use domain::promo::Promo;
use domain::proxy::Proxy;
use domain::replace::Replacement;
use domain::rotation::{Ask, Dialer, NotRotated, Rotation, Timer};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken};
use domain::world::World;
use store::audit::Report;
use store::error::Error;
use store::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use store::records::*;
use store::{Result, Store};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Every transaction takes this long.
    Slow(Duration),
    /// Transactions wait until the trouble is another one.
    Held,
    /// Nothing is written: there is no room.
    Full,
    /// What is written is not told.
    Unknown,
    /// Transactions panic.
    Panics,
    /// Nothing is read or written.
    Away,
}

/// Another store, in trouble.
pub(crate) struct Troubled {
    inner: Arc<dyn Store>,
    trouble: Mutex<Trouble>,
    changed: Condvar,
    entered: AtomicU64,
}

impl Troubled {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Troubled {
        let (trouble, changed, entered) = Default::default();
        Troubled { inner, trouble, changed, entered }
    }

    /// From now on this is wrong with it.
    pub(crate) fn be(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
        self.changed.notify_all();
    }

    /// How many transactions have begun.
    pub(crate) fn entered(&self) -> u64 {
        self.entered.load(Ordering::SeqCst)
    }

    fn trouble(&self) -> Trouble {
        *self.trouble.lock().unwrap()
    }

    fn reading(&self) -> Result<()> {
        match self.trouble() {
            Trouble::Away => Err(Error::Unavailable("as the test wants it".into())),
            _ => Ok(()),
        }
    }
}

macro_rules! pass_on {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $result {
            self.reading()?;
            self.inner.$name($($arg),*)
        })*
    };
}

impl Store for Troubled {
    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>> {
        let refused = || Box::<dyn std::error::Error + Send + Sync>::from("as the test wants it");
        self.entered.fetch_add(1, Ordering::SeqCst);
        let mut trouble = self.trouble.lock().unwrap();
        while matches!(*trouble, Trouble::Held) {
            trouble = self.changed.wait(trouble).unwrap();
        }
        drop(trouble);
        match self.trouble() {
            Trouble::None | Trouble::Held => {}
            Trouble::Slow(time) => std::thread::sleep(time),
            Trouble::Full => return Err(Error::Full(refused())),
            Trouble::Away => return Err(Error::Unavailable(refused())),
            Trouble::Panics => panic!("as the test wants it"),
            Trouble::Unknown => {
                self.inner.transact(batch, now)?;
                return Err(Error::OutcomeUnknown(refused()));
            }
        }
        self.inner.transact(batch, now)
    }

    pass_on! {
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
        fn sales_locked() -> Result<bool>;
        fn set_sales_locked(locked: bool) -> Result<()>;
    }
    fn is_prompt(&self) -> bool {
        self.inner.is_prompt()
    }

    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        self.inner.audit(progress)
    }

    fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.inner.backup(to, progress)
    }
}
