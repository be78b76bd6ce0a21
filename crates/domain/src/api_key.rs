//! What a customer's programs are known by.

use std::net::IpAddr;

use crate::ids::{CustomerId, KeyId};
use crate::network::Network;
use crate::time::{Span, Time};

/// A customer's API key, without the secret, which is kept as a hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The id, which may be shown and logged.
    pub id: KeyId,
    /// Whose it is.
    pub customer: CustomerId,
    /// What the customer calls it.
    pub name: String,
    /// From where it may be used; empty is from everywhere.
    pub allowed: Vec<Network>,
    /// Whether it may only look.
    pub read_only: bool,
    /// How long an identical spend without an idempotency key is taken for a repetition. Nothing
    /// by default: two orders are two orders.
    pub repeat_window: Span,
    /// How many requests a minute it may make; `None` is the server's default.
    pub requests_per_minute: Option<u32>,
    /// When it was made.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Option<Time>,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

impl ApiKey {
    /// Whether it opens anything at `now`.
    pub fn is_valid(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it may be used from `ip`.
    pub fn allows(&self, ip: IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|network| network.contains(ip))
    }
}
