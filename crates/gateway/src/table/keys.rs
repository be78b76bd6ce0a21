//! Keyed hashes: what leases are found by and passwords are checked by.

use std::fmt;
use std::hash::Hasher;
use std::net::IpAddr;

use feed::lease::Source;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher128};

use super::entries::Place;

/// What a login and a password come to. It cannot be turned back without the keys, and these are
/// made when the process starts and kept nowhere else.
pub(super) type Verifier = [u8; 16];

/// The keys of a process.
pub(super) struct Keys {
    finding: [u8; 16],
    checking: [u8; 16],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

impl Keys {
    /// Fresh keys. Fails if the system has no randomness.
    pub(super) fn draw() -> Result<Keys, getrandom::Error> {
        let mut keys = Keys { finding: [0; 16], checking: [0; 16] };
        getrandom::fill(&mut keys.finding)?;
        getrandom::fill(&mut keys.checking)?;
        Ok(keys)
    }

    /// What a login and password come to.
    pub(super) fn verifier(&self, login: &[u8], password: &[u8]) -> Verifier {
        let mut hasher = SipHasher128::new_with_key(&self.checking);
        // The length keeps the two apart.
        hasher.write_usize(login.len());
        hasher.write(login);
        hasher.write(password);
        hasher.finish128().as_bytes()
    }

    /// The key of a login.
    pub(super) fn login(&self, login: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.finding);
        hasher.write_u8(b'l');
        hasher.write(login);
        hasher.finish()
    }

    /// The key of a network that clients come from.
    pub(super) fn source(&self, source: Source) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.finding);
        hasher.write_u8(b's');
        write_ip(&mut hasher, source.ip);
        hasher.write_u8(source.bits);
        hasher.finish()
    }

    /// The key of `who` at a place.
    pub(super) fn at(&self, who: u64, place: Place) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.finding);
        hasher.write_u64(who);
        // The lengths keep the kinds apart.
        match place {
            Place::Anywhere => {}
            Place::Address(ip) => write_ip(&mut hasher, ip),
            Place::Port(port) => hasher.write_u16(port),
        }
        hasher.finish()
    }
}

fn write_ip(hasher: &mut SipHasher13, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => hasher.write(&ip.octets()),
        IpAddr::V6(ip) => hasher.write(&ip.octets()),
    }
}
