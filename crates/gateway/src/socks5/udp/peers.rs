//! Whom a client has written to.

use std::net::IpAddr;

/// How many are remembered. Who is forgotten is heard again when the client writes to him again.
const PEERS_MAX: usize = 256;

/// The addresses that a client has written to last, the latest at the end.
#[derive(Debug, Default)]
pub(super) struct Peers(Vec<IpAddr>);

impl Peers {
    /// Notes that the client writes to `ip`.
    pub(super) fn note(&mut self, ip: IpAddr) {
        if self.0.last() == Some(&ip) {
            return;
        }
        match self.0.iter().position(|own| *own == ip) {
            Some(at) => {
                self.0.remove(at);
            }
            None if self.0.len() == PEERS_MAX => {
                self.0.remove(0);
            }
            None => {}
        }
        self.0.push(ip);
    }

    /// Whether the client has written to `ip`, as far as that is remembered.
    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().rev().any(|own| *own == ip)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn those_written_to_last_are_remembered() {
        let ip = |number: usize| IpAddr::V4(Ipv4Addr::from(u32::try_from(number).unwrap()));
        let mut peers = Peers::default();
        for number in 0..PEERS_MAX {
            peers.note(ip(number));
            peers.note(ip(number));
        }
        assert!((0..PEERS_MAX).all(|number| peers.contains(ip(number))));
        peers.note(ip(0));
        peers.note(ip(PEERS_MAX));
        assert!(peers.contains(ip(0)) && !peers.contains(ip(1)) && peers.contains(ip(2)));
        assert_eq!(peers.0.len(), PEERS_MAX);
    }
}
