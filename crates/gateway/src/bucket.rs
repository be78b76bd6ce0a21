//! How much of something may be used in a second, shared by all threads without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A leaky bucket: one number, the moment at which it will be empty again. The rate and the size
/// come with each use, so that a change of limits holds from the next use on.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    empty_at: AtomicU64,
}

/// How fast a bucket leaks and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// How much flows out in a second; never zero.
    pub(crate) per_second: u64,
    /// How much may come at once.
    pub(crate) burst: u64,
}

const SECOND: u128 = 1_000_000_000;

impl Rate {
    /// How many nanoseconds `amount` takes to flow out.
    fn nanos(self, amount: u64) -> u64 {
        let nanos = u128::from(amount) * SECOND / u128::from(self.per_second.max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }

    /// How much flows out in `nanos`.
    fn amount(self, nanos: u64) -> u64 {
        let amount = u128::from(nanos) * u128::from(self.per_second) / SECOND;
        u64::try_from(amount).unwrap_or(u64::MAX)
    }
}

impl Bucket {
    /// How much fits in now, `now` being nanoseconds of a clock that all threads share.
    pub(crate) fn room(&self, rate: Rate, now: u64) -> u64 {
        let filled = self.empty_at.load(Ordering::Relaxed).saturating_sub(now);
        rate.amount(rate.nanos(rate.burst).saturating_sub(filled))
    }

    /// Puts in what has been used, whether it fits or not.
    pub(crate) fn fill(&self, amount: u64, rate: Rate, now: u64) {
        let add = rate.nanos(amount);
        let _ = self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
            Some(empty_at.max(now).saturating_add(add))
        });
    }

    /// Puts `amount` in if it fits.
    pub(crate) fn take(&self, amount: u64, rate: Rate, now: u64) -> bool {
        let (size, add) = (rate.nanos(rate.burst), rate.nanos(amount));
        let taken = self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty_at| {
            let full_at = empty_at.max(now).saturating_add(add);
            (full_at - now <= size).then_some(full_at)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let bucket = Bucket::default();
        let rate = Rate { per_second: 10, burst: 3 };
        let passed = |now| (0..100).filter(|_| bucket.take(1, rate, now)).count();
        assert_eq!(passed(5 * MILLI), 3);
        assert_eq!(passed(104 * MILLI), 0);
        assert_eq!(passed(105 * MILLI), 1);
        assert_eq!(passed(10_000 * MILLI), 3);
    }

    #[test]
    fn room_is_what_can_be_taken() {
        let bucket = Bucket::default();
        let rate = Rate { per_second: 1_000_000, burst: 200_000 };
        assert_eq!(bucket.room(rate, MILLI), 200_000);
        bucket.fill(150_000, rate, MILLI);
        assert_eq!(bucket.room(rate, MILLI), 50_000);
        assert_eq!(bucket.room(rate, 11 * MILLI), 60_000);
        // More than fits is owed.
        bucket.fill(560_000, rate, 11 * MILLI);
        assert_eq!(bucket.room(rate, 11 * MILLI), 0);
        assert_eq!(bucket.room(rate, 511 * MILLI), 0);
        assert_eq!(bucket.room(rate, 521 * MILLI), 10_000);
    }

    #[test]
    fn threads_take_no_more_than_there_is() {
        let bucket = Bucket::default();
        let rate = Rate { per_second: 1, burst: 1_000 };
        let passed: usize = std::thread::scope(|scope| {
            let take = || (0..2_000).filter(|_| bucket.take(1, rate, 0)).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().expect("the thread ends")).sum()
        });
        assert_eq!(passed, 1_000);
    }
}
