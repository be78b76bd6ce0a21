//! `GET system/ping`, of v1.

use serde::{Deserialize, Serialize};

/// Data of `GET system/ping`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The time, in seconds since 1970 UTC.
    pub pong: i64,
}
