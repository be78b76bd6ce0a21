//! How much comes from where: counts by source address, in little memory whatever comes.

use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use siphasher::sip::SipHasher13;

use crate::bucket::{Bucket, Rate};

/// Handshakes that are going on and credentials that were wrong, by where they came from.
///
/// Sources share a place if their keyed hashes do, which nobody can bring about on purpose: a
/// table of fixed size cannot be blown up by those it is to keep out.
#[derive(Debug)]
pub(crate) struct Throng {
    key: [u8; 16],
    handshakes: Box<[AtomicU32]>,
    failures: Box<[Bucket]>,
}

const PLACES: u64 = 1 << 16;

/// How often credentials may be wrong, for one login from one source, and for one source.
const FAILURES_OF_LOGIN: Rate = Rate { per_second: 1, burst: 20 };
const FAILURES_OF_SOURCE: Rate = Rate { per_second: 10, burst: 400 };

/// A handshake that is going on, until it is dropped.
#[derive(Debug)]
pub(crate) struct Handshake {
    throng: Arc<Throng>,
    at: usize,
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.throng.handshakes[self.at].fetch_sub(1, Ordering::Relaxed);
    }
}

impl Throng {
    /// Nobody has come yet. Fails if the system has no randomness.
    pub(crate) fn new() -> Result<Throng, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Throng {
            key,
            handshakes: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            failures: (0..PLACES).map(|_| Bucket::default()).collect(),
        })
    }

    /// Counts a handshake from `source`, unless `most` are going on.
    pub(crate) fn enter(self: &Arc<Throng>, source: IpAddr, most: u32) -> Option<Handshake> {
        let at = self.place(source, None);
        let count = self.handshakes[at].fetch_add(1, Ordering::Relaxed);
        let handshake = Handshake { throng: Arc::clone(self), at };
        (count < most).then_some(handshake)
    }

    /// Whether `source` has not been wrong too often, about `login` or at all. `now` is in
    /// nanoseconds.
    pub(crate) fn may_try(&self, source: IpAddr, login: &[u8], now: u64) -> bool {
        let room = |name, rate| self.failures[self.place(source, name)].room(rate, now) > 0;
        room(None, FAILURES_OF_SOURCE) && room(Some(login), FAILURES_OF_LOGIN)
    }

    /// Counts wrong credentials.
    pub(crate) fn failed(&self, source: IpAddr, login: &[u8], now: u64) {
        self.failures[self.place(source, None)].fill(1, FAILURES_OF_SOURCE, now);
        self.failures[self.place(source, Some(login))].fill(1, FAILURES_OF_LOGIN, now);
    }

    /// Where a source, or a login from there, is counted. Who has an IPv6 network has all its
    /// addresses.
    fn place(&self, source: IpAddr, login: Option<&[u8]>) -> usize {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        match source.to_canonical() {
            IpAddr::V4(ip) => hasher.write_u64(ip.to_bits().into()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()[..8]),
        }
        // An empty login is one too, and its failures are not those of the source twice.
        if let Some(login) = login {
            hasher.write_u8(0xff);
            hasher.write(login);
        }
        usize::try_from(hasher.finish() % PLACES).expect("a small number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn handshakes_of_one_source_are_limited_and_end() {
        let throng = Arc::new(Throng::new().unwrap());
        let here = "192.0.2.1".parse().unwrap();
        let going_on: Vec<_> = (0..3).map(|_| throng.enter(here, 3).unwrap()).collect();
        assert!(throng.enter(here, 3).is_none());
        assert!(throng.enter(here, 3).is_none());
        drop(going_on);
        assert!(throng.enter(here, 1).is_some());
    }

    #[test]
    fn an_empty_login_does_not_use_up_the_tries_of_its_source() {
        let throng = Throng::new().unwrap();
        let here = "192.0.2.1".parse().unwrap();
        (0..100).for_each(|_| throng.failed(here, b"", SECOND));
        assert!(throng.may_try(here, b"anna", SECOND));
        assert!(!throng.may_try(here, b"", SECOND));
    }

    #[test]
    fn wrong_passwords_use_up_the_tries_for_a_login_and_then_for_the_source() {
        let throng = Throng::new().unwrap();
        let here = "2001:db8:1:2::1".parse().unwrap();
        let neighbour = "2001:db8:1:2:3::9".parse().unwrap();
        for _ in 0..20 {
            assert!(throng.may_try(here, b"anna", SECOND));
            throng.failed(here, b"anna", SECOND);
        }
        assert!(!throng.may_try(here, b"anna", SECOND));
        assert!(!throng.may_try(neighbour, b"anna", SECOND));
        assert!(throng.may_try(here, b"otto", SECOND));
        assert!(throng.may_try(here, b"anna", 3 * SECOND));
        for i in 0..380u32 {
            throng.failed(here, &i.to_le_bytes(), SECOND);
        }
        assert!(!throng.may_try(here, b"otto", SECOND));
    }
}
