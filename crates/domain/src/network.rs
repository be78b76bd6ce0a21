//! Ranges of addresses.

use std::fmt;
use std::net::IpAddr;

/// The addresses that share their leading bits: `198.51.100.0/24`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    base: IpAddr,
    length: u8,
}

impl Network {
    /// Reads `198.51.100.0/24` or a single address. `None` if it is neither, or if bits behind the
    /// length are set, which is a likely slip.
    pub fn parse(text: &str) -> Option<Network> {
        let (ip, length) = match text.split_once('/') {
            Some((ip, length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                (ip, Some(length.parse::<u8>().ok()?))
            }
            Some(_) => return None,
            None => (text, None),
        };
        let base: IpAddr = ip.parse().ok()?;
        let length = length.unwrap_or(Self::bits(base));
        let network = Network { base, length };
        (length <= Self::bits(base) && network.masked(base) == Self::number(base))
            .then_some(network)
    }

    /// The first address.
    pub fn base(&self) -> IpAddr {
        self.base
    }

    /// How many leading bits are shared.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether `ip` is within. An IPv4 address written as an IPv6 one is the IPv4 one.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.base.is_ipv4() && self.masked(ip) == Self::number(self.base)
    }

    /// How many addresses there are; at most 2¹²⁷.
    pub fn count(&self) -> u128 {
        1 << u32::from(Self::bits(self.base) - self.length).min(127)
    }

    /// The address `offset` behind the first; `None` past the last.
    pub fn nth(&self, offset: u128) -> Option<IpAddr> {
        if offset >= self.count() {
            return None;
        }
        let number = Self::number(self.base) + offset;
        Some(match self.base {
            IpAddr::V4(_) => IpAddr::V4(u32::try_from(number).ok()?.into()),
            IpAddr::V6(_) => IpAddr::V6(number.into()),
        })
    }

    fn bits(ip: IpAddr) -> u8 {
        if ip.is_ipv4() { 32 } else { 128 }
    }

    fn number(ip: IpAddr) -> u128 {
        match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip),
        }
    }

    fn masked(&self, ip: IpAddr) -> u128 {
        let free = u32::from(Self::bits(ip) - self.length);
        let number = Self::number(ip);
        number.checked_shr(free).and_then(|kept| kept.checked_shl(free)).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == Self::bits(self.base) {
            write!(f, "{}", self.base)
        } else {
            write!(f, "{}/{}", self.base, self.length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_as_they_are_written() {
        for text in ["198.51.100.0/24", "0.0.0.0/0", "203.0.113.7", "2001:db8::/32", "::/0", "::1"]
        {
            assert_eq!(Network::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "198.51.100.1/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "x/8"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_is_within_or_not() {
        let network = Network::parse("198.51.100.0/24").unwrap();
        for (ip, within) in [
            ("198.51.100.255", true),
            ("198.51.101.0", false),
            ("::ffff:198.51.100.7", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(network.contains(ip.parse().unwrap()), within, "{ip}");
        }
        assert_eq!((network.count(), network.nth(256)), (256, None));
        assert_eq!(network.nth(255).unwrap().to_string(), "198.51.100.255");
    }
}
