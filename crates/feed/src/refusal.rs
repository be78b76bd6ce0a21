//! What a gateway has refused of a lease's traffic, for those who look after it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Something that was refused to a client of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// When: milliseconds since 1970 UTC.
    pub at: i64,
    /// Why, by the word that the client was told.
    pub reason: String,
    /// Where the client wanted to go, as host and port, if it came to say that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The address that it came from.
    pub source: IpAddr,
}

/// What was refused of a lease's traffic lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusals {
    /// How often, by reason.
    pub counts: Vec<(String, u64)>,
    /// The last ones, the newest first. When many come at once, not all are kept.
    pub last: Vec<Refused>,
}

/// So many leases a gateway on another host tells of at a time.
pub const LEASES_MOST: usize = 50;

/// What a gateway on another host tells: the leases to which something was refused since it told of
/// them last, each with all that it remembers of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The leases; at most [`LEASES_MOST`].
    pub leases: Vec<OfLease>,
}

/// What was refused to one lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfLease {
    /// Which lease.
    pub lease: u64,
    /// What was refused.
    #[serde(flatten)]
    pub refusals: Refusals,
}

/// The answer to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noted {
    /// What tells this server's memory from others: if it is another than before, nothing that was
    /// told is remembered there.
    pub memory: String,
}
