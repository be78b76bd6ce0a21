//! The books in a PostgreSQL database, which many servers may share.
//!
//! Whoever writes locks the wallets of his customers first: a wallet, its leases, orders, answers
//! and counts change under that lock alone. Nothing relies on the state of a connection between
//! two transactions, so that poolers may stand in between.

mod answers;
mod arriving;
mod audit;
mod authorisations;
pub mod baseline;
mod batches;
mod catalogues;
mod customers;
mod durability;
mod failure;
mod feed;
mod ids;
mod journal;
mod keys;
mod leases;
mod limits;
mod load;
mod migrate;
mod nodes;
mod numbers;
mod open;
mod operators;
mod orders;
mod payments;
mod pool;
mod promos;
mod proxies;
mod reactor;
mod replacements;
mod rotations;
mod row;
mod runs;
mod save;
pub mod scratch;
mod served;
mod servers;
mod session;
mod state;
mod stock;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod transact;
mod transaction;
mod usage;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

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
use domain::rotation::{Ask, Dialer, KEPT, NotRotated, Outcome, Rotation, Timer};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken};
use domain::world::{NextIds, World};

pub use self::open::{Options, exists, shown};
pub use crate::records::Create;

pub(crate) use self::arriving::{Arriving, Begun};

use self::catalogues::Catalogues;
use self::load::Locks;
use self::pool::{Pool, reading, writing};
use self::proxies::Shelf;
use self::transaction::{LONG_PATIENCE, PATIENCE, Tx};
use crate::audit::Report;
use crate::error::Error;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use crate::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};
use crate::revocations::Revocations;
use crate::rotating;
use crate::statements;
use crate::vault::{self, Vault};
use crate::{Result, Store};

/// While one batch is at the server, another is made or saved here: with two, both are busy. On the
/// machine on which this was measured a third brought nothing.
const BATCHES_AT_ONCE: usize = 2;

/// Books in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    readers: Pool,
    writers: Pool,
    numbers: Pool,
    vault: Vault,
    revocations: Revocations,
    catalogues: Catalogues,
    sandbox: bool,
    id_key: [u8; 16],
    /// The number of this server among those that share the database.
    server: i64,
    /// The number of its run.
    run: AtomicI64,
    /// Whether this server has said that it starts, so that others reckon with it.
    started: AtomicBool,
    /// The latest moment at which anything was decided here. Time does not go back.
    latest: AtomicI64,
    /// Held by those who decide batches; nobody does while it is noted that all is quiet.
    working: RwLock<()>,
}

impl PostgresStore {
    /// Opens the database that `options` name, and revokes in it what was revoked before it was
    /// restored from a backup.
    ///
    /// Refuses a database in which acknowledged work could be lost, and one that it does not know.
    pub fn open(options: &Options) -> Result<PostgresStore> {
        let opened = open::open(options)?;
        let revocations = Revocations::open(&Revocations::beside(&options.key_file))?;
        let store = PostgresStore {
            readers: opened.readers,
            writers: opened.writers,
            numbers: opened.numbers,
            vault: opened.vault,
            revocations,
            catalogues: Catalogues::default(),
            sandbox: opened.sandbox,
            id_key: opened.id_key,
            server: opened.server,
            run: AtomicI64::new(opened.run),
            started: AtomicBool::new(false),
            latest: AtomicI64::new(Time::EPOCH.millis()),
            working: RwLock::new(()),
        };
        store.apply_revocations()?;
        Ok(store)
    }

    fn apply_revocations(&self) -> Result<()> {
        let revoked = self.revocations.all()?;
        let forgotten = !revoked.is_empty()
            && self.read(|tx| {
                Ok(keys::is_any_valid(tx, &revoked)?
                    || operators::is_any_valid(tx, &revoked)?
                    || nodes::is_any_valid(tx, &revoked)?)
            })?;
        if !forgotten {
            return Ok(());
        }
        self.write(|tx| {
            keys::revoke_again(tx, &revoked)?;
            operators::revoke_again(tx, &revoked)?;
            nodes::remove_again(tx, &revoked)
        })
    }

