//! What an operator sets.

use std::time::Duration;

use crate::egress::Binding;
use crate::http::Limits;

/// How much a gateway serves and how long it waits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that serve; each has its own runtime, and nothing moves between them.
    pub threads: usize,
    /// Connections of clients at a time. More are closed unread.
    pub connections_max: u32,
    /// Connections from which on no flow is opened: requests are answered with a refusal.
    pub flows_max: u32,
    /// Connections of one source address (or IPv6 /64) that have not yet said what they want.
    pub handshakes_per_source: u32,
    /// How long a client may take to say what it wants.
    pub handshake: Duration,
    /// How long things may take where requests are passed on one by one.
    pub http: Limits,
    /// How long a destination may take to answer, with the look-up of its name.
    pub connect: Duration,
    /// How long a tunnel may be silent in both directions.
    pub idle: Duration,
    /// What clients may do that send datagrams.
    pub udp: Udp,
    /// Which addresses may be exits.
    pub binding: Binding,
    /// Pipes for bulk traffic that each thread may have; each is two descriptors and holds up to
    /// 1 MiB on its way.
    pub pipes: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            threads: std::thread::available_parallelism().map_or(1, |count| count.get()),
            connections_max: 500_000,
            flows_max: 490_000,
            handshakes_per_source: 512,
            handshake: Duration::from_secs(10),
            http: Limits::default(),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            udp: Udp::default(),
            binding: Binding::Own,
            pipes: 32,
        }
    }
}

/// How datagrams are passed on that come by SOCKS5 (UDP ASSOCIATE).
#[derive(Clone, Copy, Debug)]
pub struct Udp {
    /// Whether all leases have it, and not only those whose limits say so.
    pub for_all: bool,
    /// How long an association may be silent in both directions.
    pub idle: Duration,
    /// Associations at a time. Each takes three descriptors, one more than a tunnel.
    pub associations_max: u32,
}

impl Default for Udp {
    fn default() -> Udp {
        Udp { for_all: false, idle: Duration::from_secs(120), associations_max: 1024 }
    }
}

/// Descriptors that are kept for everything but connections: logs, saved tables, the resolver.
const RESERVE: u64 = 128;
/// A client's connection takes one descriptor and its destination's another.
const EACH: u64 = 2;

impl Settings {
    /// The same with no more connections than `descriptors` are enough for, so that connections are
    /// turned away before descriptors are used up.
    pub(crate) fn within(mut self, descriptors: u64) -> Settings {
        let threads = u64::try_from(self.threads.max(1)).unwrap_or(u64::MAX);
        let pipes = u64::try_from(self.pipes).unwrap_or(u64::MAX);
        let others = threads.saturating_mul(pipes.saturating_mul(2)).saturating_add(RESERVE);
        let rest = descriptors.saturating_sub(others);
        // An association has one more.
        let more = u64::from(self.udp.associations_max).min(rest / 8);
        self.udp.associations_max = u32::try_from(more).unwrap_or(u32::MAX);
        let most = rest.saturating_sub(more) / EACH;
        let most = u32::try_from(most).unwrap_or(u32::MAX).max(1);
        self.connections_max = self.connections_max.min(most);
        self.flows_max = self.flows_max.min(self.connections_max);
        self
    }

    /// The descriptors of these that are left to listeners.
    pub(crate) fn spare(&self, descriptors: u64) -> u64 {
        let threads = u64::try_from(self.threads.max(1)).unwrap_or(u64::MAX);
        let pipes = u64::try_from(self.pipes).unwrap_or(u64::MAX);
        let pipes = threads.saturating_mul(pipes.saturating_mul(2));
        let flows = u64::from(self.connections_max) * EACH + u64::from(self.udp.associations_max);
        descriptors.saturating_sub(pipes.saturating_add(flows).saturating_add(RESERVE))
    }

    /// How many connections there may be at a time beside so many listeners.
    pub(crate) fn connections_beside(&self, listeners: u64, spare: u64) -> u32 {
        let less = listeners.saturating_sub(spare).div_ceil(EACH);
        self.connections_max.saturating_sub(u32::try_from(less).unwrap_or(u32::MAX)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        let settings = Settings { threads: 2, pipes: 32, ..Settings::default() };
        let within = |descriptors| {
            let settings = settings.clone().within(descriptors);
            (settings.connections_max, settings.flows_max)
        };
        assert_eq!(within(20_000), (9_360, 9_360));
        assert_eq!(within(10_000_000), (500_000, 490_000));
        assert_eq!(within(10), (1, 1));
    }

    #[test]
    fn listeners_take_descriptors_too() {
        let with = |descriptors, listeners| {
            let settings = Settings { threads: 2, pipes: 32, ..Settings::default() };
            let settings = settings.within(descriptors);
            settings.connections_beside(listeners, settings.spare(descriptors))
        };
        assert_eq!(with(20_000, 4), 9_358);
        assert_eq!(with(20_000, 10_000), 4_360);
        assert_eq!(with(20_000, 100_000), 1);
        assert_eq!(with(10_000_000, 10_000), 500_000);
    }
}
