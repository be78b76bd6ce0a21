//! Sets of addresses, compiled so that a question costs a handful of comparisons.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A block of addresses, such as `10.0.0.0/8` or `2001:db8::/32`; a single address is the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    first: IpAddr,
    length: u8,
}

/// Why a text is not a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// It is not an address, or not an address and a length.
    #[error("not an address or a prefix such as 10.0.0.0/8")]
    Unreadable,
    /// Bits behind the prefix are set; what is meant cannot be told.
    #[error("the address has bits set behind the prefix")]
    BitsBehind,
}

impl Prefix {
    /// The prefix that starts at `first` and fixes `length` bits.
    pub fn new(first: IpAddr, length: u8) -> Result<Prefix, PrefixError> {
        let (clean, bits) = match first {
            IpAddr::V4(first) => (first.to_bits() & tail_v4(length) == 0, 32),
            IpAddr::V6(first) => (first.to_bits() & tail_v6(length) == 0, 128),
        };
        if length > bits {
            return Err(PrefixError::Unreadable);
        }
        if !clean {
            return Err(PrefixError::BitsBehind);
        }
        Ok(Prefix { first, length })
    }

    /// The first address.
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// How many bits are fixed.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether the address is in it.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                address.to_bits() & !tail_v4(self.length) == first.to_bits()
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                address.to_bits() & !tail_v6(self.length) == first.to_bits()
            }
            _ => false,
        }
    }
}

impl From<IpAddr> for Prefix {
    fn from(address: IpAddr) -> Prefix {
        Prefix { first: address, length: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Prefix, PrefixError> {
        let Some((first, length)) = text.split_once('/') else {
            return text.parse::<IpAddr>().map(Prefix::from).map_err(|_| PrefixError::Unreadable);
        };
        let first = first.parse().map_err(|_| PrefixError::Unreadable)?;
        if length.is_empty() || !length.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(PrefixError::Unreadable);
        }
        Prefix::new(first, length.parse().map_err(|_| PrefixError::Unreadable)?)
    }
}

/// The bits that a prefix of this length leaves free.
fn tail_v4(length: u8) -> u32 {
    u32::MAX.checked_shr(length.into()).unwrap_or(0)
}

fn tail_v6(length: u8) -> u128 {
    u128::MAX.checked_shr(length.into()).unwrap_or(0)
}

/// A set of addresses: disjoint ranges in order, found by halving.
///
/// The ends lie apart from the starts, so that the search touches as little memory as it can.
#[derive(Clone, Debug, Default)]
pub struct RangeSet {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl RangeSet {
    /// The addresses of all these prefixes.
    pub fn new(prefixes: impl IntoIterator<Item = Prefix>) -> RangeSet {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for Prefix { first, length } in prefixes {
            match first {
                IpAddr::V4(first) => v4.push((first.to_bits(), first.to_bits() | tail_v4(length))),
                IpAddr::V6(first) => v6.push((first.to_bits(), first.to_bits() | tail_v6(length))),
            }
        }
        RangeSet { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    /// These addresses without those.
    pub fn without(&self, others: &RangeSet) -> RangeSet {
        RangeSet { v4: self.v4.without(&others.v4), v6: self.v6.without(&others.v6) }
    }

    /// Whether the address is in the set. A mapped address is an IPv6 address here.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.contains_v4(address),
            IpAddr::V6(address) => self.contains_v6(address),
        }
    }

    /// [`contains`](Self::contains) for an IPv4 address.
    pub fn contains_v4(&self, address: Ipv4Addr) -> bool {
        self.v4.contains(address.to_bits())
    }