    /// Runs `read`, which sees the books at one moment. It is run again if the connection turns
    /// out to be lost.
    fn read<T>(&self, read: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        reading(&self.readers, read)
    }

    /// The same for reading whole tables, which may take minutes, and is not run again.
    fn survey<T>(&self, read: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let session = self.readers.take(PATIENCE)?;
        let tx = Tx::reading(&session, LONG_PATIENCE);
        read(&tx)
    }

    /// Runs `write` and commits. If it fails, it has done nothing, unless the outcome is unknown.
    /// It is run again if others were in the way, or if the connection turns out to be lost before
    /// the commit.
    fn write<T>(&self, write: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        writing(&self.writers, write)
    }

    /// Has everything that was committed before get its number in the feed.
    fn give_numbers(&self) -> Result<()> {
        let mut more = self.read(feed::is_any_new)?;
        while more {
            more = self.write(feed::give_numbers)?;
        }
        Ok(())
    }

    /// `now`, unless anything was decided here later than that.
    fn not_back(&self, now: Time) -> Time {
        let latest = self.latest.fetch_max(now.millis(), Ordering::Relaxed);
        now.max(Time::from_millis(latest))
    }

    /// Goes on in this run.
    fn note_run(&self, run: i64) {
        self.run.store(run, Ordering::Relaxed);
    }

    /// The first of so many ids of new addresses.
    fn take_addresses(&self, count: i64) -> Result<i64> {
        let counts = NextIds { address: count, ..NextIds::default() };
        Ok(numbers::take(&self.numbers, counts)?.address)
    }

    /// Where rotations are read, or written if it `owns` what it reads.
    fn desk<'t>(&self, tx: &'t Tx<'t>, owns: bool) -> Result<rotations::Rows<'t>> {
        Ok(rotations::Rows { tx, catalogue: self.catalogues.in_force(tx)?, owns })
    }

    fn shelf<'a>(&'a self, tx: &'a Tx<'a>, now: Time) -> Shelf<'a> {
        Shelf { tx, vault: &self.vault, now }
    }
}

impl Store for PostgresStore {
    fn is_prompt(&self) -> bool {
        false
    }

    fn batches_at_once(&self) -> usize {
        BATCHES_AT_ONCE
    }

    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>> {
        self.run(batch, now)
    }

