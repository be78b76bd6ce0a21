//! What a gateway on another host says of itself.

use serde::{Deserialize, Serialize};

/// A gateway wants to be known by its key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Enrol {
    /// The secret that the operator was given for it.
    pub token: String,
}

impl std::fmt::Debug for Enrol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrol(***)")
    }
}

/// It is known from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// What it is called.
    pub node: String,
    /// Whether nothing is real there, so that traffic may go to the machine itself.
    #[serde(default)]
    pub sandbox: bool,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why, for programs.
    pub error: Refusal,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The operator has removed this gateway.
    Removed,
    /// No gateway has this key.
    UnknownKey,
    /// There is no such token.
    UnknownToken,
    /// Another has enrolled with this token.
    UsedToken,
    /// The token's time is over.
    LateToken,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}

/// How a gateway is. What is missing is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// The version of its program.
    pub version: String,
    /// The stream that it follows, and the last commit of it that is in force.
    pub session: u64,
    /// See above.
    pub taken: u64,
    /// The number of the last thing that its table knows of.
    pub number: i64,
    /// Why it has refused the last table that it was told, if it has.
    pub refused: Option<String>,
    /// How many leases it serves.
    pub leases: u64,
    /// How many leases it could not serve since it started.
    pub unfit: u64,
    /// How many ports it should listen on, and cannot.
    pub unheard: u64,
    /// Connections of clients that are open.
    pub connections: u64,
    /// Flows that were opened since it started.
    pub flows: u64,
    /// Bytes to destinations since it started.
    pub bytes_up: u64,
    /// Bytes from destinations since it started.
    pub bytes_down: u64,
    /// Milliseconds of processors that it has taken since it started.
    pub processor_ms: u64,
    /// Bytes of memory that it has.
    pub memory_bytes: u64,
    /// Files and sockets that it has open.
    pub files: u64,
    /// How many it may have.
    pub files_max: u64,
    /// Milliseconds since it started.
    pub up_ms: u64,
    /// Whether another process of this gateway has taken over, and tells of itself: this one only
    /// goes on with what is open.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
}

/// The answer to a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    /// What time it is: milliseconds since 1970 UTC.
    pub time: i64,
}
