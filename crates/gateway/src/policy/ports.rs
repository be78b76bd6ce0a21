//! Which ports may be connected to.

use std::ops::RangeInclusive;

/// Mail between servers: the port of unsolicited mail.
const SMTP: u16 = 25;

/// Closed unless opened: mail, remote log-in and services that are not for the public.
const CLOSED_TCP: &[RangeInclusive<u16>] = &[
    SMTP..=SMTP,
    // Handing in and fetching mail.
    465..=465,
    587..=587,
    2525..=2525,
    110..=110,
    143..=143,
    993..=993,
    995..=995,
    // Logging in to machines.
    22..=23,
    2323..=2323,
    3389..=3389,
    5900..=5900,
    // Windows networks, directories, databases.
    135..=139,
    389..=389,
    445..=445,
    1433..=1433,
    1521..=1521,
    3306..=3306,
    5432..=5432,
    6379..=6379,
    9200..=9200,
    11211..=11211,
    27017..=27017,
];

/// Closed for datagrams: services that answer a small question with a large answer, and the chatter
/// of local networks. DNS stays open, because clients that send datagrams need it.
const CLOSED_UDP: &[RangeInclusive<u16>] = &[
    0..=19,
    SMTP..=SMTP,
    67..=69,
    111..=111,
    123..=123,
    135..=139,
    161..=162,
    177..=177,
    389..=389,
    427..=427,
    445..=445,
    520..=520,
    623..=623,
    1434..=1434,
    1701..=1701,
    1900..=1900,
    2049..=2049,
    3283..=3283,
    3389..=3389,
    3702..=3702,
    5093..=5093,
    5351..=5353,
    5683..=5683,
    10001..=10001,
    11211..=11211,
    37810..=37810,
];

/// A set of open ports. Port 0 is never open.
#[derive(Clone, PartialEq, Eq)]
pub struct Ports {
    open: Box<[u64; 1024]>,
}

impl Ports {
    /// Every port but 0.
    pub fn all() -> Ports {
        let mut ports = Ports { open: Box::new([u64::MAX; 1024]) };
        ports.set(0, false);
        ports
    }

    /// No port.
    pub fn none() -> Ports {
        Ports { open: Box::new([0; 1024]) }
    }

    /// What a new installation opens for connections: all but mail, remote log-in and services
    /// that are not for the public.
    pub fn standard_tcp() -> Ports {
        CLOSED_TCP.iter().cloned().fold(Ports::all(), Ports::without)
    }

    /// What is open for datagrams, once they are offered at all.
    pub fn standard_udp() -> Ports {
        CLOSED_UDP.iter().cloned().fold(Ports::all(), Ports::without)
    }

    /// With these open too. Port 25 is opened only by its own number: in a wide range it would be
    /// an accident, and one that puts every exit on block lists.
    #[must_use]
    pub fn with(mut self, ports: RangeInclusive<u16>) -> Ports {
        let alone = ports.start() == ports.end();
        for port in ports {
            if port != 0 && (port != SMTP || alone) {
                self.set(port, true);
            }
        }
        self
    }

    /// With these closed.
    #[must_use]
    pub fn without(mut self, ports: RangeInclusive<u16>) -> Ports {
        for port in ports {
            self.set(port, false);
        }
        self
    }

    /// Whether the port is open.
    pub fn contains(&self, port: u16) -> bool {
        let word = self.open.get(usize::from(port >> 6)).copied().unwrap_or(0);
        word >> (port & 63) & 1 == 1
    }

    fn set(&mut self, port: u16, open: bool) {
        if let Some(word) = self.open.get_mut(usize::from(port >> 6)) {
            *word = *word & !(1 << (port & 63)) | u64::from(open) << (port & 63);
        }
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let open: u32 = self.open.iter().map(|word| word.count_ones()).sum();
        write!(f, "Ports({open} open)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_and_inner_services_are_closed_and_the_web_is_open() {
        let ports = Ports::standard_tcp();
        for port in [0, 25, 22, 23, 465, 587, 993, 135, 139, 445, 3306, 5432, 27017] {
            assert!(!ports.contains(port), "{port}");
        }
        for port in [1, 24, 26, 80, 140, 443, 8000, 8080, 8999, 65535] {
            assert!(ports.contains(port), "{port}");
        }
        let ports = Ports::standard_udp();
        for port in [0, 19, 25, 123, 389, 1900, 11211] {
            assert!(!ports.contains(port), "{port}");
        }
        for port in [53, 443, 3478] {
            assert!(ports.contains(port), "{port}");
        }
    }

    #[test]
    fn a_range_does_not_open_port_25() {
        let ports = Ports::standard_tcp().with(0..=65535);
        assert!(ports.contains(24) && ports.contains(26) && ports.contains(22));
        assert!(!ports.contains(25) && !ports.contains(0));
        assert!(Ports::none().with(25..=25).contains(25));
        assert!(!Ports::all().without(80..=90).contains(85));
    }
}
