//! Which addresses an order gets.
//!
//! Addresses of one /24 are often blocked together, so an order is spread over as many /24s as
//! there are. [`rank`] makes the store's cheap order of rows a spread one already; [`choose`] sees
//! to it that one order repeats a network only when it has to.

use std::collections::HashMap;
use std::hash::Hasher;
use std::net::{IpAddr, Ipv6Addr};

use siphasher::sip::SipHasher24;

use crate::address::{Address, Prefix};

/// The place of an address in the order in which its pool is let: the first addresses of all
/// networks, then the second ones, and so on, the networks shuffled. `slot` counts the leases that
/// share the address (a modem's slots), from 0.
pub fn rank(ip: IpAddr, slot: u32) -> i64 {
    let (within, shuffled) = match ip {
        IpAddr::V4(ip) => (i64::from(ip.octets()[3]), hash(&ip.octets()[..3])),
        IpAddr::V6(ip) => (0, hash(&ip.octets())),
    };
    ((i64::from(slot) * 256 + within) << 32) | i64::from(shuffled)
}

fn hash(bytes: &[u8]) -> u32 {
    let mut hasher = SipHasher24::new_with_key(b"sublet stock ran");
    hasher.write(bytes);
    u32::try_from(hasher.finish() >> 32).expect("half of it fits")
}

/// The network an address is likely to be blocked with: its /24, or its /64.
fn network(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(u32::from(ip) >> 8),
        IpAddr::V6(ip) => u64::try_from(u128::from(ip) >> 64).expect("half of it fits"),
    }
}

/// Chooses `quantity` of the `free` addresses by index, spread over networks as evenly as they
/// allow and otherwise in the order given; fewer if there are not as many.
pub fn choose(free: &[Address], quantity: usize) -> Vec<usize> {
    let mut taken_of: HashMap<u64, usize> = HashMap::new();
    let mut rounds: Vec<(usize, usize)> = Vec::with_capacity(free.len());
    for (index, address) in free.iter().enumerate() {
        let taken = taken_of.entry(network(address.ip)).or_default();
        rounds.push((*taken, index));
        *taken += 1;
    }
    rounds.sort_unstable();
    rounds.into_iter().take(quantity).map(|(_, index)| index).collect()
}

/// How many of `quantity` addresses come from each of several pools, of which each can give so
/// many as `available` says: as evenly as they allow, what is left over from the first ones. `None`
/// if they have not enough together.
pub fn spread(available: &[u32], quantity: u32) -> Option<Vec<u32>> {
    let mut shares = vec![0; available.len()];
    let mut missing = quantity;
    while missing > 0 {
        let open: Vec<usize> =
            (0..shares.len()).filter(|at| shares[*at] < available[*at]).collect();
        let each = missing.checked_div(u32::try_from(open.len()).ok()?)?.max(1);
        for at in open {
            let more = each.min(available[at] - shares[at]).min(missing);
            shares[at] += more;
            missing -= more;
        }
    }
    Some(shares)
}

impl Prefix {
    /// How many addresses it has; at most 2⁶², which no shop will let.
    pub fn capacity(&self) -> i64 {
        1 << (128 - u32::from(self.length)).min(62)
    }

    /// The `count`-th address that is drawn from it: each exactly once, in no order that a stranger
    /// could guess from the ones he has. `None` past the last one.
    pub fn address(&self, count: i64) -> Option<Ipv6Addr> {
        if !(0..self.capacity()).contains(&count) {
            return None;
        }
        let bits = (128 - u32::from(self.length)).min(62);
        let host = self.shuffle(u64::try_from(count).ok()?, bits);
        Some(Ipv6Addr::from(u128::from(self.base) | u128::from(host)))
    }

