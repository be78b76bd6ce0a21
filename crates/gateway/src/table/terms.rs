//! What many leases have in common, each kept once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use feed::lease::{Limits, PortRules};
use foldhash::fast::RandomState;

use crate::policy::LeasePorts;

/// What a lease allows its customer.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Terms {
    /// What it may use.
    pub(super) limits: Limits,
    /// What it says of ports, if it says anything.
    pub(super) ports: Option<Arc<LeasePorts>>,
}

impl Terms {
    fn say(&self, limits: &Limits, rules: Option<&PortRules>) -> bool {
        let ports = match (&self.ports, rules) {
            (None, None) => true,
            (Some(ports), Some(rules)) => ports.say(rules),
            _ => false,
        };
        ports && self.limits == *limits
    }
}

/// The terms of all leases. A product has one set of them, and there may be a million leases of it.
#[derive(Debug, Default)]
pub(super) struct TermSets {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sets: HashSet<Arc<Terms>, RandomState>,
    /// Those that were asked for last: leases of a product often come one after the other.
    last: Option<Arc<Terms>>,
    /// When there are more than so many, those that nobody has any more are forgotten.
    enough: usize,
}

impl TermSets {
    /// The terms with these limits and rules. Those who have the same share them.
    pub(super) fn share(&self, limits: &Limits, rules: Option<&PortRules>) -> Arc<Terms> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known.last.as_ref().filter(|last| last.say(limits, rules)) {
            return Arc::clone(last);
        }
        let ports = rules.map(|rules| Arc::new(LeasePorts::new(rules)));
        let shared = known.share(Terms { limits: *limits, ports });
        known.last = Some(Arc::clone(&shared));
        shared
    }
}

impl Known {
    fn share(&mut self, wanted: Terms) -> Arc<Terms> {
        if let Some(found) = self.sets.get(&wanted) {
            return Arc::clone(found);
        }
        if self.sets.len() >= self.enough {
            self.last = None;
            self.sets.retain(|set| Arc::strong_count(set) > 1);
            self.enough = 2 * self.sets.len() + 1;
        }
        let made = Arc::new(wanted);
        self.sets.insert(Arc::clone(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_shared_and_forgotten_when_nobody_has_them() {
        let sets = TermSets::default();
        let rules = |port| PortRules { allow: vec![(port, port)], deny: vec![] };
        let share = |flows, port: Option<u16>| {
            let limits = Limits { flows, ..Limits::default() };
            sets.share(&limits, port.map(rules).as_ref())
        };
        // Each after another one, so that it is not merely the last.
        let [one, other, same] = [7, 8, 7].map(|port| share(1, Some(port)));
        assert!(Arc::ptr_eq(&one, &same) && Arc::ptr_eq(&one, &share(1, Some(7))));
        for different in [other, share(2, Some(7)), share(1, None), share(2, None)] {
            assert!(!Arc::ptr_eq(&one, &different) && one != different);
        }
        for port in 1_000..2_000 {
            share(1, Some(port));
            share(u32::from(port), None);
        }
        let known = sets.known.lock().unwrap();
        assert!(known.sets.len() < 5, "{}", known.sets.len());
        assert!(known.sets.contains(&*one));
    }
}