    /// [`contains`](Self::contains) for an IPv6 address.
    pub fn contains_v6(&self, address: Ipv6Addr) -> bool {
        self.v6.contains(address.to_bits())
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.v4.starts.is_empty() && self.v6.starts.is_empty()
    }
}

#[derive(Clone, Debug, Default)]
struct Ranges<T> {
    starts: Vec<T>,
    ends: Vec<T>,
}

/// A number that an address is.
trait Bits: Copy + Ord {
    /// The number before, if there is one.
    fn before(self) -> Option<Self>;
    /// The number after, if there is one.
    fn after(self) -> Option<Self>;
}

impl Bits for u32 {
    fn before(self) -> Option<u32> {
        self.checked_sub(1)
    }
    fn after(self) -> Option<u32> {
        self.checked_add(1)
    }
}

impl Bits for u128 {
    fn before(self) -> Option<u128> {
        self.checked_sub(1)
    }
    fn after(self) -> Option<u128> {
        self.checked_add(1)
    }
}

impl<T: Bits> Ranges<T> {
    fn new(mut ranges: Vec<(T, T)>) -> Ranges<T> {
        ranges.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                // Touching ranges become one: `before` is the last address that would touch.
                Some(last) if start.before().is_none_or(|before| before <= last.1) => {
                    last.1 = last.1.max(end);
                }
                _ => merged.push((start, end)),
            }
        }
        let (starts, ends) = merged.into_iter().unzip();
        Ranges { starts, ends }
    }

    fn contains(&self, number: T) -> bool {
        let after = self.starts.partition_point(|start| *start <= number);
        after.checked_sub(1).and_then(|at| self.ends.get(at)).is_some_and(|end| number <= *end)
    }

    fn without(&self, others: &Ranges<T>) -> Ranges<T> {
        let mut left = Vec::new();
        for (start, end) in self.iter() {
            let mut next = Some(start);
            for (hole_start, hole_end) in others.iter() {
                let Some(from) = next.filter(|from| hole_end >= *from && hole_start <= end) else {
                    continue;
                };
                if let Some(before) = hole_start.before().filter(|before| *before >= from) {
                    left.push((from, before));
                }
                next = hole_end.after().filter(|after| *after <= end);
            }
            if let Some(from) = next {
                left.push((from, end));
            }
        }
        Ranges::new(left)
    }

    fn iter(&self) -> impl Iterator<Item = (T, T)> {
        self.starts.iter().copied().zip(self.ends.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(prefixes: &[&str]) -> RangeSet {
        RangeSet::new(prefixes.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn a_prefix_is_what_it_says() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::/32", "::1/128"]
        {
            let prefix: Prefix = text.parse().unwrap();
            assert_eq!(format!("{}/{}", prefix.first(), prefix.length()), text);
        }
        assert_eq!("10.0.0.1/8".parse::<Prefix>(), Err(PrefixError::BitsBehind));
        for text in ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "::/129", "10/8", "a"] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError::Unreadable), "{text}");
        }
    }

    #[test]
    fn ends_of_the_number_line_are_no_edge() {
        let all = set(&["0.0.0.0/0", "::/0"]);
        for text in ["0.0.0.0", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
        {
            assert!(all.contains(text.parse().unwrap()));
            assert!(!RangeSet::default().contains(text.parse().unwrap()));
        }
        assert!(all.without(&all).is_empty());
        let rest = all.without(&set(&["255.255.255.255", "::"]));
        assert!(rest.contains("255.255.255.254".parse().unwrap()));
        assert!(!rest.contains("255.255.255.255".parse().unwrap()));
        assert!(rest.contains("::1".parse().unwrap()));
        assert!(!rest.contains("::".parse().unwrap()));
    }

    fn prefixes() -> impl Strategy<Value = Vec<Prefix>> {
        // A small corner of the address space, so that the prefixes meet.
        let prefix = (0u32..1024, 22u8..=32).prop_map(|(low, length)| {
            let first = Ipv4Addr::from_bits(low & !tail_v4(length));
            Prefix::new(first.into(), length).unwrap()
        });
        prop::collection::vec(prefix, 0..12)
    }

    proptest! {
        #[test]
        fn a_set_is_its_prefixes(some in prefixes(), others in prefixes()) {
            let set = RangeSet::new(some.clone());
            let left = set.without(&RangeSet::new(others.clone()));
            for low in 0..1030u32 {
                let address = IpAddr::from(Ipv4Addr::from_bits(low));
                let in_some = some.iter().any(|prefix| prefix.contains(address));
                let in_others = others.iter().any(|prefix| prefix.contains(address));
                prop_assert_eq!(set.contains(address), in_some);
                prop_assert_eq!(left.contains(address), in_some && !in_others);
            }
        }
    }
}
