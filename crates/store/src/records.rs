//! What is put in and looked up that is no domain value.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use domain::ids::{CustomerId, LeaseId, OrderId};
use domain::kind::ProxyKind;
use domain::money::{Currency, Percent};
use domain::network::Network;
use domain::product::ProductKey;
use domain::time::{Span, Time};
use domain::usage::Days;

/// Whether a database may be made when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Create {
    /// It must be there.
    Never,
    /// It is made if it is not there.
    IfMissing {
        /// Whether it becomes a sandbox, for ever.
        sandbox: bool,
    },
}

/// What never changes about an installation, and its sandbox clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Whether its clock may be moved; decided when it was made.
    pub sandbox: bool,
    /// How far its clock is ahead; nothing unless it is a sandbox.
    pub clock_offset: Span,
    /// The key of the public ids.
    pub id_key: [u8; 16],
}

/// What a server is told when it says that it is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alive {
    /// How far the clock of the installation is ahead; nothing unless it is a sandbox.
    pub clock_offset: Span,
    /// What the clock of the database says, where that is another machine's.
    pub server_time: Option<Time>,
    /// How many spends of servers that have gone were remembered.
    pub remembered: u32,
    /// Whether every server that is there goes by the clock of the installation.
    pub together: bool,
}

/// Which leases gateways have to be told of again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// These.
    pub leases: BTreeSet<LeaseId>,
    /// All of these orders.
    pub orders: BTreeSet<OrderId>,
    /// All of these customers.
    pub customers: BTreeSet<CustomerId>,
}

impl Touched {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty() && self.orders.is_empty() && self.customers.is_empty()
    }
}

/// A lease for which something may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: Time,
    /// Which.
    pub lease: LeaseId,
    /// Its order: leases of one are not torn apart.
    pub order: OrderId,
    /// Whose.
    pub customer: CustomerId,
}

/// Which payments are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Only this customer's.
    pub customer: Option<CustomerId>,
    /// Only those that wait to be paid on a page.
    pub pending: bool,
}

/// Whose usage is listed, and of which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageFilter {
    /// Only this customer's.
    pub customer: Option<CustomerId>,
    /// Only this lease's.
    pub lease: Option<LeaseId>,
    /// Only of these days.
    pub days: Days,
}

/// A customer to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCustomer {
    /// What the operator calls him.
    pub name: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// The currency of his wallet.
    pub currency: Currency,
}

/// An API key to be added. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// Whose.
    pub customer: CustomerId,
    /// What he calls it.
    pub name: String,
    /// From where it may be used; empty is from everywhere.
    pub allowed: Vec<Network>,
    /// Whether it may only look.
    pub read_only: bool,
    /// How long an identical spend is taken for a repetition.
    pub repeat_window: Span,
    /// How many requests a minute it may make.
    pub requests_per_minute: Option<u32>,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
}

impl std::fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewApiKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An operator token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorToken {
    /// The id.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// A promo code to be added; see [`domain::promo::Promo`] for the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the promo code that it becomes")]
pub struct NewPromo {
    pub code: String,
    pub discount: Percent,
    pub starts_at: Time,
    pub ends_at: Option<Time>,
    pub max_uses: Option<u32>,
    pub per_customer: Option<u32>,
    pub kinds: Vec<ProxyKind>,
    pub for_orders: bool,
    pub for_extensions: bool,
    pub customer: Option<CustomerId>,
    pub descriptions: Vec<(String, String)>,
}

/// An address to be added to stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddress {
    /// The pool.
    pub pool: ProductKey,
    /// The exit.
    pub ip: IpAddr,
    /// Which of the leases that share the address, from 0; only a modem has more than one.
    pub slot: u32,
    /// The gateway.
    pub gateway: String,
}

/// A prefix to be added to stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrefix {
    /// The pool.
    pub pool: ProductKey,
    /// The first address.
    pub base: Ipv6Addr,
    /// How many leading bits are fixed.
    pub length: u8,
    /// The gateway it is routed to.
    pub gateway: String,
}

/// What became of addresses that were added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stocked {
    /// New ones.
    pub added: u64,
    /// Those that were there already.
    pub known: u64,
}

/// What is in stock of a pool at a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockLine {
    /// The pool.
    pub pool: ProductKey,
    /// The gateway.
    pub gateway: String,
    /// Addresses that can be let.
    pub free: u64,
    /// Addresses that are let or kept for their last customer.
    pub leased: u64,
    /// Addresses that rest.
    pub cooling: u64,
    /// Addresses that can still be drawn from prefixes.
    pub undrawn: u64,
}

/// Which leases are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyFilter {
    /// Only of this kind.
    pub kind: Option<ProxyKind>,
    /// Those in reserve instead of the live ones.
    pub in_reserve: bool,
}

/// Which entries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Only of this customer.
    pub customer: Option<CustomerId>,
    /// Of one customer, only those that moved money: no others are read, however many he has. Says
    /// nothing about the entries of everybody.
    pub moved_money: bool,
}
