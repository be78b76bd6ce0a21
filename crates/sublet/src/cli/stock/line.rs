//! One entry of a delivery: addresses of one pool at one gateway.

use std::net::IpAddr;

use domain::country::Country;
use domain::kind::ProxyKind;
use domain::network::Network;
use domain::product::ProductKey;
use store::records::{NewAddress, NewPrefix};

use super::Delivery;

/// The most addresses that one range may have: a /12. More is a slip, or is added in parts.
const RANGE_MAX: u128 = 1 << 20;
/// The most slots that one modem may have.
pub(super) const SLOTS_MAX: u32 = 1_000;

/// One entry of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// An address, or a range of them.
    pub(super) network: Network,
    /// The kind.
    pub(super) kind: ProxyKind,
    /// Where it exits.
    pub(super) country: Country,
    /// The mobile operator.
    pub(super) operator: Option<String>,
    /// The gateway that serves it.
    pub(super) gateway: String,
    /// How many leases may share each address.
    pub(super) slots: Option<u32>,
    /// The modem that its addresses are behind.
    pub(super) modem: Option<String>,
}

impl Line {
    /// The pool that it adds to.
    pub(super) fn pool(&self) -> ProductKey {
        ProductKey {
            kind: self.kind,
            country: self.country,
            operator: self.operator.clone(),
            package: None,
        }
    }

    /// Why it makes no sense.
    pub(super) fn problem(&self) -> Option<String> {
        let Line { network, kind, .. } = self;
        let mobile = *kind == ProxyKind::Mobile;
        if mobile && self.operator.is_none() {
            return Some("MOBILE addresses have an operator".into());
        }
        if !mobile && self.operator.is_some() {
            return Some(format!("{kind} addresses have no operator"));
        }
        if !mobile && self.slots.is_some_and(|slots| slots != 1) {
            return Some(format!("{kind} addresses are not shared: they have no slots"));
        }
        if !mobile && self.modem.is_some() {
            return Some(format!("{kind} addresses are behind no modem"));
        }
        if self.modem.is_some() && network.count() > 1 {
            return Some(format!("{network}: a modem has one address"));
        }
        if self.slots.is_some_and(|slots| !(1..=SLOTS_MAX).contains(&slots)) {
            return Some(format!("an address has 1 to {SLOTS_MAX} slots"));
        }
        match (network.base(), kind) {
            (IpAddr::V4(_), ProxyKind::Ipv6) => Some(format!("{network} is no IPv6 address")),
            (IpAddr::V6(_), ProxyKind::Ipv4 | ProxyKind::Isp) => {
                Some(format!("{network} is no IPv4 address, which {kind} addresses are"))
            }
            (IpAddr::V6(_), ProxyKind::Mobile) if network.count() > 1 => {
                Some(format!("{network}: IPv6 prefixes are for IPv6 proxies only"))
            }
            (IpAddr::V4(_), _) if network.count() > RANGE_MAX => {
                Some(format!("{network} has {} addresses; add it in parts", network.count()))
            }
            _ => None,
        }
    }

    /// Adds its addresses to a delivery. IPv6 ranges are prefixes to draw from, since nobody could
    /// list their addresses.
    pub(super) fn add_to(&self, delivery: &mut Delivery) {
        let pool = self.pool();
        if let (IpAddr::V6(base), true) = (self.network.base(), self.network.count() > 1) {
            let (length, gateway) = (self.network.length(), self.gateway.clone());
            delivery.prefixes.push(NewPrefix { pool, base, length, gateway });
            return;
        }
        let addresses = (0..self.network.count()).filter_map(|offset| self.network.nth(offset));
        for ip in addresses {
            for slot in 0..self.slots.unwrap_or(1) {
                let (pool, gateway) = (pool.clone(), self.gateway.clone());
                let modem = self.modem.clone();
                delivery.addresses.push(NewAddress { pool, ip, slot, gateway, modem });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(network: &str, kind: &str) -> Line {
        Line {
            network: Network::parse(network).unwrap(),
            kind: ProxyKind::from_name(kind).unwrap(),
            country: Country::from_alpha3("USA").unwrap(),
            operator: (kind == "MOBILE").then(|| "verizon".to_owned()),
            gateway: "main".into(),
            slots: None,
            modem: None,
        }
    }

    fn delivered(line: &Line) -> Delivery {
        let mut delivery = Delivery::default();
        line.add_to(&mut delivery);
        delivery
    }

    #[test]
    fn a_range_of_ipv4_is_its_addresses() {
        let addresses = delivered(&line("127.10.0.0/24", "IPv4")).addresses;
        assert_eq!(addresses.len(), 256);
        assert_eq!(addresses[255].ip.to_string(), "127.10.0.255");
        assert_eq!(delivered(&line("198.51.100.7", "ISP")).addresses.len(), 1);
    }

    #[test]
    fn a_range_of_ipv6_is_a_prefix_and_one_address_is_one() {
        let delivery = delivered(&line("2001:db8::/48", "IPv6"));
        assert!(delivery.addresses.is_empty());
        assert_eq!((delivery.prefixes.len(), delivery.prefixes[0].length), (1, 48));
        assert_eq!(delivered(&line("::1", "IPv6")).addresses.len(), 1);
    }

    #[test]
    fn a_modem_is_let_as_often_as_it_has_slots() {
        let modems = Line { slots: Some(3), ..line("198.51.100.0/31", "MOBILE") };
        let addresses = delivered(&modems).addresses;
        let places: Vec<(String, u32)> =
            addresses.iter().map(|address| (address.ip.to_string(), address.slot)).collect();
        assert_eq!(places.len(), 6);
        assert_eq!(places[2], ("198.51.100.0".to_owned(), 2));
        assert_eq!(places[3], ("198.51.100.1".to_owned(), 0));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let none = |line: &Line| Line { operator: None, ..line.clone() };
        let some = |line: &Line| Line { operator: Some("verizon".into()), ..line.clone() };
        let slots = |slots, line: &Line| Line { slots: Some(slots), ..line.clone() };
        let behind = |line: &Line| Line { modem: Some("m1".into()), ..line.clone() };
        for (line, says) in [
            (behind(&line("198.51.100.7", "ISP")), "behind no modem"),
            (behind(&line("198.51.100.0/31", "MOBILE")), "a modem has one address"),
            (line("198.51.100.0/24", "IPv6"), "no IPv6 address"),
            (line("2001:db8::/32", "IPv4"), "no IPv4 address"),
            (line("2001:db8::1", "ISP"), "no IPv4 address"),
            (line("2001:db8::/64", "MOBILE"), "for IPv6 proxies only"),
            (line("10.0.0.0/8", "IPv4"), "16777216 addresses; add it in parts"),
            (none(&line("198.51.100.7", "MOBILE")), "have an operator"),
            (some(&line("198.51.100.7", "ISP")), "ISP addresses have no operator"),
            (slots(2, &line("198.51.100.7", "IPv4")), "have no slots"),
            (slots(0, &line("198.51.100.7", "MOBILE")), "1 to 1000 slots"),
        ] {
            let problem = line.problem().unwrap();
            assert!(problem.contains(says), "{problem}");
        }
        assert_eq!(line("10.0.0.0/12", "IPv4").problem(), None);
        assert_eq!(slots(1, &line("10.0.0.0", "IPv4")).problem(), None);
        assert_eq!(line("2001:db8::1", "MOBILE").problem(), None);
        let modem = behind(&line("198.51.100.7", "MOBILE"));
        assert_eq!(modem.problem(), None);
        assert_eq!(delivered(&modem).addresses[0].modem.as_deref(), Some("m1"));
    }
}
