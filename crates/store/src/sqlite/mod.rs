//! The books in one SQLite file.
//!
//! One connection writes, some others look. Several processes may use the file at once: whatever
//! is kept in memory is checked against the database in each transaction.

mod answers;
mod audit;
mod authorisations;
mod backup;
pub mod baseline;
mod catalogues;
mod customers;
mod durability;
mod failure;
mod glance;
mod journal;
mod keys;
mod leases;
mod leaving;
mod limits;
mod load;
mod migrate;
mod nodes;
mod open;
mod operators;
mod orders;
mod payments;
mod promos;
mod proxies;
mod readers;
mod replacements;
mod restore;
mod rotations;
mod save;
mod served;
mod state;
mod stock;
#[cfg(test)]
mod tests;
mod transaction;
mod usage;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
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
use domain::rotation::{Ask, Dialer, KEPT, NotRotated, Outcome, Rotation, Timer};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken};
use domain::world::{Loaded, World};
use rusqlite::Connection;

pub use self::open::Options;
pub use self::restore::{RestoreReport, restore};

pub(crate) use self::leaving::Leaving;

pub use crate::records::Create;

use self::catalogues::Catalogues;
use self::proxies::Shelf;
use self::readers::Readers;
use self::transaction::{Ending, deciding, reading, writing};
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

/// Books in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: Readers,
    vault: Vault,
    revocations: Revocations,
    catalogues: Catalogues,
    sandbox: bool,
    id_key: [u8; 16],
}

/// The connection that writes.
#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// The latest moment at which anything was decided here. Time does not go back.
    latest: Time,
}

impl SqliteStore {
    /// Opens the database that `options` name, and revokes in it what was revoked before it was
    /// restored from a backup.
    ///
    /// Refuses a database in which acknowledged work could be lost, and one that it does not know.
    pub fn open(options: &Options) -> Result<SqliteStore> {
        let opened = open::open(options)?;
        let revocations = Revocations::open(&Revocations::beside(&options.key_file))?;
        let store = SqliteStore {
            path: opened.path,
            writer: Mutex::new(Writer { connection: opened.writer, latest: Time::EPOCH }),
            readers: Readers::new(opened.readers),
            vault: opened.vault,
            revocations,
            catalogues: Catalogues::default(),
            sandbox: opened.sandbox,
            id_key: opened.id_key,
        };
        store.apply_revocations()?;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn apply_revocations(&self) -> Result<()> {
        let revoked = self.revocations.all()?;
        let forgotten = self.read(|connection| {
            let mut forgotten = Vec::new();
            for hash in revoked {
                if keys::is_valid(connection, &hash)?
                    || operators::by_hash(connection, &hash)?.is_some()
                    || nodes::is_valid(connection, &hash)?
                {
                    forgotten.push(hash);
                }
            }
            Ok(forgotten)
        })?;
        if forgotten.is_empty() {
            return Ok(());
        }
        self.write(|connection| {
            for hash in &forgotten {
                keys::revoke_again(connection, hash)?;
                operators::revoke_again(connection, hash)?;
                nodes::remove_again(connection, hash)?;
            }
            Ok(())
        })
    }

    /// The writer. A panic has rolled back what it was at.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        reading(&self.readers.take(), read)
    }

    fn write<T>(&self, write: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        writing(&self.writer().connection, write)
    }

    fn loaded(&self, connection: &Connection, needs: &Needs, now: Time) -> Result<Loaded> {
        let state = state::read(connection)?;
        let catalogue = self.catalogues.get(connection, state.catalogue_version)?;
        load::load(
            connection,
            &self.vault,
            &needs.resolved(&catalogue),
            &state,
            catalogue.clone(),
            now,
        )
    }

