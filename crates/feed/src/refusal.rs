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
