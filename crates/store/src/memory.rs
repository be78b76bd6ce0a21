//! The plain in-memory store: the model that the others are compared with.
//!
//! It keeps everything in maps behind one lock and scans them. It is meant to be obviously right,
//! not fast, and forgets everything at the end.

mod answers;
mod audit;
mod authorisations;
mod books;
mod catalogues;
mod customers;
mod journal;
mod keys;
mod leases;
mod limits;
mod nodes;
mod operators;
mod payments;
mod promos;
mod proxies;
mod replacements;
mod rotations;
mod served;
mod state;
mod stock;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use domain::rotation::{Ask, Dialer, NotRotated, Outcome, Rotation, Timer};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken};
use domain::world::World;

use self::books::Books;
use crate::audit::Report;
use crate::error::Error;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use crate::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};
use crate::{Result, Store};

/// Books in memory.
#[derive(Debug)]
pub struct MemoryStore {
    books: Mutex<Books>,
}

impl MemoryStore {
    /// Empty books, of a sandbox or of a shop.
    pub fn new(sandbox: bool) -> MemoryStore {
        MemoryStore { books: Mutex::new(Books::new(sandbox)) }
    }

    /// Puts `catalogue` in force as it is, with its own version and without a text.
    pub fn put_catalogue(&self, catalogue: Catalogue) {
        self.books().catalogue = Arc::new(catalogue);
    }

