//! Who may use a leased proxy.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

/// How a proxy knows its customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// By a login and password, issued by us.
    Login(Login),
    /// By the address that connects.
    SourceIp(IpAddr),
}

/// A login and its password. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The login.
    pub login: String,
    /// The password, readable by its customer and encrypted where it is kept.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(***)")
    }
}

impl Login {
    const LOGIN_LENGTH: usize = 10;
    const PASSWORD_LENGTH: usize = 16;

    /// A login drawn from `entropy`: 50 bits of login, 80 bits of password.
    pub fn draw(entropy: &mut Entropy) -> Login {
        Login {
            login: entropy.text(Self::LOGIN_LENGTH),
            password: entropy.text(Self::PASSWORD_LENGTH),
        }
    }
}

/// Randomness that was passed in, stretched to as many numbers as a decision needs.
///
/// The same seed gives the same numbers, so a decision can be made again.
#[derive(Clone)]
pub struct Entropy {
    seed: [u8; 16],
    drawn: u64,
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(***)")
    }
}

impl Entropy {
    /// Letters and digits that are not mistaken for each other, thirty-two of them.
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

    /// Numbers from a random `seed`.
    pub fn new(seed: [u8; 16]) -> Entropy {
        Entropy { seed, drawn: 0 }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write_u64(self.drawn);
        self.drawn += 1;
        hasher.finish()
    }

    fn text(&mut self, length: usize) -> String {
        let mut pick = || {
            let at = usize::try_from(self.next_u64() >> 59).expect("five bits fit");
            char::from(Self::ALPHABET[at])
        };
        (0..length).map(|_| pick()).collect()
    }
}

/// Whether a customer may name `ip` as the address he connects from: it must be one that is
/// routed on the public internet.
pub fn may_be_source(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let octets = ip.octets();
            let shared = octets[0] == 100 && (64..128).contains(&octets[1]);
            let benchmark = octets[0] == 198 && (18..20).contains(&octets[1]);
            let reserved = octets[0] == 0 || octets[0] >= 240;
            !(ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || ip.is_multicast()
                || shared
                || benchmark
                || reserved)
        }
        IpAddr::V6(ip) => (ip.segments()[0] & 0xe000) == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_no_source() {
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "100.64.0.1",
            "224.0.0.1",
            "169.254.1.1",
            "fc00::1",
            "::",
        ] {
            assert!(!may_be_source(bad.parse().unwrap()), "{bad}");
        }
        for good in ["198.51.100.7", "8.8.8.8", "2001:4860::8888", "203.0.113.10"] {
            assert!(may_be_source(good.parse().unwrap()), "{good}");
        }
    }

    #[test]
    fn a_login_shows_itself_to_nobody_and_differs_by_seed() {
        let one = Login::draw(&mut Entropy::new([1; 16]));
        let two = Login::draw(&mut Entropy::new([2; 16]));
        assert_ne!(one, two);
        assert_eq!(format!("{one:?}"), "Login(***)");
        assert_eq!((one.login.len(), one.password.len()), (10, 16));
    }
}
