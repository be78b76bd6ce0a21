//! What is loaded for a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::access::Login;
use crate::address::Pool;
use crate::authorisation::Authorisation;
use crate::auto_top_up::AutoTopUp;
use crate::card::Card;
use crate::catalogue::Catalogue;
use crate::customer::Customer;
use crate::idempotency::Remembered;
use crate::ids::{AuthorisationId, CustomerId, PromoId};
use crate::lease::Lease;
use crate::ledger::Wallet;
use crate::payment::Payment;
use crate::product::ProductKey;
use crate::promo::Promo;

/// Everything that was loaded for a batch.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The catalogue that is valid at the commit.
    pub catalogue: Arc<Catalogue>,
    /// The customers.
    pub customers: Vec<Customer>,
    /// Their wallets.
    pub wallets: Vec<Wallet>,
    /// The promo codes.
    pub promos: Vec<Promo>,
    /// How often which customer has used which code; none is never.
    pub promo_uses: Vec<(PromoId, CustomerId, u32)>,
    /// The pools.
    pub pools: Vec<(ProductKey, Pool)>,
    /// The next free port of each gateway's shared host, where any was given out.
    pub next_ports: BTreeMap<String, u16>,
    /// The leases.
    pub leases: Vec<Lease>,
    /// The authorisations.
    pub authorisations: Vec<Authorisation>,
    /// The pairs that customers usually use; of some who have one.
    pub usual_logins: Vec<(CustomerId, Login)>,
    /// Who has which login: an authorisation, or a customer as his usual one. None is nobody.
    pub logins: Vec<(String, CustomerId, Option<AuthorisationId>)>,
    /// The answers that are remembered.
    pub remembered: Vec<Remembered>,
    /// The payments.
    pub payments: Vec<Payment>,
    /// The cards of customers, those that were removed among them.
    pub cards: Vec<Card>,
    /// Their instructions to top up.
    pub top_ups: Vec<AutoTopUp>,
    /// The next ids.
    pub next: NextIds,
    /// Whether new orders are stopped after a restore.
    pub sales_locked: bool,
}

/// The ids that the next new things get. A store hands them out in blocks that it will not hand out
/// again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NextIds {
    /// Of the journal.
    pub entry: i64,
    /// Of orders, payments and cards.
    pub order: i64,
    /// Of leases.
    pub lease: i64,
    /// Of addresses, which are drawn from prefixes.
    pub address: i64,
    /// Of authorisations.
    pub authorisation: i64,
}