    fn load(&self, needs: &Needs, now: Time) -> Result<World> {
        loop {
            let supposed = self.catalogues.last();
            let catalogue = |tx: &Tx<'_>, version| self.catalogues.get(tx, version);
            let resolved = needs.resolved(&supposed);
            let load = |tx: &Tx<'_>| {
                load::load(tx, &self.vault, &resolved, now, Locks::None, None, catalogue)
            };
            let loaded = self.read(load)?;
            if needs.packages.is_empty() || loaded.catalogue.version == supposed.version {
                return Ok(World::new(loaded));
            }
        }
    }

    fn due(&self, until: Time, limit: u32) -> Result<Vec<Due>> {
        self.read(|tx| leases::due(tx, until, limit))
    }

    fn next_due(&self) -> Result<Option<Time>> {
        self.read(leases::next_due)
    }

    fn remember(&self, entries: &[EntryId], now: Time, kept: Span) -> Result<()> {
        self.write(|tx| answers::remember(tx, entries, now + kept)).map(|_| ())
    }

    fn forget(&self, now: Time, limit: u32) -> Result<u32> {
        self.write(|tx| answers::forget(tx, now, limit))
    }

    fn note_quiet(&self) -> Result<()> {
        let _nobody_works = self.working.write().unwrap_or_else(PoisonError::into_inner);
        self.write(|tx| servers::note_quiet(tx, self.server))
    }

    fn note_start(&self, now: Time, window: Span, kept: Span) -> Result<u32> {
        let (remembered, run) =
            self.write(|tx| servers::note_start(tx, self.server, window, now + kept))?;
        self.note_run(run);
        self.started.store(true, Ordering::Relaxed);
        Ok(remembered)
    }

    fn note_alive(&self, noted: Span, now: Time, window: Span, kept: Span) -> Result<Alive> {
        let started = self.started.load(Ordering::Relaxed);
        let beat = servers::beat(&self.writers, self.server, noted, started)?;
        let mut alive = beat.alive;
        for server in beat.gone {
            alive.remembered += self.write(|tx| servers::bury(tx, server, window, now + kept))?;
        }
        Ok(alive)
    }

    fn note_end(&self) -> Result<()> {
        self.started.store(false, Ordering::Relaxed);
        self.write(|tx| servers::note_end(tx, self.server))
    }

    fn installation(&self) -> Result<Installation> {
        let clock_offset = self.read(state::clock_offset)?;
        Ok(Installation { sandbox: self.sandbox, clock_offset, id_key: self.id_key })
    }

    fn set_clock_offset(&self, offset: Span) -> Result<()> {
        if !self.sandbox {
            return Err(Error::Fault("only the clock of a sandbox can be moved".into()));
        }
        self.write(|tx| state::set_clock_offset(tx, offset))
    }

    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        self.read(|tx| self.catalogues.in_force(tx))
    }

    fn catalogue_text(&self) -> Result<Option<String>> {
        self.read(|tx| catalogues::text(tx, catalogues::version(tx)?))
    }

    fn apply_catalogue(&self, text: &str, now: Time) -> Result<i64> {
        self.write(|tx| catalogues::apply(tx, text, now))
    }

    fn create_customer(&self, new: &NewCustomer, now: Time) -> Result<CustomerId> {
        self.write(|tx| customers::create(tx, new, now))
    }

    fn customer(&self, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
        self.read(|tx| customers::get(tx, id))
    }

    fn customers(&self, after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>> {
        self.read(|tx| customers::list(tx, after, limit))
    }

    fn suspend_customer(&self, id: CustomerId, suspended: bool) -> Result<bool> {
        self.write(|tx| {
            state::raise_keys_version(tx)?;
            customers::suspend(tx, id, suspended)
        })
    }

    fn change_exception(
        &self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Result<Option<Exception>> {
        self.write(|tx| {
            state::raise_keys_version(tx)?;
            limits::change(tx, whose, change)
        })
    }

    fn exceptions(&self, customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>> {
        self.read(|tx| limits::all(tx, customer))
    }

    fn create_key(&self, new: &NewApiKey, now: Time) -> Result<KeyId> {
        self.write(|tx| keys::create(tx, new, now))
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>> {
        self.read(|tx| keys::by_hash(tx, hash))
    }

    fn keys_version(&self) -> Result<i64> {
        self.read(state::keys_version)
    }

    fn keys(&self, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
        self.read(|tx| keys::list(tx, customer))
    }

    fn revoke_key(&self, id: KeyId, now: Time) -> Result<bool> {
        self.write(|tx| {
            let Some(hash) = keys::hash(tx, id)? else { return Ok(false) };
            keys::revoke(tx, id, now)?;
            state::raise_keys_version(tx)?;
            self.revocations.append(&hash)?;
            Ok(true)
        })
    }

    fn create_operator_token(&self, name: &str, hash: &[u8; 32], now: Time) -> Result<i64> {
        self.write(|tx| operators::create(tx, name, hash, now))
    }

    fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
        self.read(|tx| operators::by_hash(tx, hash))
    }

    fn operator_tokens(&self) -> Result<Vec<OperatorToken>> {
        self.read(operators::list)
    }

    fn revoke_operator_token(&self, id: i64, now: Time) -> Result<bool> {
        self.write(|tx| {
            let Some(hash) = operators::hash(tx, id)? else { return Ok(false) };
            operators::revoke(tx, id, now)?;
            self.revocations.append(&hash)?;
            Ok(true)
        })
    }

    fn gateway_identity(&self, fresh: &GatewayIdentity) -> Result<GatewayIdentity> {
        if let Some(known) = self.read(|tx| nodes::identity(tx, &self.vault))? {
            return Ok(known);
        }
        let sealed = self.vault.seal(GatewayIdentity::PLACE, &fresh.key, vault::nonce()?);
        let made = self.write(|tx| {
            nodes::make_identity(tx, &sealed, &fresh.epoch)?;
            nodes::identity(tx, &self.vault)
        })?;
        Ok(made.unwrap_or_else(|| fresh.clone()))
    }

    fn set_gateway_epoch(&self, epoch: &str) -> Result<()> {
        self.write(|tx| nodes::set_epoch(tx, epoch))
    }

    fn add_node(&self, new: &NewNode, now: Time) -> Result<Option<i64>> {
        self.write(|tx| nodes::add(tx, new, now))
    }

    fn nodes(&self) -> Result<Vec<Node>> {
        self.read(nodes::list)
    }

    fn node_by_key(&self, key_hash: &[u8; 32]) -> Result<Option<Node>> {
        self.read(|tx| nodes::by_key(tx, key_hash))
    }

    fn enrol_node(
        &self,
        token_hash: &[u8; 32],
        key_hash: &[u8; 32],
        now: Time,
    ) -> Result<Enrolled> {
        self.write(|tx| nodes::enrol(tx, token_hash, key_hash, now))
    }

    fn remove_node(&self, name: &str, now: Time) -> Result<bool> {
        self.write(|tx| {
            let known_by = nodes::remove(tx, name, now)?;
            known_by.iter().try_for_each(|hash| self.revocations.append(hash))?;
            Ok(!known_by.is_empty())
        })
    }

    fn note_node(&self, id: i64, report: &str, now: Time) -> Result<()> {
        self.write(|tx| nodes::note(tx, id, report, now))
    }

    fn create_promo(&self, new: &NewPromo, _: Time) -> Result<Option<PromoId>> {
        self.write(|tx| promos::create(tx, new))
    }

    fn promos(&self) -> Result<Vec<Promo>> {
        self.read(promos::list)
    }

    fn promos_of(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
        self.read(|tx| promos::list_of(tx, customer))
    }

    fn add_addresses(&self, new: &[NewAddress], now: Time) -> Result<Stocked> {
        self.write(|tx| {
            let catalogue = self.catalogues.in_force(tx)?;
            stock::add_addresses(tx, &catalogue, new, now, |count| self.take_addresses(count))
        })
    }

    fn add_prefix(&self, new: &NewPrefix, _: Time) -> Result<bool> {
        self.write(|tx| stock::add_prefix(tx, new))
    }

    fn stock(&self, now: Time) -> Result<Vec<StockLine>> {
        self.survey(|tx| stock::lines(tx, now))
    }

    fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        self.read(|tx| {
            let catalogue = || self.catalogues.in_force(tx);
            self.shelf(tx, now).list(customer, filter, after, limit, catalogue)
        })
    }

    fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
        self.read(|tx| proxies::count(tx, customer, kind))
    }

    fn proxies_of(&self, customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>> {
        self.read(|tx| {
            let catalogue = || self.catalogues.in_force(tx);
            self.shelf(tx, now).named(customer, ids, catalogue)
        })
    }

    fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        self.read(|tx| self.shelf(tx, now).list_at(customer, kind, offset, limit))
    }

    fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>> {
        self.read(|tx| authorisations::list(tx, &self.vault, customer, order, after, limit))
    }

    fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>> {
        self.read(|tx| replacements::list(tx, customer, lease))
    }

    fn exits(&self, addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>> {
        self.read(|tx| replacements::exits(tx, addresses))
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.read(|tx| match filter.customer {
            Some(customer) => journal::list_of(tx, customer, filter.moved_money, after, limit),
            None => journal::list(tx, after, limit),
        })
    }

    fn feed(&self, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>> {
        self.give_numbers()?;
        self.read(|tx| feed::list(tx, after, limit))
    }

    fn feed_end(&self) -> Result<i64> {
        self.give_numbers()?;
        self.read(feed::last)
    }

    fn served(&self, after: Option<Place>, limit: u32) -> Result<Vec<Served>> {
        self.read(|tx| served::page(tx, &self.vault, after, limit))
    }

    fn served_of(&self, touched: &Touched) -> Result<Vec<Served>> {
        self.read(|tx| served::of(tx, &self.vault, touched))
    }

    fn suspended_customers(&self) -> Result<BTreeSet<CustomerId>> {
        self.read(customers::suspended)
    }

    fn modems_changed(&self, after: i64) -> Result<(i64, BTreeSet<String>)> {
        self.read(|tx| rotations::changed(tx, after))
    }

    fn dialers(&self, names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>> {
        self.read(|tx| rotations::dialers(&self.desk(tx, false)?, names))
    }

    fn ask_rotation(
        &self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>> {
        // Who asks too often does not keep others from writing.
        if let Some(refused) =
            self.read(|tx| rotating::refusal(&self.desk(tx, false)?, ask, now))?
        {
            return Ok(Err(refused));
        }
        self.write(|tx| rotating::ask(&self.desk(tx, true)?, ask, now))
    }

    fn take_rotations(&self, modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>> {
        let open = self.read(|tx| rotating::takeable(&self.desk(tx, false)?, modems, now))?;
        let take = |id| self.write(|tx| rotating::take(&self.desk(tx, true)?, id, now)).transpose();
        open.into_iter().filter_map(take).collect()
    }

    fn end_rotation(
        &self,
        id: RotationId,
        claim: i64,
        outcome: Outcome,
        now: Time,
    ) -> Result<bool> {
        self.write(|tx| rotating::end(&self.desk(tx, true)?, id, claim, outcome, now))
    }

    fn tidy_rotations(&self, now: Time, limit: u32) -> Result<u32> {
        let (stale, is_any_old) = self.read(|tx| {
            let stale = rotating::stale(&self.desk(tx, false)?, now)?;
            Ok((stale, rotations::is_any_old(tx, now - KEPT)?))
        })?;
        for id in stale {
            self.write(|tx| rotating::give_up(&self.desk(tx, true)?, id, now))?;
        }
        match is_any_old {
            true => self.write(|tx| rotations::forget(tx, now - KEPT, limit)),
            false => Ok(0),
        }
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        self.read(|tx| rotations::one(tx, id))
    }

    fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Vec<Rotation>> {
        self.read(|tx| rotations::of_lease(tx, lease, after, limit))
    }

    fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Timer>> {
        self.read(|tx| rotations::timers(tx, after.as_ref(), limit, now))
    }

    fn renew_reboot_link(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Result<Option<u32>> {
        self.write(|tx| rotations::renew_link(tx, customer, lease, now))
    }

    fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>> {
        self.read(|tx| payments::list(tx, filter, after, limit))
    }

    fn unfinished_payments(&self, until: Time, limit: u32) -> Result<Vec<Payment>> {
        self.read(|tx| payments::unfinished(tx, until, limit))
    }

    fn top_ups_due(&self, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>> {
        self.read(|tx| payments::top_ups_due(tx, until, limit))
    }

    fn take_usage(&self, gateway: &str, report: &UsageReport, now: Time) -> Result<Taken> {
        self.write(|tx| usage::take(tx, gateway, report, now))
    }

    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>> {
        self.read(|tx| usage::list(tx, filter, after, limit))
    }

    fn meters(&self, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>> {
        self.read(|tx| usage::meters(tx, after, limit))
    }

    fn forget_usage(&self, before: Day, limit: u32) -> Result<u32> {
        self.write(|tx| usage::forget(tx, before, limit))
    }

    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        self.survey(|tx| audit::audit(tx, progress))
    }

    /// Not here: PostgreSQL has tools of its own, which also copy while work goes on.
    fn backup(&self, _: &Path, _: &mut dyn FnMut(u64, u64)) -> Result<()> {
        Err(Error::Fault("a PostgreSQL database is copied with pg_dump or pg_basebackup".into()))
    }

    fn sales_locked(&self) -> Result<bool> {
        self.read(|tx| Ok(state::read(tx)?.sales_locked))
    }

    fn set_sales_locked(&self, locked: bool) -> Result<()> {
        self.write(|tx| state::set_sales_locked(tx, locked))
    }
}
