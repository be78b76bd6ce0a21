//! The plain in-memory store: the model that the others are compared with.
//!
//! It keeps everything in maps behind one lock and scans them. It is meant to be obviously right,
//! not fast, and forgets everything at the end.

mod books;
mod rotations;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::address::Prefix;
use domain::api_key::ApiKey;
use domain::authorisation::Authorised;
use domain::auto_top_up::AutoTopUp;
use domain::catalogue::Catalogue;
use domain::command::{Command, Decision};
use domain::customer::Customer;
use domain::ids::{
    AccountId, AddressId, AuthorisationId, CustomerId, EntryId, KeyId, LeaseId, OrderId, PaymentId,
    PrefixId, PromoId, RotationId,
};
use domain::journal::{Entry, Event};
use domain::kind::ProxyKind;
use domain::lease::{LeaseState, Standing};
use domain::ledger::{FIRST_WALLET, Wallet};
use domain::limits::{Exception, ExceptionChange, ExceptionFor, Exceptions};
use domain::money::Money;
use domain::needs::Needs;
use domain::payment::{Payment, PaymentState};
use domain::promo::Promo;
use domain::proxy::Proxy;
use domain::replace::Replacement;
use domain::rotation::{Ask, Dialer, KEPT, NotRotated, Outcome, Rotation, Timer};
use domain::served::{Place, Served};
use domain::time::{Span, Time};
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report as UsageReport, Taken, Used};
use domain::world::World;