    /// Where rotations are read and written, within a transaction.
    fn desk<'c>(&self, connection: &'c Connection) -> Result<rotations::Rows<'c>> {
        Ok(rotations::Rows { connection, catalogue: self.catalogue_in(connection)? })
    }

    fn catalogue_in(&self, connection: &Connection) -> Result<Arc<Catalogue>> {
        self.catalogues.get(connection, state::read(connection)?.catalogue_version)
    }

    fn shelf<'a>(&'a self, connection: &'a Connection, now: Time) -> Shelf<'a> {
        Shelf { connection, vault: &self.vault, now, orders: BTreeMap::new(), product: None }
    }
}

impl Store for SqliteStore {
    fn is_prompt(&self) -> bool {
        true
    }

    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>> {
        let mut needs = Needs::default();
        batch.iter().for_each(|command| needs.merge(command.needs()));
        let mut writer = self.writer();
        writer.latest = writer.latest.max(now);
        let now = writer.latest;
        deciding(&writer.connection, |connection| {
            let loaded = self.loaded(connection, &needs, now)?;
            let before = loaded.next;
            let mut world = World::new(loaded);
            let decisions = batch.iter().map(|command| world.decide(command, now)).collect();
            let changes = world.into_changes();
            if changes.is_nothing(before) {
                return Ok(Ending::Rollback(decisions));
            }
            save::save(connection, &self.vault, &changes)?;
            Ok(Ending::Commit(decisions))
        })
    }

    fn load(&self, needs: &Needs, now: Time) -> Result<World> {
        if let Some(loaded) = glance::load(&self.readers.take(), needs, &self.catalogues)? {
            return Ok(World::new(loaded));
        }
        self.read(|connection| self.loaded(connection, needs, now)).map(World::new)
    }

    fn load_shown(
        &self,
        needs: &Needs,
        customer: CustomerId,
        now: Time,
    ) -> Result<(World, Vec<Proxy>)> {
        let glanced = {
            let connection = self.readers.take();
            let shelf = self.shelf(&connection, now);
            glance::load_shown(shelf, needs, customer, &self.catalogues)?
        };
        if let Some((loaded, proxies)) = glanced {
            return Ok((World::new(loaded), proxies));
        }
        self.read(|connection| {
            let world = World::new(self.loaded(connection, needs, now)?);
            let catalogue = || self.catalogue_in(connection);
            let ids = world.lease_ids();
            let proxies = self.shelf(connection, now).named(customer, &ids, catalogue)?;
            Ok((world, proxies))
        })
    }

    fn due(&self, until: Time, limit: u32) -> Result<Vec<Due>> {
        self.read(|connection| leases::due(connection, until, limit))
    }

    fn next_due(&self) -> Result<Option<Time>> {
        self.read(leases::next_due)
    }

    fn remember(&self, entries: &[EntryId], now: Time, kept: Span) -> Result<()> {
        self.write(|connection| answers::remember(connection, entries.iter().copied(), now + kept))
            .map(|_| ())
    }

    fn forget(&self, now: Time, limit: u32) -> Result<u32> {
        deciding(&self.writer().connection, |connection| {
            Ok(match answers::forget(connection, now, limit)? {
                0 => Ending::Rollback(0),
                forgotten => Ending::Commit(forgotten),
            })
        })
    }

    fn note_quiet(&self) -> Result<()> {
        deciding(&self.writer().connection, |connection| {
            Ok(match answers::note_quiet(connection)? {
                false => Ending::Rollback(()),
                true => Ending::Commit(()),
            })
        })
    }

    fn note_start(&self, now: Time, window: Span, kept: Span) -> Result<u32> {
        self.write(|connection| answers::note_start(connection, window, now + kept))
    }

    /// One server uses a file; nobody else is there.
    fn note_alive(&self, noted: Span, _: Time, _: Span, _: Span) -> Result<Alive> {
        let clock_offset = self.read(state::clock_offset)?;
        let together = clock_offset == noted;
        Ok(Alive { clock_offset, server_time: None, remembered: 0, together })
    }

    fn note_end(&self) -> Result<()> {
        Ok(())
    }

