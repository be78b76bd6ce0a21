//! Which ports a lease may connect to.

use std::fmt;

/// What a product says of ports, beside what its gateway says: a gateway closes mail, remote log-in
/// and services that are not for the public, and what its own operator names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortRules {
    /// Connections may go there, although a gateway closes it usually.
    pub allow: Vec<PortRange>,
    /// Nothing may go there, even if it is among those that are allowed.
    pub deny: Vec<PortRange>,
}

impl PortRules {
    /// The most ranges of either list: they are looked through for each connection.
    pub const RANGES_MAX: usize = 64;

    /// The ports of mail. A range opens none of them, because one that is opened by accident puts
    /// every exit on block lists.
    pub const MAIL: [u16; 3] = [25, 465, 587];

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }
}

/// Ports that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// From the first to the last; `None` without a port, or with port 0, which is none.
    pub fn new(first: u16, last: u16) -> Option<PortRange> {
        (0 < first && first <= last).then_some(PortRange { first, last })
    }

    /// Reads `80` or `8000-8999`.
    pub fn parse(text: &str) -> Option<PortRange> {
        let number = |text: &str| {
            let plain = text.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| text.parse().ok()).flatten()
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        PortRange::new(number(first)?, number(last)?)
    }

    /// The first one.
    pub fn first(self) -> u16 {
        self.first
    }

    /// The last one, which is among them.
    pub fn last(self) -> u16 {
        self.last
    }

    /// A port of mail that is among several, where it may be by accident.
    pub fn mail_by_accident(self) -> Option<u16> {
        let among = |port: &u16| self.first <= *port && *port <= self.last;
        PortRules::MAIL.into_iter().find(among).filter(|_| self.first < self.last)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_one_or_a_range() {
        for text in ["1", "80", "8000-8999", "1-65535"] {
            assert_eq!(PortRange::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(PortRange::parse("80-80"), PortRange::parse("80"));
        for wrong in ["", "0", "0-80", "65536", "9-8", "-", "80-", "-80", "+80", "80 ", "1-2-3"] {
            assert_eq!(PortRange::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn mail_among_others_is_an_accident() {
        let check = |text, mail| {
            assert_eq!(PortRange::parse(text).unwrap().mail_by_accident(), mail, "{text}");
        };
        check("25", None);
        check("25-25", None);
        check("20-30", Some(25));
        check("25-26", Some(25));
        check("400-465", Some(465));
        check("500-587", Some(587));
        check("26-464", None);
    }
}
