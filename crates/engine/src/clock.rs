//! What time it is. The only place where the system's clock is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::{Span, Time};
use rustix::time::{ClockId, clock_gettime};

/// What time it is. Tests turn it by hand.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Time;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in elsewhere")]
    fn now(&self) -> Time {
        Time::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// The system's clock as it was when this one was started, carried on by the clock that counts since
/// the machine was: that one is never set, and goes on while the machine sleeps. So nobody who sets
/// the system's clock ends or prolongs a lease by it.
#[derive(Debug)]
pub struct SteadyClock {
    booted_at: i64,
}

impl SteadyClock {
    /// A clock that shows what the system's does at this moment.
    pub fn start() -> SteadyClock {
        SteadyClock { booted_at: SystemClock.now().millis() - since_boot() }
    }

    /// How far the system's clock has been set ahead since then; less than nothing if it was set
    /// back.
    pub fn system_ahead(&self) -> Span {
        Span::from_millis(SystemClock.now().millis() - self.now().millis())
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Time {
        Time::from_millis(self.booted_at + since_boot())
    }
}

/// Milliseconds since this machine was started.
fn since_boot() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// The clock of an installation: the true time, or ahead of it in a sandbox. Never goes back, even
/// if the system's does.
pub struct ShopClock {
    true_time: Arc<dyn Clock>,
    ahead_millis: AtomicI64,
    /// How far the system's clock is behind the one that all servers of a shop go by.
    behind_millis: AtomicI64,
    /// The instant at which a jump has stopped, or [`FLOWING`].
    held_millis: AtomicI64,
    last_millis: AtomicI64,
}

const FLOWING: i64 = -1;

/// Clocks that differ less are taken for the same.
const CLOCKS_AGREE: Span = Span::from_millis_const(25);

impl ShopClock {
    /// A clock that is `ahead` of `true_time`.
    pub fn new(true_time: Arc<dyn Clock>, ahead: Span) -> ShopClock {
        ShopClock {
            true_time,
            ahead_millis: AtomicI64::new(ahead.millis()),
            behind_millis: AtomicI64::new(0),
            held_millis: AtomicI64::new(FLOWING),
            last_millis: AtomicI64::new(0),
        }
    }

    /// The time without any offset.
    pub fn true_time(&self) -> Time {
        let behind = self.behind_millis.load(Ordering::SeqCst);
        Time::from_millis(self.true_time.now().millis() + behind)
    }

    /// How far this clock is ahead of the true time.
    pub(crate) fn ahead(&self) -> Span {
        Span::from_millis(self.ahead_millis.load(Ordering::SeqCst))
    }

    /// Goes by the clock that all servers of a shop share, which showed `shared` when this one
    /// should have shown the same. What may be the way of the question is no difference.
    pub(crate) fn follow(&self, shared: Time, local: Time) {
        let off = shared.millis() - local.millis();
        if off.abs() > CLOCKS_AGREE.millis() {
            self.behind_millis.fetch_add(off, Ordering::SeqCst);
        }
    }

    /// Goes on so far ahead of the true time, unless it is stopped: who has stopped it will know.
    pub(crate) fn move_ahead(&self, ahead: Span) {
        if self.held_millis.load(Ordering::SeqCst) == FLOWING {
            self.ahead_millis.fetch_max(ahead.millis(), Ordering::SeqCst);
        }
    }

    /// Stops the clock at `instant`, if that is not in the past.
    pub(crate) fn hold(&self, instant: Time) {
        let instant = instant.max(self.now());
        self.held_millis.store(instant.millis(), Ordering::SeqCst);
    }

    /// Lets a clock that was stopped go on, so far ahead of the true time.
    pub(crate) fn release(&self, ahead: Span) {
        self.ahead_millis.store(ahead.millis(), Ordering::SeqCst);
        self.held_millis.store(FLOWING, Ordering::SeqCst);
    }
}

impl Clock for ShopClock {
    fn now(&self) -> Time {
        let held = self.held_millis.load(Ordering::SeqCst);
        let now = if held == FLOWING {
            self.true_time().millis() + self.ahead_millis.load(Ordering::SeqCst)
        } else {
            held
        };
        Time::from_millis(now.max(self.last_millis.fetch_max(now, Ordering::SeqCst)))
    }
}

impl std::fmt::Debug for ShopClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShopClock({})", self.now().millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(AtomicI64);

    impl Clock for Fixed {
        fn now(&self) -> Time {
            Time::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn the_steady_clock_begins_with_the_system_s_and_goes_on() {
        let clock = SteadyClock::start();
        let (began, system) = (clock.now(), SystemClock.now());
        assert!(system.since(began).millis().abs() < 1_000);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(clock.now().since(began).millis() >= 20);
        let off = SteadyClock { booted_at: clock.booted_at - 60_000 };
        assert!((off.system_ahead().millis() - 60_000).abs() < 1_000);
    }

    #[test]
    fn it_never_goes_back_and_stops_when_held() {
        let system = Arc::new(Fixed(AtomicI64::new(1_000)));
        let clock = ShopClock::new(system.clone(), Span::from_millis(500));
        assert_eq!(clock.now().millis(), 1_500);
        system.0.store(200, Ordering::SeqCst);
        assert_eq!(clock.now().millis(), 1_500);
        clock.hold(Time::from_millis(9_000));
        system.0.store(50_000, Ordering::SeqCst);
        assert_eq!(clock.now().millis(), 9_000);
        clock.release(Span::ZERO);
        assert_eq!(clock.now().millis(), 50_000);
    }

    #[test]
    fn it_goes_by_the_clock_that_is_shared() {
        let system = Arc::new(Fixed(AtomicI64::new(10_000)));
        let clock = ShopClock::new(system.clone(), Span::from_millis(500));
        let follow = |shared| clock.follow(Time::from_millis(shared), clock.true_time());
        follow(10_020);
        assert_eq!(clock.now().millis(), 10_500, "that was the way");
        follow(13_000);
        assert_eq!(clock.now().millis(), 13_500);
        follow(13_010);
        assert_eq!(clock.now().millis(), 13_500);
        follow(9_000);
        assert_eq!(clock.true_time().millis(), 9_000);
        assert_eq!(clock.now().millis(), 13_500, "it does not go back");
        system.0.store(15_000, Ordering::SeqCst);
        assert_eq!(clock.now().millis(), 14_500);
    }

    #[test]
    fn it_follows_jumps_of_others_but_not_during_its_own() {
        let clock = ShopClock::new(Arc::new(Fixed(AtomicI64::new(1_000))), Span::ZERO);
        clock.move_ahead(Span::from_millis(4_000));
        assert_eq!(clock.now().millis(), 5_000);
        clock.move_ahead(Span::from_millis(3_000));
        assert_eq!(clock.ahead().millis(), 4_000);
        clock.hold(Time::from_millis(6_000));
        clock.move_ahead(Span::from_millis(9_000));
        assert_eq!(clock.now().millis(), 6_000);
        clock.release(Span::from_millis(6_000));
        assert_eq!(clock.now().millis(), 7_000);
    }
}