use self::books::{Books, Exit};
use self::rotations::Rows;
use crate::audit::{Auditor, Report};
use crate::error::Error;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use crate::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};
use crate::stock_lines::StockLines;
use crate::stocking::Stocking;
use crate::usage::Progress;
use crate::{Result, Store, catalogue_file, rotating};

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
        let books = self.books();
        let mut due: Vec<Due> = books
            .leases
            .values()
            .filter(|lease| lease.state != LeaseState::Over && lease.look_at <= until)
            .map(|it| Due { at: it.look_at, lease: it.id, order: it.order, customer: it.customer })
            .collect();
        due.sort_by_key(|due| (due.at, due.lease));
        due.truncate(size(limit));
        Ok(due)
    }

    fn next_due(&self) -> Result<Option<Time>> {
        let books = self.books();
        let live = books.leases.values().filter(|lease| lease.state != LeaseState::Over);
        Ok(live.map(|lease| lease.look_at).min())
    }

    fn remember(&self, entries: &[EntryId], now: Time, kept: Span) -> Result<()> {
        self.books().remember(entries, now + kept);
        Ok(())
    }

    fn forget(&self, now: Time, limit: u32) -> Result<u32> {
        let mut books = self.books();
        let over = books.remembered.iter().filter(|(_, it)| it.until <= now).map(|(key, _)| *key);
        let over: Vec<_> = over.take(size(limit)).collect();
        over.iter().for_each(|key| drop(books.remembered.remove(key)));
        Ok(u32::try_from(over.len()).unwrap_or(u32::MAX))
    }

    fn note_quiet(&self) -> Result<()> {
        let mut books = self.books();
        books.quiet = books.next.entry;
        Ok(())
    }

    fn note_start(&self, now: Time, window: Span, kept: Span) -> Result<u32> {
        let mut books = self.books();
        let unheard = books.entries.range(EntryId(books.quiet)..).map(|(_, entry)| entry);
        let unheard: Vec<(EntryId, Time)> = unheard.map(|entry| (entry.id, entry.at)).collect();
        // When the last server ended is not known: at the earliest with its last entry.
        let end = unheard.iter().map(|(_, at)| *at).max().unwrap_or(now);
        let late: Vec<EntryId> =
            unheard.iter().filter(|(_, at)| end - window <= *at).map(|(id, _)| *id).collect();
        books.quiet = books.next.entry;
        Ok(books.remember(&late, now + kept))
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
        let mut books = self.books();
        if !books.installation.sandbox {
            return Err(Error::Fault("only the clock of a sandbox can be moved".into()));
        }
        books.installation.clock_offset = offset;
        Ok(())
    }

    fn catalogue(&self) -> Result<Arc<Catalogue>> {
        Ok(Arc::clone(&self.books().catalogue))
    }

    fn catalogue_text(&self) -> Result<Option<String>> {
        Ok(self.books().catalogue_text.clone())
    }

    fn apply_catalogue(&self, text: &str, _: Time) -> Result<i64> {
        let mut books = self.books();
        let version = books.catalogue.version + 1;
        books.catalogue = Arc::new(catalogue_file::read(text, version)?);
        books.catalogue_text = Some(text.to_owned());
        Ok(version)
    }

    fn create_customer(&self, new: &NewCustomer, now: Time) -> Result<CustomerId> {
        let mut books = self.books();
        let id = CustomerId(next(books.customers.keys().map(|id| id.0)));
        let NewCustomer { name, email, currency } = new.clone();
        let suspended = false;
        let customer = Customer { id, name, email, currency, suspended, created_at: now };
        books.customers.insert(id, customer);
        let account = AccountId(FIRST_WALLET.0 + id.0);
        let balance = Money::from_minor(0, currency);
        books.wallets.insert(id, Wallet { account, customer: id, balance, version: 0 });
        Ok(id)
    }

    fn customer(&self, id: CustomerId) -> Result<Option<(Customer, Wallet)>> {
        let books = self.books();
        Ok(books.customers.get(&id).map(|customer| (customer.clone(), books.wallets[&id])))
    }

    fn customers(&self, after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>> {
        let books = self.books();
        let behind = books.customers.values().filter(|it| after.is_none_or(|after| after < it.id));
        let page = behind.take(size(limit));
        Ok(page.map(|customer| (customer.clone(), books.wallets[&customer.id])).collect())
    }

    fn suspend_customer(&self, id: CustomerId, suspended: bool) -> Result<bool> {
        let mut books = self.books();
        books.keys_version += 1;
        let customer = books.customers.get_mut(&id);
        Ok(customer.map(|customer| customer.suspended = suspended).is_some())
    }

    fn change_exception(
        &self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Result<Option<Exception>> {
        let mut books = self.books();
        books.keys_version += 1;
        let fitting = |id| books.leases.get(&id).filter(|it| change.fits(it.state));
        let customer = match whose {
            ExceptionFor::Customer(id) => books.customers.get(&id).map(|customer| customer.id),
            ExceptionFor::Lease(id) => fitting(id).map(|lease| lease.customer),
        };
        let Some(customer) = customer else { return Ok(None) };
        let exceptions = books.exceptions.entry(customer).or_default();
        let said = match whose {
            ExceptionFor::Customer(_) => &mut exceptions.customer,
            ExceptionFor::Lease(id) => exceptions.leases.entry(id).or_default(),
        };
        *said = said.changed(change);
        let said = *said;
        exceptions.leases.retain(|_, exception| !exception.is_empty());
        books.exceptions.retain(|_, exceptions| !exceptions.is_empty());
        Ok(Some(said))
    }

    fn exceptions(&self, customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>> {
        let mut all = self.books().exceptions.clone();
        all.retain(|id, _| customer.is_none_or(|customer| customer == *id));
        Ok(all)
    }

    fn keys_version(&self) -> Result<i64> {
        Ok(self.books().keys_version)
    }

    fn create_key(&self, new: &NewApiKey, now: Time) -> Result<KeyId> {
        let mut books = self.books();
        let id = KeyId(next(books.keys.keys().map(|id| id.0)));
        let key = ApiKey {
            id,
            customer: new.customer,
            name: new.name.clone(),
            allowed: new.allowed.clone(),
            read_only: new.read_only,
            repeat_window: new.repeat_window,
            requests_per_minute: new.requests_per_minute,
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
        };
        books.keys.insert(id, (new.hash, key));
        Ok(id)
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>> {
        let books = self.books();
        let found = books.keys.values().find(|(kept, _)| kept == hash);
        Ok(found.map(|(_, key)| (key.clone(), books.customers[&key.customer].clone())))
    }

    fn keys(&self, customer: Option<CustomerId>) -> Result<Vec<ApiKey>> {
        let books = self.books();
        let keys = books.keys.values().map(|(_, key)| key);
        Ok(keys.filter(|key| customer.is_none_or(|id| id == key.customer)).cloned().collect())
    }

    fn revoke_key(&self, id: KeyId, now: Time) -> Result<bool> {
        let mut books = self.books();
        books.keys_version += 1;
        let Some((_, key)) = books.keys.get_mut(&id) else { return Ok(false) };
        key.revoked_at.get_or_insert(now);
        Ok(true)
    }

    fn create_operator_token(&self, name: &str, hash: &[u8; 32], now: Time) -> Result<i64> {
        let mut books = self.books();
        let id = next(books.tokens.keys().copied());
        let token = OperatorToken { id, name: name.to_owned(), created_at: now, revoked_at: None };
        books.tokens.insert(id, (*hash, token));
        Ok(id)
    }

    fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<OperatorToken>> {
        let books = self.books();
        let mut valid = books.tokens.values().filter(|(_, token)| token.revoked_at.is_none());
        Ok(valid.find(|(kept, _)| kept == hash).map(|(_, token)| token.clone()))
    }

    fn operator_tokens(&self) -> Result<Vec<OperatorToken>> {
        Ok(self.books().tokens.values().map(|(_, token)| token.clone()).collect())
    }

    fn revoke_operator_token(&self, id: i64, now: Time) -> Result<bool> {
        let mut books = self.books();
        let Some((_, token)) = books.tokens.get_mut(&id) else { return Ok(false) };
        token.revoked_at.get_or_insert(now);
        Ok(true)
    }

    fn gateway_identity(&self, fresh: &GatewayIdentity) -> Result<GatewayIdentity> {
        Ok(self.books().gateway_identity.get_or_insert_with(|| fresh.clone()).clone())
    }

    fn set_gateway_epoch(&self, epoch: &str) -> Result<()> {
        if let Some(identity) = &mut self.books().gateway_identity {
            epoch.clone_into(&mut identity.epoch);
        }
        Ok(())
    }

    fn add_node(&self, new: &NewNode, now: Time) -> Result<Option<i64>> {
        let mut books = self.books();
        let there = |(_, node): &([u8; 32], Node)| node.removed_at.is_none();
        if books.nodes.values().filter(|it| there(it)).any(|(_, node)| node.name == new.name) {
            return Ok(None);
        }
        let id = next(books.nodes.keys().copied());
        let node = Node {
            id,
            name: new.name.clone(),
            gateways: new.gateways.clone(),
            token_until: new.token_until,
            key_hash: None,
            created_at: now,
            enrolled_at: None,
            removed_at: None,
            seen_at: None,
            report: None,
        };
        books.nodes.insert(id, (new.token_hash, node));
        Ok(Some(id))
    }

    fn nodes(&self) -> Result<Vec<Node>> {
        Ok(self.books().nodes.values().map(|(_, node)| node.clone()).collect())
    }

    fn node_by_key(&self, key_hash: &[u8; 32]) -> Result<Option<Node>> {
        let books = self.books();
        let mut nodes = books.nodes.values().map(|(_, node)| node);
        Ok(nodes.find(|node| node.key_hash.as_ref() == Some(key_hash)).cloned())
    }

    fn enrol_node(
        &self,
        token_hash: &[u8; 32],
        key_hash: &[u8; 32],
        now: Time,
    ) -> Result<Enrolled> {
        let mut books = self.books();
        let found = books.nodes.values().find(|(hash, _)| hash == token_hash);
        let found = found.map(|(_, node)| node.clone());
        let (outcome, id) = Enrolled::decide(found, key_hash, now);
        if let Some((_, node)) = id.and_then(|id| books.nodes.get_mut(&id)) {
            (node.key_hash, node.enrolled_at) = (Some(*key_hash), Some(now));
        }
        Ok(outcome)
    }

    fn remove_node(&self, name: &str, now: Time) -> Result<bool> {
        let mut books = self.books();
        let mut nodes = books.nodes.values_mut().map(|(_, node)| node);
        let found = nodes.find(|node| node.name == name && node.removed_at.is_none());
        let removed = found.map(|node| node.removed_at = Some(now));
        Ok(removed.is_some())
    }

    fn note_node(&self, id: i64, report: &str, now: Time) -> Result<()> {
        if let Some((_, node)) = self.books().nodes.get_mut(&id) {
            (node.seen_at, node.report) = (Some(now), Some(report.to_owned()));
        }
        Ok(())
    }

    fn create_promo(&self, new: &NewPromo, _: Time) -> Result<Option<PromoId>> {
        let mut books = self.books();
        if books.promos.values().any(|promo| promo.code == new.code) {
            return Ok(None);
        }
        let id = PromoId(next(books.promos.keys().map(|id| id.0)));
        let new = new.clone();
        let promo = Promo {
            id,
            code: new.code,
            discount: new.discount,
            starts_at: new.starts_at,
            ends_at: new.ends_at,
            max_uses: new.max_uses,
            per_customer: new.per_customer,
            kinds: new.kinds,
            for_orders: new.for_orders,
            for_extensions: new.for_extensions,
            customer: new.customer,
            descriptions: new.descriptions,
            uses: 0,
        };
        books.promos.insert(id, promo);
        Ok(Some(id))
    }

    fn promos(&self) -> Result<Vec<Promo>> {
        Ok(self.books().promos.values().cloned().collect())
    }

    fn promos_of(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
        let books = self.books();
        let his = books.promos.values().filter(|it| it.customer.is_none_or(|id| id == customer));
        let used = |promo: &Promo| books.promo_uses.get(&(promo.id, customer)).copied();
        Ok(his.map(|promo| (promo.clone(), used(promo).unwrap_or(0))).collect())
    }

    fn add_addresses(&self, new: &[NewAddress], now: Time) -> Result<Stocked> {
        let mut books = self.books();
        let by_hand = |exit: &Exit| exit.slot.map(|slot| (exit.address.ip, slot));
        let mut there: BTreeSet<_> = books.addresses.values().filter_map(by_hand).collect();
        let catalogue = Arc::clone(&books.catalogue);
        let mut stocking = Stocking {
            catalogue: &catalogue,
            now,
            next_address: books.next.address,
            next_ports: books.next_ports.clone(),
            stocked: Stocked::default(),
        };
        let (mut added, mut moved) = (Vec::<Exit>::new(), Vec::new());
        for it in new {
            if there.insert((it.ip, it.slot)) {
                let (address, modem) = (stocking.add(it)?, it.modem.clone());
                added.push(Exit { address, slot: Some(it.slot), modem });
            } else {
                stocking.pass_over();
                moved.extend(it.modem.clone().map(|modem| (it.ip, it.slot, modem)));
            }
        }
        books.next.address = stocking.next_address;
        books.next_ports = stocking.next_ports;
        books.addresses.extend(added.into_iter().map(|exit| (exit.address.id, exit)));
        for (ip, slot, modem) in moved {
            let mut exits = books.addresses.values_mut();
            let exit = exits.find(|exit| exit.address.ip == ip && exit.slot == Some(slot));
            if let Some(exit) = exit.filter(|exit| exit.modem.as_ref() != Some(&modem)) {
                exit.modem = Some(modem.clone());
                books.note_changed(&modem);
            }
        }
        Ok(stocking.stocked)
    }

    fn add_prefix(&self, new: &NewPrefix, _: Time) -> Result<bool> {
        let mut books = self.books();
        if books.prefixes.values().any(|it| (it.base, it.length) == (new.base, new.length)) {
            return Ok(false);
        }
        let id = PrefixId(next(books.prefixes.keys().map(|id| id.0)));
        let NewPrefix { pool, base, length, gateway } = new.clone();
        books.prefixes.insert(id, Prefix { id, pool, base, length, gateway, drawn: 0 });
        Ok(true)
    }

    fn stock(&self, now: Time) -> Result<Vec<StockLine>> {
        let books = self.books();
        let mut lines = StockLines::default();
        for Exit { address, .. } in books.addresses.values() {
            let line = lines.at(address.pool.clone(), address.gateway.clone());
            match address.lease {
                Some(_) => line.leased += 1,
                None if now < address.free_at => line.cooling += 1,
                None => line.free += 1,
            }
        }
        books.prefixes.values().cloned().for_each(|prefix| lines.add_undrawn(prefix));
        Ok(lines.into_lines())
    }

    fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        let books = self.books();
        let wanted = if filter.in_reserve { Standing::InReserve } else { Standing::Live };
        let all = books.proxies(customer).filter(|it| books.standing(it, now) == wanted);
        let of_kind = all.filter(|it| filter.kind.is_none_or(|kind| kind == it.lease.product.kind));
        let behind = of_kind.filter(|it| after.is_none_or(|after| after < it.lease.id));
        Ok(behind.take(size(limit)).collect())
    }

    fn proxies_of(&self, customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>> {
        let books = self.books();
        let wanted = books.proxies(customer).filter(|it| ids.contains(&it.lease.id));
        Ok(wanted.filter(|it| books.standing(it, now) != Standing::Over).collect())
    }

    fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> Result<u64> {
        let books = self.books();
        let live = books.proxies(customer).filter(|it| it.lease.state == LeaseState::Active);
        let count = live.filter(|proxy| proxy.lease.product.kind == kind).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>> {
        let books = self.books();
        let live = books.proxies(customer).filter(|it| books.standing(it, now) == Standing::Live);
        let of_kind = live.filter(|proxy| proxy.lease.product.kind == kind);
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(of_kind.skip(offset).take(size(limit)).collect())
    }

    fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>> {
        let books = self.books();
        let ends_at = |order| {
            let its = books.leases.values().filter(|lease| lease.order == order);
            its.filter(|lease| lease.state != LeaseState::Over).map(|lease| lease.ends_at).max()
        };
        let his = books.authorisations.values().filter(|it| it.customer == customer);
        let his = his.filter(|it| order.is_none_or(|order| order == it.order));
        let behind = his.filter(|it| after.is_none_or(|after| after < (it.order, it.id)));
        let mut list: Vec<Authorised> = behind
            .filter_map(|it| {
                let ends_at = ends_at(it.order)?;
                let (authorisation, order) = (it.clone(), books.order(it.order));
                Some(Authorised { authorisation, order, ends_at })
            })
            .collect();
        list.sort_by_key(|it| (it.order.id, it.authorisation.id));
        list.truncate(size(limit));
        Ok(list)
    }

    fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>> {
        let books = self.books();
        let mut list = Vec::new();
        for entry in books.entries.values().filter(|it| it.customer == customer) {
            let Event::Replacement { leases, .. } = &entry.event else { continue };
            if let Some(it) = leases.iter().find(|it| it.lease == lease) {
                let [from, to] = [it.from, it.to].map(|id| books.addresses[&id].address.ip);
                list.extend(Replacement::of(entry.clone(), from, to));
            }
        }
        Ok(list)
    }

    fn exits(&self, addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>> {
        let books = self.books();
        let ip = |id: &AddressId| Some((*id, books.addresses.get(id)?.address.ip));
        Ok(addresses.iter().filter_map(ip).collect())
    }

    fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>> {
        let books = self.books();
        let behind = books.entries.values().filter(|it| after.is_none_or(|after| after < it.id));
        let his = behind.filter(|it| filter.customer.is_none_or(|id| id == it.customer));
        let all = filter.customer.is_none() || !filter.moved_money;
        let his = his.filter(|it| all || !it.postings.is_empty());
        Ok(his.take(size(limit)).cloned().collect())
    }

    fn feed(&self, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>> {
        let entries = self.entries(&EntryFilter::default(), Some(EntryId(after)), limit)?;
        Ok(entries.into_iter().map(|entry| (entry.id.0, entry)).collect())
    }

    fn feed_end(&self) -> Result<i64> {
        Ok(self.books().entries.keys().next_back().map_or(0, |id| id.0))
    }

    fn served(&self, after: Option<Place>, limit: u32) -> Result<Vec<Served>> {
        let mut list = self.books().served();
        list.retain(|served| after.is_none_or(|after| after < served.place()));
        list.truncate(size(limit));
        Ok(list)
    }

    fn served_of(&self, touched: &Touched) -> Result<Vec<Served>> {
        let mut list = self.books().served();
        list.retain(|served| {
            touched.leases.contains(&served.lease)
                || touched.orders.contains(&served.order)
                || touched.customers.contains(&served.customer)
                || served.modem.as_ref().is_some_and(|it| touched.modems.contains(&it.name))
        });
        Ok(list)
    }

    fn suspended_customers(&self) -> Result<BTreeSet<CustomerId>> {
        let books = self.books();
        let suspended = books.customers.values().filter(|customer| customer.suspended);
        Ok(suspended.map(|customer| customer.id).collect())
    }

    fn modems_changed(&self, after: i64) -> Result<(i64, BTreeSet<String>)> {
        let books = self.books();
        let changed = books.dialers.iter().filter(|(_, (_, number))| after < *number);
        Ok((books.exit_number.max(after), changed.map(|(name, _)| name.clone()).collect()))
    }

    fn dialers(&self, names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>> {
        let books = self.books();
        let last = |name: &String| {
            let mut newest = books.rotations.values().rev();
            newest.find(|rotation| rotation.modem == *name).cloned()
        };
        Ok(names.iter().map(|name| (books.dialer(name).0, last(name))).collect())
    }

    fn ask_rotation(
        &self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>> {
        rotating::ask(&Rows::of(&mut self.books()), ask, now)
    }

    fn take_rotations(&self, modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>> {
        let mut books = self.books();
        let rows = Rows::of(&mut books);
        let open = rotating::takeable(&rows, modems, now)?;
        open.into_iter().filter_map(|id| rotating::take(&rows, id, now).transpose()).collect()
    }

    fn end_rotation(
        &self,
        id: RotationId,
        claim: i64,
        outcome: Outcome,
        now: Time,
    ) -> Result<bool> {
        rotating::end(&Rows::of(&mut self.books()), id, claim, outcome, now)
    }

    fn tidy_rotations(&self, now: Time, limit: u32) -> Result<u32> {
        let mut books = self.books();
        let rows = Rows::of(&mut books);
        for id in rotating::stale(&rows, now)? {
            rotating::give_up(&rows, id, now)?;
        }
        let over = |it: &&Rotation| it.ended_at.is_some_and(|at| at <= now - KEPT);
        let old: Vec<_> = books.rotations.values().filter(over).map(|it| it.id).collect();
        let gone = old.iter().take(size(limit));
        Ok(gone.map(|id| u32::from(books.rotations.remove(id).is_some())).sum())
    }

    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>> {
        Ok(self.books().rotations.get(&id).cloned())
    }

    fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Vec<Rotation>> {
        let books = self.books();
        let of_lease = books.rotations.values().filter(|it| it.lease == Some(lease));
        let behind = of_lease.filter(|it| after.is_none_or(|after| after < it.id));
        Ok(behind.take(size(limit)).cloned().collect())
    }

    fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Timer>> {
        let mut timers = self.books().timers(now);
        timers.retain(|it| {
            after.as_ref().is_none_or(|after| *after < (it.modem.clone(), it.address))
        });
        timers.truncate(size(limit));
        Ok(timers)
    }

    fn renew_reboot_link(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Result<Option<u32>> {
        let mut books = self.books();
        let his = books.leases.get(&lease).is_some_and(|it| {
            it.customer == customer && it.state == LeaseState::Active && now < it.ends_at
        });
        if !his {
            return Ok(None);
        }
        let epoch = books.reboot_epochs.entry(lease).or_default();
        *epoch += 1;
        Ok(Some(*epoch))
    }

    fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>> {
        let books = self.books();
        let behind = books.payments.values().filter(|it| after.is_none_or(|after| after < it.id));
        let his = behind.filter(|it| filter.customer.is_none_or(|id| id == it.customer));
        let waits = |it: &&Payment| it.state == PaymentState::Pending && it.card.is_none();
        let wanted = his.filter(|it| !filter.pending || waits(it));
        Ok(wanted.take(size(limit)).cloned().collect())
    }

    fn unfinished_payments(&self, until: Time, limit: u32) -> Result<Vec<Payment>> {
        let books = self.books();
        let waits = |it: &&Payment| !it.finished && it.card.is_some() && it.changed_at <= until;
        let mut waiting: Vec<Payment> = books.payments.values().filter(waits).cloned().collect();
        waiting.sort_by_key(|payment| (payment.changed_at, payment.id));
        waiting.truncate(size(limit));
        Ok(waiting)
    }

    fn top_ups_due(&self, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>> {
        let books = self.books();
        let low =
            |it: &&AutoTopUp| books.wallets[&it.customer].balance.minor() < it.threshold.minor();
        let ready = |it: &&AutoTopUp| {
            it.enabled && !it.paused && it.pending.is_none() && it.not_before <= until
        };
        let goes_on = |it: &&AutoTopUp| !books.customers[&it.customer].suspended;
        let due = books.top_ups.values().filter(ready).filter(low).filter(goes_on);
        let mut due: Vec<_> = due.map(|it| (it.not_before, it.customer)).collect();
        due.sort_unstable();
        due.truncate(size(limit));
        Ok(due)
    }

    fn take_usage(&self, gateway: &str, report: &UsageReport, now: Time) -> Result<Taken> {
        let mut books = self.books();
        let progress = books.meters.get(&report.meter).map_or_else(Progress::default, |it| {
            Progress { last: it.last, part: None, used: it.used }
        });
        let part = match progress.next(report, usize::MAX) {
            Ok(part) => part,
            Err(taken) => return Ok(taken),
        };
        let mut unknown = 0;
        for (key, used) in &part.lines {
            if books.leases.contains_key(&key.1) {
                let sum = books.usage.entry(*key).or_default();
                *sum = sum.plus(*used).at_most(Used::MOST);
            } else {
                unknown += 1;
            }
        }
        let (meter, gateway) = (report.meter.clone(), gateway.to_owned());
        let (last, used) = (part.after.last, part.after.used);
        let reading = MeterReading { meter: meter.clone(), gateway, last, at: now, used };
        books.meters.insert(meter, reading);
        Ok(part.taken(unknown))
    }

    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>> {
        let books = self.books();
        let lines = books.usage.iter().map(|((day, lease), used)| DayOfLease {
            day: *day,
            lease: *lease,
            customer: books.leases[lease].customer,
            used: *used,
        });
        let wanted = lines.filter(|it| {
            filter.days.from <= it.day
                && it.day <= filter.days.to
                && after.is_none_or(|after| after < (it.day, it.lease))
                && filter.lease.is_none_or(|lease| lease == it.lease)
                && filter.customer.is_none_or(|customer| customer == it.customer)
        });
        Ok(wanted.take(size(limit)).collect())
    }

    fn meters(&self, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>> {
        let books = self.books();
        let behind = books.meters.values().filter(|it| after.is_none_or(|after| *after < it.meter));
        Ok(behind.take(size(limit)).cloned().collect())
    }

    fn forget_usage(&self, before: Day, limit: u32) -> Result<u32> {
        let mut books = self.books();
        let old = books.usage.keys().filter(|(day, _)| *day < before).take(size(limit));
        let old: Vec<_> = old.copied().collect();
        for key in &old {
            books.usage.remove(key);
        }
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }

    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<Report> {
        let books = self.books();
        let mut auditor = Auditor::new();
        for entry in books.entries.values() {
            auditor.entry(entry);
            progress(auditor.entries());
        }
        books.wallets.values().for_each(|wallet| auditor.wallet(wallet));
        books.leases.values().for_each(|lease| auditor.lease(lease));
        let exits = books.addresses.values().map(|exit| &exit.address);
        exits.for_each(|address| auditor.address(address.id, address.lease));
        books.promos.values().for_each(|promo| auditor.promo(promo));
        for ((promo, customer), uses) in &books.promo_uses {
            auditor.promo_use(*promo, *customer, *uses);
        }
        books.payments.values().for_each(|payment| auditor.payment(payment));
        Ok(auditor.finish())
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
