//! Two PostgreSQL stores on one database, which take turns at every call and run side by side where
//! a case does: together they do as one store must.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
use store::conformance::CASES;
use store::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use store::postgres::{Options, PostgresStore};
use store::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};
use store::{Result, Store};
use tempfile::TempDir;

use crate::databases;

/// Cases in which a server has to be the only one: what one leaves behind is not the other's.
const ALONE: &[&str] = &["an_unclean_end_is_remembered"];

/// Servers that take turns.
struct Turns {
    servers: [PostgresStore; 2],
    calls: AtomicUsize,
}

impl Turns {
    fn next(&self) -> &PostgresStore {
        &self.servers[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

macro_rules! in_turn {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($arg: $type),*) -> $result {
            self.next().$name($($arg),*)
        })*
    };
}

impl Store for Turns {
    in_turn! {
        fn is_prompt() -> bool;
        fn transact(batch: &[Command], now: Time) -> Result<Vec<Decision>>;
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
        fn proxies(
            customer: CustomerId,
            filter: &ProxyFilter,
            after: Option<LeaseId>,
            limit: u32,
            now: Time
        ) -> Result<Vec<Proxy>>;
        fn proxies_of(customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>>;
        fn count_proxies(customer: CustomerId, kind: ProxyKind) -> Result<u64>;
        fn proxies_at(
            customer: CustomerId,
            kind: ProxyKind,
            offset: u64,
            limit: u32,
            now: Time
        ) -> Result<Vec<Proxy>>;
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

#[test]
fn they_do_together_as_one_store_must() {
    let mut folders = Vec::new();
    let mut make = || -> Box<dyn Store> {
        let folder = TempDir::new().unwrap();
        let first = databases::options(&databases::new(), folder.path(), false);
        let second = Options { server: "other".to_owned(), ..first.clone() };
        folders.push(folder);
        let servers = [first, second].map(|options| PostgresStore::open(&options).unwrap());
        Box::new(Turns { servers, calls: AtomicUsize::new(0) })
    };
    for (name, case) in CASES.iter().filter(|(name, _)| !ALONE.contains(name)) {
        eprintln!("conformance: {name}");
        case(&mut make);
    }
}
