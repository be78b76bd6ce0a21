//! What leases use: taken from gateways once, and looked up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use domain::ids::{CustomerId, LeaseId};
use domain::usage::{Day, DayOfLease, Days, Report, Taken};
use store::records::UsageFilter;

use crate::engine::Engine;
use crate::fault::{Fault, told};

/// Between two parts of a large report: whoever has waited to write goes first.
const BETWEEN_PARTS: Duration = Duration::from_millis(2);

/// So much is forgotten at once, and then others are let to it.
const FORGET: u32 = 500;
const BETWEEN_FORGETTING: Duration = Duration::from_millis(20);

/// For how many days it is kept what was used on them.
#[derive(Debug)]
pub(crate) struct Kept(AtomicU32);

impl Default for Kept {
    fn default() -> Kept {
        Kept(AtomicU32::new(Engine::USAGE_DAYS))
    }
}

impl Engine {
    /// For how many days it is kept what was used on them, unless it is said otherwise.
    pub const USAGE_DAYS: u32 = 400;

    /// Keeps what was used for so many days from now on.
    pub fn keep_usage_for(&self, days: u32) {
        self.inner.usage_kept.0.store(days, Ordering::Relaxed);
    }

    /// Takes a report of a gateway, durably, unless it was taken before; says which is the last one
    /// of its meter that was taken. It goes around the batcher.
    ///
    /// After a fault nobody knows whether it was taken. It can be given again as often as one
    /// likes.
    pub async fn take_usage(&self, gateway: &str, report: Report) -> Result<Taken, Fault> {
        let (gateway, report): (Arc<str>, _) = (gateway.into(), Arc::new(report));
        let mut unknown = 0;
        loop {
            let (now, gateway, report) = (self.now(), Arc::clone(&gateway), Arc::clone(&report));
            let part = self.read_slow(move |store| store.take_usage(&gateway, &report, now));
            let part = part.await.map_err(|error| told(&error, "taking what leases have used"))?;
            unknown += part.unknown;
            if !part.is_partly {
                return Ok(Taken { unknown, ..part });
            }
            tokio::time::sleep(BETWEEN_PARTS).await;
        }
    }

    /// What the leases of a customer, or one of them, have used, by day and lease.
    pub async fn usage(
        &self,
        customer: CustomerId,
        lease: Option<LeaseId>,
        days: Days,
        after: Option<(Day, LeaseId)>,
        limit: u32,
    ) -> Result<Vec<DayOfLease>, Fault> {
        let filter = UsageFilter { customer: Some(customer), lease, days };
        let found = self.read_slow(move |store| store.usage(&filter, after, limit)).await;
        found.map_err(|error| told(&error, "looking up what leases have used"))
    }

    /// Forgets, bit by bit, what was used too long ago.
    pub(crate) async fn forget_usage(&self) -> Result<(), Fault> {
        loop {
            let before =
                Day::of(self.now()).before(self.inner.usage_kept.0.load(Ordering::Relaxed));
            let gone = self.read_slow(move |store| store.forget_usage(before, FORGET)).await;
            let gone = gone.map_err(|error| told(&error, "forgetting what was used long ago"))?;
            if gone < FORGET {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN_FORGETTING).await;
        }
    }
}
