use std::time::Duration;

use crate::network::Network;

/// How long a client may take, and how much it may ask for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the first byte of a request's head to its end; on a new connection, from its beginning.
    /// A client that has sent half a head by then gets a 408.
    pub head: Duration,
    /// From the end of a request's head to the end of its body. After that the body fails with
    /// [`BodyError::TooSlow`](crate::BodyError::TooSlow), which the handler answers with a 408.
    pub body: Duration,
    /// From the end of an answer to the first byte of the next request.
    pub idle: Duration,
    /// How long the client may leave an answer unread without room for a single further byte.
    pub write_stall: Duration,
    /// How long [`Server::run`](crate::Server::run) lets requests finish after a shutdown.
    pub drain: Duration,

    /// Open connections in total.
    pub connections: usize,
    /// Open connections from one source: an IPv4 address, or an IPv6 /64, which is what one
    /// customer of an IPv6 network has at the least.
    pub per_source: usize,
    /// Sources to which `per_source` does not apply, such as a reverse proxy in front of us.
    pub trusted_sources: Vec<Network>,

    /// Bytes of a request's head, its first line included. More is answered with a 431.
    pub head_bytes: usize,
    /// Bytes of a request's target. More is answered with a 414.
    pub target_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head: Duration::from_secs(10),
            body: Duration::from_secs(15),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
            drain: Duration::from_secs(10),

            connections: 8192,
            per_source: 1024,
            trusted_sources: Network::LOOPBACK.to_vec(),

            head_bytes: 32 * 1024,
            // A path around a key of 8 KiB; such a key is answered as any other wrong one.
            target_bytes: 9 * 1024,
        }
    }
}
