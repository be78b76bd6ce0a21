//! The time of the shop, at a gateway that hears of it now and then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::time::Time;
use engine::clock::{Clock as _, SystemClock};
use gateway::clock::{BootClock, Clock};
use serde::{Deserialize, Serialize};

/// What is heard within this counts together: the way of a word makes it late, never early, so the
/// latest time that was heard is the best.
const WINDOW: Duration = Duration::from_secs(10);

/// Times that differ less are taken for the same.
const AGREE: i64 = 20;

/// The time of the shop: carried on by the clock that counts since this machine was started, which
/// nobody sets.
#[derive(Debug)]
pub(super) struct ShopTime {
    clock: BootClock,
    heard: Mutex<Option<Heard>>,
}

/// What was heard lately.
#[derive(Debug)]
struct Heard {
    since: Instant,
    /// How far the shop is ahead of us at least, in milliseconds.
    ahead: i64,
}

/// The time of the shop, so that it is known after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Which start of the machine it was.
    boot: Option<String>,
    /// The time of the shop when the machine was started, in milliseconds since 1970 UTC.
    started_at: i64,
    /// How far the shop was ahead of the clock of this machine, in milliseconds.
    ahead: i64,
}

impl ShopTime {
    /// The time that was kept. If the machine was started anew since, it goes by its clock; if
    /// nothing was kept, by that alone, until the shop is heard.
    pub(super) fn new(kept: Option<Kept>) -> ShopTime {
        let clock = BootClock::new(SystemClock.now());
        match kept {
            Some(kept) if kept.boot.is_some() && kept.boot == boot() => {
                clock.set_start(Time::from_millis(kept.started_at));
            }
            Some(kept) => {
                clock.set(Time::from_millis(SystemClock.now().millis().saturating_add(kept.ahead)))
            }
            None => {}
        }
        ShopTime { clock, heard: Mutex::new(None) }
    }

    /// The shop says that it is `time`. Says whether the clock was set by it.
    pub(super) fn hear(&self, time: Time) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = time.millis() - self.clock.now().millis();
        if ahead > AGREE {
            self.clock.set(time);
            // What was heard before was later than that.
            *heard = Some(Heard { since: Instant::now(), ahead: 0 });
            return true;
        }
        let (since, most) = match &*heard {
            Some(heard) => (heard.since, heard.ahead.max(ahead)),
            None => (Instant::now(), ahead),
        };
        *heard = Some(Heard { since, ahead: most });
        if since.elapsed() < WINDOW {
            return false;
        }
        *heard = None;
        let goes_wrong = most < -AGREE;
        if goes_wrong {
            self.clock.set(Time::from_millis(self.clock.now().millis() + most));
        }
        goes_wrong
    }

    /// What has to be kept.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            boot: boot(),
            started_at: self.clock.start().millis(),
            ahead: self.clock.now().millis() - SystemClock.now().millis(),
        }
    }
}

impl Clock for ShopTime {
    fn now(&self) -> Time {
        self.clock.now()
    }
}

/// What tells this start of the machine from others.
fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use domain::time::Span;

    use super::*;

    #[test]
    fn it_goes_forward_at_once_and_back_only_when_it_is_sure() {
        let time = ShopTime::new(None);
        let now = time.now();
        assert!(time.hear(now + Span::HOUR));
        let later = time.now();
        assert!(now + Span::HOUR <= later);
        assert!(!time.hear(now), "a late word turns it back");
        assert!(later <= time.now());
    }

    #[test]
    fn it_is_known_after_a_restart() {
        let time = ShopTime::new(None);
        time.hear(time.now() + Span::from_days(40));
        let kept = time.kept();
        let near = |other: &ShopTime| (other.now().millis() - time.now().millis()).abs() < 1_000;
        assert!(near(&ShopTime::new(Some(kept.clone()))));
        // The machine was started anew: its own clock says how long that has taken.
        let anew = Kept { boot: Some("another".into()), started_at: 0, ..kept };
        assert!(near(&ShopTime::new(Some(anew))));
    }
}
