//! Retried spends: the same request twice has one effect.

use crate::ids::CustomerId;
use crate::ids::EntryId;
use crate::journal::Event;
use crate::money::Money;
use crate::refusal::Refusal;
use crate::time::{Span, Time};

/// What makes two requests the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// What it is remembered by: a hash of the customer's key or, without one, of the request.
    pub key: [u8; 16],
    /// A hash of the request, so that a key is not used for another one.
    pub fingerprint: [u8; 16],
    /// Whether the customer gave a key.
    pub source: KeySource,
}

/// Where an idempotency key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The customer gave one: remembered for [`KEPT_WITH_KEY`].
    Header,
    /// The request itself: remembered for this long, which may be not at all.
    Request(Span),
}

/// How long an answer is kept under a key that the customer gave.
pub const KEPT_WITH_KEY: Span = Span::DAY;

/// How long an answer is kept that may not have reached its customer.
pub const KEPT_WITHOUT_KEY: Span = Span::HOUR;

/// An answer that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Whose.
    pub customer: CustomerId,
    /// By what.
    pub key: [u8; 16],
    /// The request.
    pub fingerprint: [u8; 16],
    /// What was answered.
    pub answer: Answer,
    /// Until when.
    pub until: Time,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done; this is the receipt.
    Done {
        /// The entry.
        entry: EntryId,
        /// When it happened.
        at: Time,
        /// What happened.
        event: Box<Event>,
    },
    /// It was refused, with this balance at the time.
    Refused {
        /// Why.
        refusal: Refusal,
        /// What was in the wallet.
        balance: Money,
    },
}
