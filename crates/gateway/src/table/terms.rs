//! What leases say of ports, each set of rules once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use feed::lease::PortRules;
use foldhash::fast::RandomState;

use crate::policy::LeasePorts;

/// What leases say of ports. A product has one set of rules, and there may be a million leases of
/// it.
#[derive(Debug, Default)]
pub(super) struct RuleSets {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    sets: HashSet<Arc<LeasePorts>, RandomState>,
    /// When there are more than so many, those that nobody has any more are forgotten.
    enough: usize,
}

impl RuleSets {
    /// What these rules say. Those who say the same share it.
    pub(super) fn share(&self, rules: &PortRules) -> Arc<LeasePorts> {
        let wanted = LeasePorts::new(rules);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.sets.get(&wanted) {
            return Arc::clone(found);
        }
        if known.sets.len() >= known.enough {
            known.sets.retain(|set| Arc::strong_count(set) > 1);
            known.enough = 2 * known.sets.len() + 1;
        }
        let made = Arc::new(wanted);
        known.sets.insert(Arc::clone(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shared_and_forgotten_when_nobody_has_them() {
        let sets = RuleSets::default();
        let rules = |port| PortRules { allow: vec![(port, port)], deny: vec![] };
        let [one, same] = [7, 7].map(|port| sets.share(&rules(port)));
        assert!(Arc::ptr_eq(&one, &same));
        for port in 1_000..2_000 {
            sets.share(&rules(port));
        }
        let known = sets.known.lock().unwrap();
        assert!(known.sets.len() < 5, "{}", known.sets.len());
        assert!(known.sets.contains(&*one));
    }
}
