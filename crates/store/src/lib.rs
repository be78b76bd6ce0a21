//! Where the books are kept: the only crate with SQL in it.
//!
//! [`Store`] is what the rest of the program knows of a database. It loads what a batch of commands
//! needs, has the domain decide them, saves what changed and commits once; everything else is
//! reading, and the operator's housekeeping. It decides nothing itself.
//!
//! Calls block. A prompt store, such as SQLite, answers point reads within microseconds from memory,
//! so they may be made from anywhere; longer reads, and everything on a store that is not prompt,
//! belong on a thread for blocking work.

pub mod audit;
mod authorised;
pub mod catalogue_file;
mod chunks;
pub mod conformance;
mod encoding;
pub mod error;
mod files;
mod hex;
mod last_spends;
pub mod memory;
pub mod nodes;
mod payments;
pub mod postgres;
pub mod records;
pub mod revocations;
mod rotating;
pub mod sqlite;
mod statements;
mod stock_lines;
mod stocking;
pub mod transfer;
mod usage;
pub mod vault;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use domain::api_key::ApiKey;
use domain::authorisation::Authorised;
use domain::catalogue::Catalogue;
use domain::command::{Command, Decision};
use domain::customer::Customer;
use domain::ids::{
    AddressId, AuthorisationId, CustomerId, EntryId, KeyId, LeaseId, OrderId, PaymentId, RotationId,
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
use domain::usage::{Day, DayOfLease, Meter, MeterReading, Report, Taken};
use domain::world::World;

use crate::error::Error;
use crate::nodes::{Enrolled, GatewayIdentity, NewNode, Node};
use crate::records::{
    Alive, Due, EntryFilter, Installation, NewAddress, NewApiKey, NewCustomer, NewPrefix, NewPromo,
    OperatorToken, PaymentFilter, ProxyFilter, StockLine, Stocked, Touched, UsageFilter,
};

/// The result of asking a store.
pub type Result<T> = std::result::Result<T, Error>;

/// Where the books are kept.
///
/// Whatever a call says was done is durable when it returns. A call that fails has done nothing,
/// unless its error is [`Error::OutcomeUnknown`].
pub trait Store: Send + Sync + 'static {
    /// Whether point reads are answered within microseconds.
    fn is_prompt(&self) -> bool;

    /// How many batches are best decided at a time. More than that wait for each other.
    fn batches_at_once(&self) -> usize {
        1
    }

    /// Decides commands at `now`, one after another, in one transaction, and commits once. The
    /// decisions come in the order of the commands.
    ///
    /// If the batch fails as a whole, the caller runs its commands one by one.
    fn transact(&self, batch: &[Command], now: Time) -> Result<Vec<Decision>>;

    /// Loads, for looking only, what `needs` names at one moment.
    fn load(&self, needs: &Needs, now: Time) -> Result<World>;

    /// The same, and the leases among it that `customer` has or has in reserve, as they are shown,
    /// by id. A store that cannot see both at one moment shows them as they are a moment later.
    fn load_shown(
        &self,
        needs: &Needs,
        customer: CustomerId,
        now: Time,
    ) -> Result<(World, Vec<Proxy>)> {
        let world = self.load(needs, now)?;
        let proxies = self.proxies_of(customer, &world.lease_ids(), now)?;
        Ok((world, proxies))
    }

    /// Leases for which something may be due by `until`, ordered by when, then by lease; at most
    /// `limit`.
    fn due(&self, until: Time, limit: u32) -> Result<Vec<Due>>;

    /// When something may be due next.
    fn next_due(&self) -> Result<Option<Time>>;

    /// Remembers for `kept` the answers to spends without an idempotency key that may not have
    /// reached their customers, by their journal entries. What has no fingerprint is passed over.
    fn remember(&self, entries: &[EntryId], now: Time, kept: Span) -> Result<()>;

    /// Forgets up to `limit` answers whose time is over; says how many.
    fn forget(&self, now: Time, limit: u32) -> Result<u32>;

    /// Notes that every answer that this server has given so far has reached its customer or been
    /// remembered. A server that ends without this note behind its last spend ends uncleanly.
    fn note_quiet(&self) -> Result<()>;

    /// Notes that a server starts, and remembers for `kept` the spends that were committed within
    /// `window` before the unclean end of another. Says how many.
    fn note_start(&self, now: Time, window: Span, kept: Span) -> Result<u32>;

    /// Notes that this server is still there and goes by a clock that is `clock_offset` ahead.
    /// Where many servers share the books, remembers for `kept` the spends that were committed
    /// within `window` before one was last seen that has gone without a word.
    fn note_alive(&self, clock_offset: Span, now: Time, window: Span, kept: Span) -> Result<Alive>;

    /// Notes that this server ends, and leaves nothing behind that it has not noted.
    fn note_end(&self) -> Result<()>;

    /// What never changes about this installation, and its sandbox clock.
    fn installation(&self) -> Result<Installation>;

    /// Moves the clock of a sandbox: from now on it is `offset` ahead of the true time.
    fn set_clock_offset(&self, offset: Span) -> Result<()>;

    /// The catalogue in force.
    fn catalogue(&self) -> Result<Arc<Catalogue>>;

    /// The text from which the catalogue in force was made; `None` before the first.
    fn catalogue_text(&self) -> Result<Option<String>>;

    /// Puts a new catalogue in force, given its text; says its version.
    fn apply_catalogue(&self, text: &str, now: Time) -> Result<i64>;

    /// Adds a customer with an empty wallet.
    fn create_customer(&self, new: &NewCustomer, now: Time) -> Result<CustomerId>;

    /// A customer with his wallet.
    fn customer(&self, id: CustomerId) -> Result<Option<(Customer, Wallet)>>;

    /// Customers with their wallets, by id, from behind `after`; at most `limit`.
    fn customers(&self, after: Option<CustomerId>, limit: u32) -> Result<Vec<(Customer, Wallet)>>;

    /// Suspends a customer, or lets him go on. Says whether there is such a customer.
    fn suspend_customer(&self, id: CustomerId, suspended: bool) -> Result<bool>;

    /// Changes how much a lease, or all of a customer, may use at gateways where that is not as the
    /// catalogue says. Says what is said of it then; `None` if there is no such customer or lease, or
    /// the lease is over and the change does more than take away what is said of it.
    fn change_exception(
        &self,
        whose: ExceptionFor,
        change: ExceptionChange,
    ) -> Result<Option<Exception>>;

    /// How much leases may use where that is not as the catalogue says: of a customer, or of all.
    /// Of a customer for whom nothing is said there is nothing.
    fn exceptions(&self, customer: Option<CustomerId>) -> Result<BTreeMap<CustomerId, Exceptions>>;

    /// Adds an API key, given the hash of its secret.
    fn create_key(&self, new: &NewApiKey, now: Time) -> Result<KeyId>;

    /// The key whose secret has this hash, with its customer.
    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<(ApiKey, Customer)>>;

    /// A number that changes whenever a key or a customer that [`Store::key_by_hash`] has told of
    /// may have changed, so that what it told can be kept as long as the number stays; and whenever
    /// [`Store::suspended_customers`] or [`Store::exceptions`] may say something else.
    fn keys_version(&self) -> Result<i64>;

    /// The keys of a customer, or of all.
    fn keys(&self, customer: Option<CustomerId>) -> Result<Vec<ApiKey>>;

    /// Revokes a key for good, also in a backup that is restored later. Says whether there is such
    /// a key.
    fn revoke_key(&self, id: KeyId, now: Time) -> Result<bool>;

    /// Adds an operator token, given the hash of its secret.
    fn create_operator_token(&self, name: &str, hash: &[u8; 32], now: Time) -> Result<i64>;

    /// The operator token whose secret has this hash, unless revoked.
    fn operator_token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<OperatorToken>>;

    /// All operator tokens.
    fn operator_tokens(&self) -> Result<Vec<OperatorToken>>;

    /// Revokes an operator token. Says whether there is such a token.
    fn revoke_operator_token(&self, id: i64, now: Time) -> Result<bool>;

    /// What gateways on other hosts know this shop by. If there is nothing yet, it is `fresh` from
    /// now on.
    fn gateway_identity(&self, fresh: &GatewayIdentity) -> Result<GatewayIdentity>;

    /// Begins a new epoch of the books, if gateways have been told of one: what they have been told
    /// so far counts no more.
    fn set_gateway_epoch(&self, epoch: &str) -> Result<()>;

    /// Adds a gateway on another host; `None` if there is one of that name.
    fn add_node(&self, new: &NewNode, now: Time) -> Result<Option<i64>>;

    /// All gateways on other hosts, also those that were removed.
    fn nodes(&self) -> Result<Vec<Node>>;

    /// The node whose public key has this hash, also if it was removed.
    fn node_by_key(&self, key_hash: &[u8; 32]) -> Result<Option<Node>>;

    /// Has the node whose token has this hash be known by its key from now on.
    fn enrol_node(&self, token_hash: &[u8; 32], key_hash: &[u8; 32], now: Time)
    -> Result<Enrolled>;

    /// Removes a node for good, also in a backup that is restored later. Says whether there is one
    /// of that name.
    fn remove_node(&self, name: &str, now: Time) -> Result<bool>;

    /// Notes that a node was heard of, and what it said.
    fn note_node(&self, id: i64, report: &str, now: Time) -> Result<()>;

    /// Adds a promo code; `None` if the code exists.
    fn create_promo(&self, new: &NewPromo, now: Time) -> Result<Option<domain::ids::PromoId>>;

    /// All promo codes.
    fn promos(&self) -> Result<Vec<Promo>>;

    /// The promo codes that `customer` could be told of, with how often he has used each.
    fn promos_of(&self, customer: CustomerId) -> Result<Vec<(Promo, u32)>>;

    /// Adds addresses; those that exist already are passed over.
    fn add_addresses(&self, new: &[NewAddress], now: Time) -> Result<Stocked>;

    /// Adds a prefix to draw from; says whether it was new.
    fn add_prefix(&self, new: &NewPrefix, now: Time) -> Result<bool>;

    /// What is in stock, a line for each pool and gateway.
    fn stock(&self, now: Time) -> Result<Vec<StockLine>>;

    /// The live leases of a customer that pass `filter`, by id, from behind `after`; at most
    /// `limit`.
    fn proxies(
        &self,
        customer: CustomerId,
        filter: &ProxyFilter,
        after: Option<LeaseId>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>>;

    /// The leases of a customer with these ids, live ones and those in reserve, by id. What is not
    /// his, or is over, is left out.
    fn proxies_of(&self, customer: CustomerId, ids: &[LeaseId], now: Time) -> Result<Vec<Proxy>>;

    /// How many live leases of `kind` a customer has.
    fn count_proxies(&self, customer: CustomerId, kind: ProxyKind) -> Result<u64>;

    /// The live leases of `kind` from the `offset`-th on, by id; at most `limit`. A page far down
    /// costs about as much as the first.
    fn proxies_at(
        &self,
        customer: CustomerId,
        kind: ProxyKind,
        offset: u64,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Proxy>>;

    /// The authorisations of a customer's orders that are not over, or of one of them, by order and
    /// then by id, from behind `after`; at most `limit`.
    fn authorisations(
        &self,
        customer: CustomerId,
        order: Option<OrderId>,
        after: Option<(OrderId, AuthorisationId)>,
        limit: u32,
    ) -> Result<Vec<Authorised>>;

    /// How the addresses of a customer's lease were replaced, oldest first.
    fn replacements(&self, customer: CustomerId, lease: LeaseId) -> Result<Vec<Replacement>>;

    /// The exits that these addresses are. Those that do not exist are left out.
    fn exits(&self, addresses: &BTreeSet<AddressId>) -> Result<BTreeMap<AddressId, IpAddr>>;

    /// Entries of the journal, oldest first, from behind `after`; at most `limit`.
    fn entries(
        &self,
        filter: &EntryFilter,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>>;

    /// Everything that happened, numbered from 1 without a gap, from behind `after`; at most
    /// `limit`. The order never changes, and nothing comes before what it depends on.
    fn feed(&self, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>>;

    /// The number of the last entry of [`Store::feed`] so far; 0 if there is none.
    fn feed_end(&self) -> Result<i64>;

    /// All leases that are not over, as gateways have to know them, by their places, from behind
    /// `after`; at most `limit`, and none only if none are left.
    fn served(&self, after: Option<Place>, limit: u32) -> Result<Vec<Served>>;

    /// Those of them that `touched` names, by their places.
    fn served_of(&self, touched: &Touched) -> Result<Vec<Served>>;

    /// The customers who are suspended.
    fn suspended_customers(&self) -> Result<BTreeSet<CustomerId>>;

    /// The modems behind whose number `after` something has changed for gateways: their exits are
    /// others or about to be, or other leases are behind them. With the number to ask with next.
    fn modems_changed(&self, after: i64) -> Result<(i64, BTreeSet<String>)>;

    /// These modems, as far as they are known, each with its last job.
    fn dialers(&self, names: &BTreeSet<String>) -> Result<Vec<(Dialer, Option<Rotation>)>>;

    /// Makes a job of a wish to rotate, or says why not.
    fn ask_rotation(
        &self,
        ask: &Ask,
        now: Time,
    ) -> Result<std::result::Result<Rotation, NotRotated>>;

    /// Takes the jobs of these modems that nobody does. Whoever takes one does it.
    fn take_rotations(&self, modems: &BTreeSet<String>, now: Time) -> Result<Vec<Rotation>>;

    /// Tells what has come of a job. Says whether it was believed: only those are who have taken
    /// it last, as its `claim` says.
    fn end_rotation(&self, id: RotationId, claim: i64, outcome: Outcome, now: Time)
    -> Result<bool>;

    /// Gives up jobs that nobody does, and forgets up to `limit` of those that ended long ago; says
    /// how many.
    fn tidy_rotations(&self, now: Time, limit: u32) -> Result<u32>;

    /// A job.
    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>>;

    /// The jobs that were asked for a lease, by id, from behind `after`; at most `limit`.
    fn rotations(
        &self,
        lease: LeaseId,
        after: Option<RotationId>,
        limit: u32,
    ) -> Result<Vec<Rotation>>;

    /// The live leases that rotate by themselves, by modem and address, from behind `after`; at
    /// most `limit`.
    fn rotation_timers(
        &self,
        after: Option<(String, AddressId)>,
        limit: u32,
        now: Time,
    ) -> Result<Vec<Timer>>;

    /// Replaces the link that rotates a live lease of a customer by another one; says how often
    /// that was done. `None` if he has no such lease.
    fn renew_reboot_link(
        &self,
        customer: CustomerId,
        lease: LeaseId,
        now: Time,
    ) -> Result<Option<u32>>;

    /// Payments that pass `filter`, by id, from behind `after`; at most `limit`.
    fn payments(
        &self,
        filter: &PaymentFilter,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<Payment>>;

    /// Payments by card that have not changed since `until` and about which a provider may have to
    /// be told something, those that have waited longest first; at most `limit`.
    fn unfinished_payments(&self, until: Time, limit: u32) -> Result<Vec<Payment>>;

    /// Wallets that are to be topped up by `until`, ordered by from when on, then by customer; at
    /// most `limit`.
    fn top_ups_due(&self, until: Time, limit: u32) -> Result<Vec<(Time, CustomerId)>>;

    /// Adds what leases have used, as a gateway reports it, in the transaction that notes the number
    /// of the report: one that is behind the last of its meter is taken, and any other is not. A
    /// large one is taken part by part, so that others who write need not wait for it.
    fn take_usage(&self, gateway: &str, report: &Report, now: Time) -> Result<Taken>;

    /// What leases have used, by day and lease, from behind `after`; at most `limit`.
    fn usage(
        &self,
        filter: &UsageFilter,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>>;

    /// Who has reported usage, from behind `after`; at most `limit`.
    fn meters(&self, after: Option<&Meter>, limit: u32) -> Result<Vec<MeterReading>>;

    /// Forgets what was used on up to `limit` days of leases before a day; says how many.
    fn forget_usage(&self, before: Day, limit: u32) -> Result<u32>;

    /// Proves the books from the journal alone and compares what is kept with it.
    fn audit(&self, progress: &mut dyn FnMut(u64)) -> Result<audit::Report>;

    /// Writes a copy of the books, as they are at one moment, to a new file, while work goes on.
    /// `progress` is told pages done and pages in all.
    fn backup(&self, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()>;

    /// Whether orders are stopped after a restore.
    fn sales_locked(&self) -> Result<bool>;

    /// Lets orders be taken again after a restore, or stops them.
    fn set_sales_locked(&self, locked: bool) -> Result<()>;
}
