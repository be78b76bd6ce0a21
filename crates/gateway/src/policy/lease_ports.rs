//! What a lease says of ports.

use feed::lease::PortRules;

/// What a lease says of ports, beside what the policy says. Many leases share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeasePorts {
    allow: Box<[(u16, u16)]>,
    deny: Box<[(u16, u16)]>,
}

impl LeasePorts {
    /// The ports of mail: a range of several ports opens none of them.
    const MAIL: [u16; 3] = [25, 465, 587];

    /// What these rules say.
    pub fn new(rules: &PortRules) -> LeasePorts {
        LeasePorts { allow: rules.allow.as_slice().into(), deny: rules.deny.as_slice().into() }
    }

    /// Whether it is what these rules say.
    pub(crate) fn say(&self, rules: &PortRules) -> bool {
        *self.allow == *rules.allow && *self.deny == *rules.deny
    }

    /// Whether connections may go to this port, if it is not denied. Port 0 is none.
    pub fn allows(&self, port: u16) -> bool {
        let has = |(first, last): &(u16, u16)| {
            let alone = first == last;
            *first <= port && port <= *last && (alone || !Self::MAIL.contains(&port))
        };
        port != 0 && self.allow.iter().any(has)
    }

    /// Whether nothing may go to this port.
    pub fn denies(&self, port: u16) -> bool {
        self.deny.iter().any(|(first, last)| *first <= port && port <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_opened_by_its_own_number_alone() {
        let allow = vec![(0, 600), (587, 587), (700, 600)];
        let ports = LeasePorts::new(&PortRules { allow, deny: vec![(80, 81)] });
        for open in [1, 24, 26, 464, 587, 600] {
            assert!(ports.allows(open), "{open}");
        }
        for closed in [0, 25, 465, 601, 650, 65535] {
            assert!(!ports.allows(closed), "{closed}");
        }
        assert!(ports.denies(80) && ports.denies(81) && !ports.denies(82) && !ports.denies(79));
    }
}
