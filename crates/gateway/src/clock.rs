//! What time it is, as far as leases go. The only place where the system's clock is read.

use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::Time;
use rustix::time::{ClockId, clock_gettime};

/// What time it is by the clock that leases end by.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Time;
}

/// The control plane's time, carried on by the clock that counts since this machine was started:
/// that one is never set, and goes on while the machine sleeps.
#[derive(Debug)]
pub struct BootClock {
    started_at: AtomicI64,
}

impl BootClock {
    /// A clock that shows `now` at this moment.
    pub fn new(now: Time) -> BootClock {
        BootClock { started_at: AtomicI64::new(now.millis() - since_boot()) }
    }

    /// What it showed when this machine was started.
    pub fn start(&self) -> Time {
        Time::from_millis(self.started_at.load(Ordering::SeqCst))
    }

    /// Sets the clock by what it showed when this machine was started.
    pub fn set_start(&self, start: Time) {
        self.started_at.store(start.millis(), Ordering::SeqCst);
    }

    /// Sets the clock to the time that the control plane has now.
    pub fn set(&self, now: Time) {
        self.started_at.store(now.millis() - since_boot(), Ordering::SeqCst);
    }
}

impl Clock for BootClock {
    fn now(&self) -> Time {
        Time::from_millis(self.started_at.load(Ordering::SeqCst) + since_boot())
    }
}

/// Milliseconds since this machine was started.
fn since_boot() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// A clock that is turned by hand: for tests and sandboxes.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// A clock that stands at `now`.
    pub fn new(now: Time) -> HandClock {
        HandClock(AtomicI64::new(now.millis()))
    }

    /// Turns it to `now`. A gateway that goes by it has to be told.
    pub fn set(&self, now: Time) {
        self.0.store(now.millis(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::SeqCst))
    }
}
