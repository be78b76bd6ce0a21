//! How much is asked: per key, and in vain per source.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::api_key::ApiKey;
use domain::ids::KeyId;
use domain::time::Time;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use crate::Settings;

/// How long a caller waits whose limit is nothing at all.
const NEVER: Duration = Duration::from_secs(60);

/// The limits of all callers.
pub(crate) struct Limits {
    requests_per_minute: u32,
    failed_keys_per_minute: u32,
    keys: Mutex<HashMap<KeyId, Meter>>,
    checks: Mutex<HashMap<KeyId, Meter>>,
    minutes: Minutes,
    sources: Mutex<HashMap<IpAddr, Meter>>,
}

struct Meter {
    per_minute: u32,
    limiter: DefaultDirectRateLimiter,
}

impl Limits {
    /// How many meters are kept at most. When there are more, those that nobody leans on are
    /// forgotten first.
    const METERS: usize = 100_000;
    /// How many proxies may be checked with a key in a minute: each is a connection or three.
    const CHECKS_PER_MINUTE: u32 = 6;

    pub(crate) fn new(settings: &Settings) -> Limits {
        Limits {
            requests_per_minute: settings.requests_per_minute,
            failed_keys_per_minute: settings.failed_keys_per_minute,
            keys: Mutex::default(),
            checks: Mutex::default(),
            minutes: Minutes::default(),
            sources: Mutex::default(),
        }
    }

    /// Counts a request with a good key. If there were too many, says how long to wait.
    pub(crate) fn request(&self, key: &ApiKey) -> Result<(), Duration> {
        let per_minute = key.requests_per_minute.unwrap_or(self.requests_per_minute);
        count(&self.keys, key.id, per_minute)
    }

    /// Counts a request with a good key by the calendar minute of `now`, against `usual` unless the
    /// key has a limit of its own. If there were too many, says how long the minute still is.
    pub(crate) fn request_in_minute(
        &self,
        key: &ApiKey,
        usual: u32,
        now: Time,
    ) -> Result<(), Duration> {
        self.minutes.count(key.id, key.requests_per_minute.unwrap_or(usual), now)
    }

    /// Counts a wish to have a proxy checked.
    pub(crate) fn check(&self, key: &ApiKey) -> Result<(), Duration> {
        count(&self.checks, key.id, Self::CHECKS_PER_MINUTE)
    }

    /// Counts a request with an unknown key. If there were too many from its source, says how long
    /// to wait.
    pub(crate) fn failed_key(&self, ip: IpAddr) -> Result<(), Duration> {
        count(&self.sources, source(ip), self.failed_keys_per_minute)
    }
}

/// How often each key was used in the present minute.
#[derive(Default)]
struct Minutes {
    /// The minute, counted from 1970 UTC, and the requests in it.
    keys: Mutex<HashMap<KeyId, (i64, u32)>>,
}

impl Minutes {
    fn count(&self, key: KeyId, per_minute: u32, now: Time) -> Result<(), Duration> {
        const MINUTE: i64 = 60_000;
        let minute = now.millis() / MINUTE;
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= Limits::METERS && !keys.contains_key(&key) {
            keys.retain(|_, (of, _)| *of == minute);
        }
        let (of, count) = keys.entry(key).or_default();
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        if *count >= per_minute {
            let left = (minute + 1) * MINUTE - now.millis();
            return Err(Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        }
        *count += 1;
        Ok(())
    }
}

fn count<K: Hash + Eq>(
    meters: &Mutex<HashMap<K, Meter>>,
    who: K,
    per_minute: u32,
) -> Result<(), Duration> {
    let quota = Quota::per_minute(NonZeroU32::new(per_minute).ok_or(NEVER)?);
    let fresh = || Meter { per_minute, limiter: RateLimiter::direct(quota) };
    let mut meters = meters.lock().unwrap_or_else(PoisonError::into_inner);
    if meters.len() >= Limits::METERS && !meters.contains_key(&who) {
        meters.retain(|_, meter| meter.limiter.check().is_err());
    }
    let meter = meters.entry(who).or_insert_with(fresh);
    if meter.per_minute != per_minute {
        *meter = fresh();
    }
    let checked = meter.limiter.check();
    checked.map_err(|early| early.wait_time_from(DefaultClock::default().now()))
}

/// What counts as one source: an IPv4 address, or an IPv6 /64, which is what one customer of an
/// IPv6 network has at the least.
fn source(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_a_wait() {
        let meters = Mutex::default();
        for _ in 0..3 {
            assert_eq!(count(&meters, 1, 3), Ok(()));
        }
        let wait = count(&meters, 1, 3).unwrap_err();
        assert!(wait > Duration::from_secs(10) && wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(count(&meters, 2, 3), Ok(()));
    }

    #[test]
    fn a_changed_limit_holds_at_once() {
        let meters = Mutex::default();
        assert_eq!(count(&meters, 1, 1), Ok(()));
        assert!(count(&meters, 1, 1).is_err());
        assert_eq!(count(&meters, 1, 2), Ok(()));
        assert_eq!(count(&meters, 1, 0), Err(NEVER));
    }

    #[test]
    fn a_calendar_minute_begins_anew() {
        let minutes = Minutes::default();
        let count = |key, at| minutes.count(KeyId(key), 2, Time::from_millis(at));
        assert_eq!(count(1, 59_000), Ok(()));
        assert_eq!(count(1, 59_500), Ok(()));
        assert_eq!(count(1, 59_750), Err(Duration::from_millis(250)));
        assert_eq!(count(2, 59_750), Ok(()));
        assert_eq!(count(1, 60_000), Ok(()));
    }

    #[test]
    fn an_ipv6_source_is_a_64_and_an_ipv4_one_an_address() {
        let same =
            |one: &str, two: &str| source(one.parse().unwrap()) == source(two.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(same("::ffff:203.0.113.9", "203.0.113.9"));
        assert!(!same("203.0.113.8", "203.0.113.9"));
    }
}
