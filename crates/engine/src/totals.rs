//! What the shop has done since it started, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::command::{Decision, Outcome};
use domain::journal::Event;

/// Counts of what was done, not of what was answered again.
#[derive(Debug, Default)]
pub struct Totals {
    /// Orders.
    pub orders: AtomicU64,
    /// Extensions that were asked for.
    pub extensions: AtomicU64,
    /// Leases that were extended automatically.
    pub renewed: AtomicU64,
    /// Automatic extensions of a lease that were not possible; each try counts.
    pub failed: AtomicU64,
    /// Leases that ended.
    pub ended: AtomicU64,
    /// Addresses that went back to stock.
    pub released: AtomicU64,
    /// Commands that were refused.
    pub refused: AtomicU64,
}

impl Totals {
    /// Counts what a decision did.
    pub(crate) fn count(&self, decision: &Decision) {
        let add = |total: &AtomicU64, count: u64| {
            total.fetch_add(count, Ordering::Relaxed);
        };
        match &decision.result {
            _ if decision.replayed => {}
            Err(_) => add(&self.refused, 1),
            Ok(Outcome::Swept(swept) | Outcome::SweptButCards { swept, .. }) => {
                add(&self.renewed, swept.renewed.into());
                add(&self.failed, swept.failed.into());
                add(&self.ended, swept.ended.into());
                add(&self.released, swept.released.into());
            }
            Ok(Outcome::Done { event, .. }) => match event.as_ref() {
                Event::Order { .. } => add(&self.orders, 1),
                Event::Extension { leases, automatic: true, .. } => {
                    add(&self.renewed, leases.len() as u64);
                }
                Event::Extension { .. } => add(&self.extensions, 1),
                _ => {}
            },
            Ok(_) => {}
        }
    }
}
