//! The journal: what happened, once and for ever. Balances, ends and promo uses can be rebuilt
//! from it alone.

use crate::ids::{
    AddressId, AuthorisationId, CardId, CustomerId, EntryId, LeaseId, OrderId, PaymentId,
};
use crate::ledger::Posting;
use crate::money::Money;
use crate::payment::{Decline, Purpose};
use crate::period::Period;
use crate::pricing::Quote;
use crate::replace::ReplaceReason;
use crate::time::Time;

/// One entry: the receipt of a command that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number. Later entries have higher ones.
    pub id: EntryId,
    /// When it happened.
    pub at: Time,
    /// Whom it concerns.
    pub customer: CustomerId,
    /// What happened.
    pub event: Event,
    /// The money that moved: two lines, or none.
    pub postings: Vec<Posting>,
    /// What identifies the request, of a spend without an idempotency key.
    pub fingerprint: Option<[u8; 16]>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Money came in.
    Deposit {
        /// How much.
        amount: Money,
        /// What is in the wallet afterwards.
        balance_after: Money,
        /// The operator's words.
        note: String,
    },
    /// Addresses were let.
    Order {
        /// The new order.
        order: OrderId,
        /// What was paid.
        bill: Bill,
        /// For how long.
        period: Period,
        /// The new leases.
        leases: Vec<Granted>,
    },
    /// Leases were extended, or restored from their reserve.
    Extension {
        /// What was paid.
        bill: Bill,
        /// By how much.
        period: Period,
        /// The leases, in the order in which they were named.
        leases: Vec<Moved>,
        /// Whether it was a standing instruction.
        automatic: bool,
    },
    /// A standing instruction was given or taken back.
    AutoExtend {
        /// The leases, in the order in which they were named.
        leases: Vec<LeaseId>,
        /// By how much they are to be extended; `None` is not at all.
        period: Option<Period>,
        /// The card that pays for it; `None` is the wallet.
        card: Option<CardId>,
    },
    /// An automatic extension was not possible; told once per lease and end.
    RenewalFailed {
        /// The leases.
        leases: Vec<LeaseId>,
        /// How much was missing, if it was money.
        missing: Option<Money>,
    },
    /// Leases ended and pass no more traffic.
    Ended {
        /// The leases and until when their addresses are kept for a restoration.
        leases: Vec<(LeaseId, Option<Time>)>,
    },
    /// Addresses went back to stock.
    Released {
        /// The leases that are over.
        leases: Vec<LeaseId>,
    },
    /// A payment came in.
    Payment {
        /// Which.
        payment: PaymentId,
        /// What for. What it buys is the next entry.
        purpose: Purpose,
        /// How much.
        amount: Money,
        /// What is in the wallet afterwards.
        balance_after: Money,
    },
    /// The instruction to top up was given, changed or taken back.
    AutoTopUp {
        /// Whether it is in force.
        enabled: bool,
        /// Below this it tops up.
        threshold: Money,
        /// By so much.
        amount: Money,
        /// With this card.
        card: Option<CardId>,
    },
    /// An automatic top-up failed.
    TopUpFailed {
        /// How much was to come in.
        amount: Money,
        /// Why it did not.
        why: Decline,
        /// Whether it is not tried again until the customer says so.
        paused: bool,
    },
    /// Who may use the addresses of an order was changed. How he is known is told nowhere here.
    Authorisation {
        /// The authorisation.
        authorisation: AuthorisationId,
        /// The order.
        order: OrderId,
        /// Whether it lets anybody in afterwards.
        active: bool,
        /// What became of it.
        change: AuthorisationChange,
    },
    /// The customer has written something beside leases, or taken it back.
    Comment {
        /// The leases, in the order in which they were named.
        leases: Vec<LeaseId>,
    },
    /// Leases got other addresses.
    Replacement {
        /// The leases, in the order in which they were named.
        leases: Vec<Replaced>,
        /// Why.
        reason: ReplaceReason,
        /// The customer's own words, if any.
        comment: Option<String>,
    },
}

/// What became of an authorisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorisationChange {
    /// It was added, after the order.
    Added,
    /// It was changed.
    Changed,
    /// It was deleted.
    Deleted,
}

/// What was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// How the total came about.
    pub quote: Quote,
    /// What is left in the wallet.
    pub balance_after: Money,
    /// The payment that came in for this and nothing else; `None` is that the wallet paid.
    pub payment: Option<PaymentId>,
}

/// A lease that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The lease.
    pub lease: LeaseId,
    /// The address it lets.
    pub address: AddressId,
    /// Its end.
    pub ends_at: Time,
}

/// A lease whose end moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The lease.
    pub lease: LeaseId,
    /// The end before.
    pub from: Time,
    /// The end now.
    pub to: Time,
}

/// A lease whose address was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The lease.
    pub lease: LeaseId,
    /// The address before.
    pub from: AddressId,
    /// The address now.
    pub to: AddressId,
}

impl Event {
    /// The name of what happened, as lists show it.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Deposit { .. } => "deposit",
            Event::Order { .. } => "order",
            Event::Extension { automatic: false, .. } => "extension",
            Event::Extension { automatic: true, .. } => "renewal",
            Event::AutoExtend { .. } => "auto_extend",
            Event::RenewalFailed { .. } => "renewal_failed",
            Event::Ended { .. } => "ended",
            Event::Released { .. } => "released",
            Event::Payment { .. } => "payment",
            Event::AutoTopUp { .. } => "auto_top_up",
            Event::TopUpFailed { .. } => "top_up_failed",
            Event::Authorisation { change: AuthorisationChange::Added, .. } => {
                "authorisation_added"
            }
            Event::Authorisation { change: AuthorisationChange::Changed, .. } => {
                "authorisation_changed"
            }
            Event::Authorisation { change: AuthorisationChange::Deleted, .. } => {
                "authorisation_deleted"
            }
            Event::Comment { .. } => "comment",
            Event::Replacement { .. } => "replacement",
        }
    }

    /// What was paid, if anything was.
    pub fn bill(&self) -> Option<&Bill> {
        match self {
            Event::Order { bill, .. } | Event::Extension { bill, .. } => Some(bill),
            _ => None,
        }
    }

    /// Notes the payment that came in for this.
    pub(crate) fn paid_by(&mut self, id: PaymentId) {
        if let Event::Order { bill, .. } | Event::Extension { bill, .. } = self {
            bill.payment = Some(id);
        }
    }
}
