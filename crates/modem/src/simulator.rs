//! A modem that is none: it goes through a list of addresses.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{Driver, Error, Rotated, Rotating};

/// A modem that is none. Unless something else is known it begins with the first of its addresses;
/// one that has a single address is always given the same.
#[derive(Debug)]
pub struct Simulator {
    exits: Vec<IpAddr>,
    takes: Duration,
    fails_every: u32,
    turns: AtomicU32,
}

impl Simulator {
    /// Goes through `exits`, which has some, and takes its time for each; every so many turns one
    /// fails, or none if that is 0.
    pub fn new(exits: Vec<IpAddr>, takes: Duration, fails_every: u32) -> Simulator {
        Simulator { exits, takes, fails_every, turns: AtomicU32::new(0) }
    }

    fn turn(&self, known: Option<IpAddr>) -> Result<Rotated, Error> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        if self.fails_every > 0 && turn.is_multiple_of(self.fails_every) {
            return Err(Error::Refused("as its simulator was told".to_owned()));
        }
        let place = |ip| self.exits.iter().position(|exit| *exit == ip);
        let at = known.and_then(place).unwrap_or(0);
        let new = self.exits.iter().cycle().nth(at + 1).copied();
        Ok(Rotated { old: self.exits.get(at).copied(), new })
    }
}

impl Driver for Simulator {
    fn rotate(&self, known: Option<IpAddr>) -> Rotating<'_> {
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.turn(known)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_round_from_wherever_it_is() {
        let ip = |last| IpAddr::from([127, 0, 0, last]);
        let three = Simulator::new(vec![ip(2), ip(3), ip(4)], Duration::ZERO, 4);
        let mut known = None;
        for expected in [3, 4, 2] {
            let rotated = three.turn(known).unwrap();
            assert_eq!(rotated.new, Some(ip(expected)));
            assert_eq!(rotated.old, known.or(Some(ip(2))));
            known = rotated.new;
        }
        assert!(matches!(three.turn(known), Err(Error::Refused(_))), "every fourth one");
        assert_eq!(three.turn(known).unwrap().new, Some(ip(3)));
        let one = Simulator::new(vec![ip(2)], Duration::ZERO, 0);
        let same = Rotated { old: Some(ip(2)), new: Some(ip(2)) };
        assert_eq!(one.turn(None).unwrap(), same);
    }
}