    /// The books. They change only where nothing can fail any more, so a panic leaves them sound.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn is_prompt(&self) -> bool {
        true
    }

    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>> {
        let mut books = self.books();
        let mut needs = Needs::default();
        batch.iter().for_each(|command| needs.merge(command.needs()));
        let mut world = World::new(books.load(&needs, now));
        let decisions = batch.iter().map(|command| world.decide(command, now)).collect();
        books.save(world.into_changes());
        Ok(decisions)
    }

    fn load(&self, needs: &Needs, now: Time) -> Result<World> {
        Ok(World::new(self.books().load(needs, now)))
    }

    fn due(&self, until: Time, limit: u32) -> Result<Vec<Due>> {
        Ok(self.books().due(until, limit))
    }

    fn next_due(&self) -> Result<Option<Time>> {
        Ok(self.books().next_due())
    }

    fn remember(&self, entries: &[EntryId], now: Time, kept: Span) -> Result<()> {
        self.books().remember(entries, now + kept);
        Ok(())
    }

    fn forget(&self, now: Time, limit: u32) -> Result<u32> {
        Ok(self.books().forget(now, limit))
    }

    fn note_quiet(&self) -> Result<()> {
        self.books().note_quiet();
        Ok(())
    }

    fn note_start(&self, now: Time, window: Span, kept: Span) -> Result<u32> {
        Ok(self.books().note_start(now, window, kept))
    }

    fn note_alive(&self, noted: Span, _: Time, _: Span, _: Span) -> Result<Alive> {
        let clock_offset = self.books().installation.clock_offset;
        let together = clock_offset == noted;
        Ok(Alive { clock_offset, server_time: None, remembered: 0, together })
    }

    fn note_end(&self) -> Result<()> {
        Ok(())
    }

    fn installation(&self) -> Result<Installation> {
        Ok(self.books().installation)
    }

    fn set_clock_offset(&self, offset: Span) -> Result<()> {
        self.books().set_clock_offset(offset)
    }

    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.books().catalogue))
    }

    fn catalogue_text(&self) -> Result<Option<String>> {
        Ok(self.books().catalogue_text.clone())
    }

    fn apply_catalogue(&self, text: &str, _: Time) -> Result<i64> {
        self.books().apply_catalogue(text)
    }

    fn create_customer(&self, new: &NewCustomer, now: Time) -> Result<CustomerId> {
        Ok(self.books().create_customer(new, now))
    }

    fn customer(&self, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
        Ok(self.books().customer(id))
    }

    fn customers(&self, after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>> {
        Ok(self.books().customers(after, limit))
    }

    fn suspend_customer(&self, id: CustomerId, suspended: bool) -> Result<bool> {
        Ok(self.books().suspend_customer(id, suspended))
    }

    fn change_exception(
        &self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Result<Option<Exception>> {
        Ok(self.books().change_exception(whose, change))
    }

    fn exceptions(&self, customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>> {
        Ok(self.books().exceptions(customer))
    }

    fn keys_version(&self) -> Result<i64> {
        Ok(self.books().keys_version)
    }

    fn create_key(&self, new: &NewApiKey, now: Time) -> Result<KeyId> {
        Ok(self.books().create_key(new, now))
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>> {
        Ok(self.books().key_by_hash(hash))
    }

    fn keys(&self, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
        Ok(self.books().keys(customer))
    }

    fn revoke_key(&self, id: KeyId, now: Time) -> Result<bool> {
        Ok(self.books().revoke_key(id, now))
    }

    fn create_operator_token(&self, name: &str, hash: &[u8; 32], now: Time) -> Result<i64> {
        Ok(self.books().create_operator_token(name, hash, now))
    }

    fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
        Ok(self.books().operator_token_by_hash(hash))
    }

    fn operator_tokens(&self) -> Result<Vec<OperatorToken>> {
        Ok(self.books().operator_tokens())
    }

    fn revoke_operator_token(&self, id: i64, now: Time) -> Result<bool> {
        Ok(self.books().revoke_operator_token(id, now))
    }

    fn gateway_identity(&self, fresh: &GatewayIdentity) -> Result<GatewayIdentity> {
        Ok(self.books().gateway_identity(fresh))
    }

    fn set_gateway_epoch(&self, epoch: &str) -> Result<()> {
        self.books().set_gateway_epoch(epoch);
        Ok(())
    }

    fn add_node(&self, new: &NewNode, now: Time) -> Result<Option<i64>> {
        Ok(self.books().add_node(new, now))
    }

    fn nodes(&self) -> Result<Vec<Node>> {
        Ok(self.books().nodes())
    }

    fn node_by_key(&self, key_hash: &[u8; 32]) -> Result<Option<Node>> {
        Ok(self.books().node_by_key(key_hash))
    }

    fn enrol_node(
        &self,
        token_hash: &[u8; 32],
        key_hash: &[u8; 32],
        now: Time,
    ) -> Result<Enrolled> {
        Ok(self.books().enrol_node(token_hash, key_hash, now))
    }

    fn remove_node(&self, name: &str, now: Time) -> Result<bool> {
        Ok(self.books().remove_node(name, now))
    }

    fn note_node(&self, id: i64, report: &str, now: Time) -> Result<()> {
        self.books().note_node(id, report, now);
        Ok(())
    }

    fn create_promo(&self, new: &NewPromo, _: Time) -> Result<Option<PromoId>> {
        Ok(self.books().create_promo(new))
    }

    fn promos(&self) -> Result<Vec<Promo>> {
        Ok(self.books().promos())
    }

    fn promos_of(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
        Ok(self.books().promos_of(customer))
    }

    fn add_addresses(&self, new: &[NewAddress], now: Time) -> Result<Stocked> {
        self.books().add_addresses(new, now)
    }

    fn add_prefix(&self, new: &NewPrefix, _: Time) -> Result<bool> {
        Ok(self.books().add_prefix(new))
    }

    fn stock(&self, now: Time) -> Result<Vec<StockLine>> {
        Ok(self.books().stock(now))
    }

    fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        Ok(self.books().proxies(customer, filter, after, limit, now))
    }

    fn proxies_of(&self, customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>> {
        Ok(self.books().proxies_of(customer, ids, now))
    }

    fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
        Ok(self.books().count_proxies(customer, kind))
    }

    fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        Ok(self.books().proxies_at(customer, kind, offset, limit, now))
    }

    fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>> {
        Ok(self.books().authorisations(customer, order, after, limit))
    }

    fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>> {
        Ok(self.books().replacements(customer, lease))
    }

    fn exits(&self, addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>> {
        Ok(self.books().exits(addresses))
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        Ok(self.books().entries(filter, after, limit))
    }

    fn feed(&self, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>> {
        Ok(self.books().feed(after, limit))
    }

    fn feed_end(&self) -> Result<i64> {
        Ok(self.books().feed_end())
    }

    fn served(&self, after: Option<Place>, limit: u32) -> Result<Vec<Served>> {
        Ok(self.books().served(after, limit))
    }

    fn served_of(&self, touched: &Touched) -> Result<Vec<Served>> {
        Ok(self.books().served_of(touched))
    }

    fn suspended_customers(&self) -> Result<BTreeSet<CustomerId>> {
        Ok(self.books().suspended_customers())
    }

    fn modems_changed(&self, after: i64) -> Result<(i64, BTreeSet<String>)> {
        Ok(self.books().modems_changed(after))
    }

    fn dialers(&self, names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>> {
        Ok(self.books().dialers(names))
    }

    fn ask_rotation(
        &self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>> {
        self.books().ask_rotation(ask, now)
    }

    fn take_rotations(&self, modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>> {
        self.books().take_rotations(modems, now)
    }

    fn end_rotation(
        &self,
        id: RotationId,
        claim: i64,
        outcome: Outcome,
        now: Time,
    ) -> Result<bool> {
        self.books().end_rotation(id, claim, outcome, now)
    }

    fn tidy_rotations(&self, now: Time, limit: u32) -> Result<u32> {
        self.books().tidy_rotations(now, limit)
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        Ok(self.books().rotation(id))
    }

    fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Vec<Rotation>> {
        Ok(self.books().rotations(lease, after, limit))
    }

    fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Timer>> {
        Ok(self.books().rotation_timers(after, limit, now))
    }

    fn renew_reboot_link(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Result<Option<u32>> {
        Ok(self.books().renew_reboot_link(customer, lease, now))
    }

    fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>> {
        Ok(self.books().payments(filter, after, limit))
    }

    fn unfinished_payments(&self, until: Time, limit: u32) -> Result<Vec<Payment>> {
        Ok(self.books().unfinished_payments(until, limit))
    }

    fn top_ups_due(&self, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>> {
        Ok(self.books().top_ups_due(until, limit))
    }

    fn take_usage(&self, gateway: &str, report: &UsageReport, now: Time) -> Result<Taken> {
        Ok(self.books().take_usage(gateway, report, now))
    }

    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>> {
        Ok(self.books().usage(filter, after, limit))
    }

    fn meters(&self, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>> {
        Ok(self.books().meters(after, limit))
    }

    fn forget_usage(&self, before: Day, limit: u32) -> Result<u32> {
        Ok(self.books().forget_usage(before, limit))
    }

    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        Ok(self.books().audit(progress))
    }

    fn backup(&self, _: &Path, _: &mut dyn FnMut(u64, u64)) -> Result<()> {
        Err(Error::Unavailable("books in memory are not copied to files".into()))
    }

    fn sales_locked(&self) -> Result<bool> {
        Ok(self.books().sales_locked)
    }

    fn set_sales_locked(&self, locked: bool) -> Result<()> {
        self.books().sales_locked = locked;
        Ok(())
    }
}

/// The id behind all these.
fn next(ids: impl Iterator<Item = i64>) -> i64 {
    ids.max().unwrap_or(0) + 1
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