    fn installation(&self) -> Result<Installation> {
        let clock_offset = self.read(state::clock_offset)?;
        Ok(Installation { sandbox: self.sandbox, clock_offset, id_key: self.id_key })
    }

    fn set_clock_offset(&self, offset: Span) -> Result<()> {
        if !self.sandbox {
            return Err(Error::Fault("only the clock of a sandbox can be moved".into()));
        }
        self.write(|connection| state::set_clock_offset(connection, offset))
    }

    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        self.read(|connection| self.catalogue_in(connection))
    }

    fn catalogue_text(&self) -> Result<Option<String>> {
        self.read(|connection| {
            let version = state::read(connection)?.catalogue_version;
            catalogues::text(connection, version)
        })
    }

    fn apply_catalogue(&self, text: &str, now: Time) -> Result<i64> {
        self.write(|connection| catalogues::apply(connection, text, now))
    }

    fn create_customer(&self, new: &NewCustomer, now: Time) -> Result<CustomerId> {
        self.write(|connection| customers::create(connection, new, now))
    }

    fn customer(&self, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
        self.read(|connection| customers::get(connection, id))
    }

    fn customers(&self, after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>> {
        self.read(|connection| customers::list(connection, after, limit))
    }

    fn suspend_customer(&self, id: CustomerId, suspended: bool) -> Result<bool> {
        self.write(|connection| {
            state::raise_keys_version(connection)?;
            customers::suspend(connection, id, suspended)
        })
    }

    fn change_exception(
        &self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Result<Option<Exception>> {
        self.write(|connection| {
            state::raise_keys_version(connection)?;
            limits::change(connection, whose, change)
        })
    }

    fn exceptions(&self, customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>> {
        self.read(|connection| limits::all(connection, customer))
    }

    fn create_key(&self, new: &NewApiKey, now: Time) -> Result<KeyId> {
        self.write(|connection| keys::create(connection, new, now))
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>> {
        self.read(|connection| keys::by_hash(connection, hash))
    }

    fn keys_version(&self) -> Result<i64> {
        self.read(state::keys_version)
    }

    fn keys(&self, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
        self.read(|connection| keys::list(connection, customer))
    }

    fn revoke_key(&self, id: KeyId, now: Time) -> Result<bool> {
        self.write(|connection| {
            let Some(hash) = keys::hash(connection, id)? else { return Ok(false) };
            keys::revoke(connection, id, now)?;
            state::raise_keys_version(connection)?;
            self.revocations.append(&hash)?;
            Ok(true)
        })
    }

    fn create_operator_token(&self, name: &str, hash: &[u8; 32], now: Time) -> Result<i64> {
        self.write(|connection| operators::create(connection, name, hash, now))
    }

    fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
        self.read(|connection| operators::by_hash(connection, hash))
    }

    fn operator_tokens(&self) -> Result<Vec<OperatorToken>> {
        self.read(operators::list)
    }

    fn revoke_operator_token(&self, id: i64, now: Time) -> Result<bool> {
        self.write(|connection| {
            let Some(hash) = operators::hash(connection, id)? else { return Ok(false) };
            operators::revoke(connection, id, now)?;
            self.revocations.append(&hash)?;
            Ok(true)
        })
    }

    fn gateway_identity(&self, fresh: &GatewayIdentity) -> Result<GatewayIdentity> {
        if let Some(known) = self.read(|connection| nodes::identity(connection, &self.vault))? {
            return Ok(known);
        }
        let sealed = self.vault.seal(GatewayIdentity::PLACE, &fresh.key, vault::nonce()?);
        let made = self.write(|connection| {
            nodes::make_identity(connection, &sealed, &fresh.epoch)?;
            nodes::identity(connection, &self.vault)
        })?;
        Ok(made.unwrap_or_else(|| fresh.clone()))
    }

    fn set_gateway_epoch(&self, epoch: &str) -> Result<()> {
        self.write(|connection| nodes::set_epoch(connection, epoch))
    }

    fn add_node(&self, new: &NewNode, now: Time) -> Result<Option<i64>> {
        self.write(|connection| nodes::add(connection, new, now))
    }

    fn nodes(&self) -> Result<Vec<Node>> {
        self.read(nodes::list)
    }

    fn node_by_key(&self, key_hash: &[u8; 32]) -> Result<Option<Node>> {
        self.read(|connection| nodes::by_key(connection, key_hash))
    }

    fn enrol_node(
        &self,
        token_hash: &[u8; 32],
        key_hash: &[u8; 32],
        now: Time,
    ) -> Result<Enrolled> {
        self.write(|connection| nodes::enrol(connection, token_hash, key_hash, now))
    }

    fn remove_node(&self, name: &str, now: Time) -> Result<bool> {
        self.write(|connection| {
            let known_by = nodes::remove(connection, name, now)?;
            known_by.iter().try_for_each(|hash| self.revocations.append(hash))?;
            Ok(!known_by.is_empty())
        })
    }

    fn note_node(&self, id: i64, report: &str, now: Time) -> Result<()> {
        self.write(|connection| nodes::note(connection, id, report, now))
    }

    fn create_promo(&self, new: &NewPromo, _: Time) -> Result<Option<PromoId>> {
        self.write(|connection| promos::create(connection, new))
    }

    fn promos(&self) -> Result<Vec<Promo>> {
        self.read(promos::list)
    }

    fn promos_of(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
        self.read(|connection| promos::list_of(connection, customer))
    }

    fn add_addresses(&self, new: &[NewAddress], now: Time) -> Result<Stocked> {
        self.write(|connection| {
            let catalogue = self.catalogue_in(connection)?;
            stock::add_addresses(connection, &catalogue, new, now)
        })
    }

    fn add_prefix(&self, new: &NewPrefix, _: Time) -> Result<bool> {
        self.write(|connection| stock::add_prefix(connection, new))
    }

    fn stock(&self, now: Time) -> Result<Vec<StockLine>> {
        self.read(|connection| stock::lines(connection, now))
    }

    fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        self.read(|connection| {
            let catalogue = self.catalogue_in(connection)?;
            self.shelf(connection, now).list(customer, filter, after, limit, &catalogue)
        })
    }

    fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
        self.read(|connection| proxies::count(connection, customer, kind))
    }

    fn proxies_of(&self, customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>> {
        let named = |connection: &Connection| {
            let catalogue = || self.catalogue_in(connection);
            self.shelf(connection, now).named(customer, ids, catalogue)
        };
        match ids {
            // A single statement sees the books at one moment by itself.
            [_] => named(&self.readers.take()),
            _ => self.read(named),
        }
    }

    fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        self.read(|connection| self.shelf(connection, now).list_at(customer, kind, offset, limit))
    }

    fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>> {
        self.read(|connection| {
            authorisations::list(connection, &self.vault, customer, order, after, limit)
        })
    }

    fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>> {
        self.read(|connection| replacements::list(connection, customer, lease))
    }

    fn exits(&self, addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>> {
        self.read(|connection| replacements::exits(connection, addresses))
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        self.read(|connection| match filter.customer {
            Some(customer) => {
                journal::list_of(connection, customer, filter.moved_money, after, limit)
            }
            None => journal::list(connection, after, limit),
        })
    }

    /// Entries are numbered in the order of their commits.
    fn feed(&self, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>> {
        let entries =
            self.read(|connection| journal::list(connection, Some(EntryId(after)), limit));
        Ok(entries?.into_iter().map(|entry| (entry.id.0, entry)).collect())
    }

    fn feed_end(&self) -> Result<i64> {
        self.read(journal::last)
    }

    fn served(&self, after: Option<Place>, limit: u32) -> Result<Vec<Served>> {
        self.read(|connection| served::page(connection, &self.vault, after, limit))
    }

    fn served_of(&self, touched: &Touched) -> Result<Vec<Served>> {
        self.read(|connection| served::of(connection, &self.vault, touched))
    }

    fn suspended_customers(&self) -> Result<BTreeSet<CustomerId>> {
        self.read(customers::suspended)
    }

    fn modems_changed(&self, after: i64) -> Result<(i64, BTreeSet<String>)> {
        self.read(|connection| rotations::changed(connection, after))
    }

    fn dialers(&self, names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>> {
        self.read(|connection| rotations::dialers(&self.desk(connection)?, names))
    }

    fn ask_rotation(
        &self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>> {
        // Who asks too often does not keep others from writing.
        if let Some(refused) =
            self.read(|connection| rotating::refusal(&self.desk(connection)?, ask, now))?
        {
            return Ok(Err(refused));
        }
        self.write(|connection| rotating::ask(&self.desk(connection)?, ask, now))
    }

    fn take_rotations(&self, modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>> {
        let open =
            self.read(|connection| rotating::takeable(&self.desk(connection)?, modems, now))?;
        let take = |id| {
            self.write(|connection| rotating::take(&self.desk(connection)?, id, now)).transpose()
        };
        open.into_iter().filter_map(take).collect()
    }

    fn end_rotation(
        &self,
        id: RotationId,
        claim: i64,
        outcome: Outcome,
        now: Time,
    ) -> Result<bool> {
        self.write(|connection| rotating::end(&self.desk(connection)?, id, claim, outcome, now))
    }

    fn tidy_rotations(&self, now: Time, limit: u32) -> Result<u32> {
        let (stale, is_any_old) = self.read(|connection| {
            let stale = rotating::stale(&self.desk(connection)?, now)?;
            Ok((stale, rotations::is_any_old(connection, now - KEPT)?))
        })?;
        for id in stale {
            self.write(|connection| rotating::give_up(&self.desk(connection)?, id, now))?;
        }
        match is_any_old {
            true => self.write(|connection| rotations::forget(connection, now - KEPT, limit)),
            false => Ok(0),
        }
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        self.read(|connection| rotations::one(connection, id))
    }

    fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Vec<Rotation>> {
        self.read(|connection| rotations::of_lease(connection, lease, after, limit))
    }

    fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Timer>> {
        self.read(|connection| rotations::timers(connection, after, limit, now))
    }

    fn renew_reboot_link(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Result<Option<u32>> {
        self.write(|connection| rotations::renew_link(connection, customer, lease, now))
    }

    fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>> {
        self.read(|connection| payments::list(connection, filter, after, limit))
    }

    fn unfinished_payments(&self, until: Time, limit: u32) -> Result<Vec<Payment>> {
        self.read(|connection| payments::unfinished(connection, until, limit))
    }

    fn top_ups_due(&self, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>> {
        self.read(|connection| payments::top_ups_due(connection, until, limit))
    }

    fn take_usage(&self, gateway: &str, report: &UsageReport, now: Time) -> Result<Taken> {
        deciding(&self.writer().connection, |connection| {
            let (taken, is_new) = usage::take(connection, gateway, report, now)?;
            Ok(if is_new { Ending::Commit(taken) } else { Ending::Rollback(taken) })
        })
    }

    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>> {
        self.read(|connection| usage::list(connection, filter, after, limit))
    }

    fn meters(&self, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>> {
        self.read(|connection| usage::meters(connection, after, limit))
    }

    fn forget_usage(&self, before: Day, limit: u32) -> Result<u32> {
        deciding(&self.writer().connection, |connection| {
            Ok(match usage::forget(connection, before, limit)? {
                0 => Ending::Rollback(0),
                forgotten => Ending::Commit(forgotten),
            })
        })
    }

    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        self.read(|connection| audit::audit(connection, progress))
    }

    fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
        backup::backup(&self.path, to, progress)
    }

    fn sales_locked(&self) -> Result<bool> {
        self.read(|connection| Ok(state::read(connection)?.sales_locked))
    }

    fn set_sales_locked(&self, locked: bool) -> Result<()> {
        self.write(|connection| state::set_sales_locked(connection, locked))
    }
}
