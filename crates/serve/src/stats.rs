use std::sync::atomic::{AtomicU64, Ordering};

/// What a server has seen, for the metrics to read with [`Ordering::Relaxed`].
///
/// All but `open` only ever grow.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections open now.
    pub open: AtomicU64,
    /// Connections accepted and served.
    pub accepted: AtomicU64,
    /// Connections closed at once, because there were too many or no descriptors were left.
    pub refused: AtomicU64,
    /// Times that `accept` failed through a fault of ours, such as a lack of descriptors.
    pub accept_errors: AtomicU64,
    /// Requests whose head was read, and so reached the service or were answered with a 414.
    pub requests: AtomicU64,
    /// Answers whose client was gone before they were written.
    pub gone: AtomicU64,
    /// Connections closed because a head took too long, or never began on a new connection.
    pub head_timeouts: AtomicU64,
    /// Bodies that took too long.
    pub body_timeouts: AtomicU64,
    /// Connections closed after being idle between requests.
    pub idle_timeouts: AtomicU64,
    /// Connections closed because the client did not read its answer.
    pub write_timeouts: AtomicU64,
    /// Handlers that panicked; each takes its connection with it.
    pub panics: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
