//! How much a lease may use at its gateway.

/// How much a lease may use. A number that is zero is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: u32,
    /// New connections in a second.
    pub new_connections_per_second: u32,
    /// Bytes in a second, each way.
    pub bytes_per_second: u64,
    /// Whether datagrams are passed on too, not only connections.
    pub udp: bool,
}

impl Limits {
    /// The slowest a lease can be made: less would not carry a single large packet in a second.
    pub const BYTES_PER_SECOND_MIN: u64 = 4096;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 500, new_connections_per_second: 50, bytes_per_second: 0, udp: false }
    }
}