    /// A keyed permutation of the numbers below 2^`bits`: a Feistel network over an even number of
    /// bits, walked again while its result is too large.
    fn shuffle(&self, number: u64, bits: u32) -> u64 {
        if bits == 0 {
            return 0;
        }
        let half = bits.div_ceil(2);
        let mask = (1_u64 << half) - 1;
        let mut value = number;
        loop {
            let (mut left, mut right) = (value >> half, value & mask);
            for round in 0..4_u8 {
                let mut hasher = SipHasher24::new_with_key(&self.base.octets());
                hasher.write_u8(round);
                hasher.write_u64(right);
                (left, right) = (right, left ^ (hasher.finish() & mask));
            }
            value = (left << half) | right;
            if value < 1 << bits {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::ids::{AddressId, PrefixId};
    use crate::product::ProductKey;
    use crate::time::Time;

    fn address(ip: &str) -> Address {
        let ip = ip.parse().unwrap();
        Address {
            id: AddressId(0),
            pool: ProductKey::parse("IPv4/USA").unwrap(),
            ip,
            gateway: "main".into(),
            port: 0,
            rank: rank(ip, 0),
            lease: None,
            free_at: Time::EPOCH,
        }
    }

    fn prefix(length: u8) -> Prefix {
        Prefix {
            id: PrefixId(1),
            pool: ProductKey::parse("IPv6/DEU").unwrap(),
            base: "2001:db8::".parse().unwrap(),
            length,
            gateway: "main".into(),
            drawn: 0,
        }
    }

    #[test]
    fn an_order_repeats_a_network_only_when_it_has_to() {
        let free: Vec<Address> =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1", "203.0.113.9"]
                .map(address)
                .into();
        assert_eq!(choose(&free, 3), [0, 3, 4]);
        assert_eq!(choose(&free, 4), [0, 3, 4, 1]);
        assert_eq!(choose(&free, 9), [0, 3, 4, 1, 2]);
    }

    #[test]
    fn rank_takes_the_first_address_of_every_network_first() {
        let [first, second] = ["192.0.2.0", "192.0.2.1"].map(|ip| rank(ip.parse().unwrap(), 0));
        let other = rank("198.51.100.0".parse().unwrap(), 0);
        assert!(first < second && other < second);
        assert!(second < rank("192.0.2.0".parse().unwrap(), 1));
    }

    #[test]
    fn a_small_prefix_gives_each_address_once() {
        for length in [120, 121, 127, 128] {
            let prefix = prefix(length);
            let all: HashSet<_> =
                (0..prefix.capacity()).map(|n| prefix.address(n).unwrap()).collect();
            assert_eq!(i64::try_from(all.len()).unwrap(), prefix.capacity());
            assert_eq!(prefix.address(prefix.capacity()), None);
        }
    }

    #[test]
    fn what_cannot_be_spread_evenly_comes_from_the_first_pools() {
        assert_eq!(spread(&[9, 9, 9], 8), Some(vec![3, 3, 2]));
        assert_eq!(spread(&[9, 1, 9], 8), Some(vec![4, 1, 3]));
        assert_eq!(spread(&[0, 9, 9], 1), Some(vec![0, 1, 0]));
        assert_eq!(spread(&[2, 2], 4), Some(vec![2, 2]));
        assert_eq!(spread(&[2, 2], 5), None);
        assert_eq!(spread(&[], 1), None);
    }

    proptest! {
        #[test]
        fn a_pool_gives_less_than_another_only_where_it_has_no_more(
            available in prop::collection::vec(0u32..20, 1..8), quantity in 0u32..80,
        ) {
            let together: u32 = available.iter().sum();
            let Some(shares) = spread(&available, quantity) else {
                prop_assert!(together < quantity);
                return Ok(());
            };
            prop_assert_eq!(shares.iter().sum::<u32>(), quantity);
            for (at, share) in shares.iter().enumerate() {
                prop_assert!(*share <= available[at]);
                let emptied = *share == available[at];
                for (before, other) in shares.iter().enumerate() {
                    let even = if before < at { *other <= share + 1 } else { other <= share };
                    prop_assert!(emptied || even, "{shares:?} of {available:?}");
                }
            }
        }

        #[test]
        fn drawn_addresses_lie_within_their_prefix_and_differ(
            length in 32u8..=100, a in 0i64..1_000_000, b in 0i64..1_000_000,
        ) {
            let prefix = prefix(length);
            let (one, two) = (prefix.address(a).unwrap(), prefix.address(b).unwrap());
            prop_assert_eq!(a == b, one == two);
            let shift = 128 - u32::from(length);
            prop_assert_eq!(u128::from(one) >> shift, u128::from(prefix.base) >> shift);
        }
    }
}
