//! What gateways on other hosts have refused, as far as they have told this server: in memory that is
//! bounded whatever they tell.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use feed::refusal::{LEASES_MOST, OfLease, Refusals};

/// So many leases are remembered.
const RECORDS_MAX: usize = 4_096;

/// When there are more, so many are forgotten together: it takes a look at all.
const FORGOTTEN: usize = RECORDS_MAX / 8;

/// What of one lease is remembered at most: as much as a gateway remembers.
const REASONS_MAX: usize = 64;
const REASON_LONGEST: usize = 64;
const LAST_MAX: usize = 20;
const DESTINATION_LONGEST: usize = 300;

/// What gateways on other hosts have refused.
#[derive(Debug)]
pub(crate) struct Told {
    /// What tells this memory from others.
    name: String,
    records: Mutex<Records>,
}

#[derive(Debug, Default)]
struct Records {
    /// By lease and node.
    of: BTreeMap<(u64, i64), Record>,
    /// How often something was told.
    times: u64,
}

#[derive(Debug)]
struct Record {
    refusals: Refusals,
    /// When it was told last, as the number of that time.
    at: u64,
}

impl Told {
    /// Nothing was told so far. `name` is what tells it from others.
    pub(crate) fn new(name: String) -> Told {
        Told { name, records: Mutex::default() }
    }

    /// What tells it from others.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Notes what a node tells of its own leases, in place of what it has told of them before.
    pub(super) fn note(&self, node: i64, told: Vec<OfLease>) {
        let mut records = self.records();
        for OfLease { lease, refusals } in told.into_iter().take(LEASES_MOST) {
            records.times += 1;
            let record = Record { refusals: bounded(refusals), at: records.times };
            records.of.insert((lease, node), record);
        }
        if RECORDS_MAX < records.of.len() {
            let mut times: Vec<u64> = records.of.values().map(|record| record.at).collect();
            let (_, bound, _) = times.select_nth_unstable(FORGOTTEN);
            let bound = *bound;
            records.of.retain(|_, record| bound <= record.at);
        }
    }

    /// What was refused to a lease, by all who have told of it.
    pub(crate) fn of(&self, lease: u64) -> Vec<Refusals> {
        let records = self.records();
        let all = records.of.range((lease, i64::MIN)..=(lease, i64::MAX));
        all.map(|(_, record)| record.refusals.clone()).collect()
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bounded(refusals: Refusals) -> Refusals {
    let Refusals { mut counts, mut last } = refusals;
    counts.retain(|(reason, _)| reason.len() <= REASON_LONGEST);
    counts.truncate(REASONS_MAX);
    last.retain(|it| {
        let length = it.destination.as_ref().map_or(0, String::len);
        it.reason.len() <= REASON_LONGEST && length <= DESTINATION_LONGEST
    });
    last.truncate(LAST_MAX);
    Refusals { counts, last }
}

#[cfg(test)]
mod tests {
    use feed::refusal::Refused;

    use super::*;

    fn refused(reason: &str, destination: &str) -> Refused {
        let source = "192.0.2.1".parse().unwrap();
        let destination = Some(destination.to_owned());
        Refused { at: 1, reason: reason.to_owned(), destination, source }
    }

    fn told(lease: u64, count: u64) -> OfLease {
        let counts = vec![("too_fast".to_owned(), count)];
        OfLease { lease, refusals: Refusals { counts, last: Vec::new() } }
    }

    #[test]
    fn what_a_node_tells_is_in_place_of_what_it_told_and_beside_what_others_tell() {
        let memory = Told::new(String::new());
        memory.note(1, vec![told(7, 1), told(8, 1)]);
        memory.note(2, vec![told(7, 5)]);
        memory.note(1, vec![told(7, 2)]);
        let counts = |lease| -> Vec<u64> {
            memory.of(lease).iter().flat_map(|it| it.counts.iter().map(|it| it.1)).collect()
        };
        assert_eq!((counts(7), counts(8), counts(9)), (vec![2, 5], vec![1], vec![]));
    }

    #[test]
    fn it_is_bounded_whatever_is_told_and_forgets_first_what_was_told_longest_ago() {
        let memory = Told::new(String::new());
        let leases = u64::try_from(RECORDS_MAX).unwrap();
        for lease in 0..leases {
            memory.note(1, vec![told(lease, 1)]);
        }
        memory.note(1, vec![told(0, 2)]);
        assert_eq!(memory.records().of.len(), RECORDS_MAX);
        memory.note(1, vec![told(leases, 1)]);
        assert_eq!(memory.records().of.len(), RECORDS_MAX + 1 - FORGOTTEN);
        assert!(memory.of(1).is_empty() && !memory.of(0).is_empty());
        assert!(!memory.of(leases).is_empty() && !memory.of(leases - 1).is_empty());

        let last = [
            vec![refused("too_fast", &"x".repeat(301)), refused(&"x".repeat(65), "")],
            vec![refused("too_fast", &"x".repeat(300)); 30],
        ];
        let counts = (0..100).map(|at| (format!("{at}{}", "y".repeat(at % 70)), 1)).collect();
        let refusals = Refusals { counts, last: last.concat() };
        memory.note(1, vec![OfLease { lease: 5, refusals }; 60]);
        let kept = memory.of(5).remove(0);
        assert_eq!((kept.counts.len(), kept.last.len()), (REASONS_MAX, LAST_MAX));
        assert!(kept.counts.iter().all(|(reason, _)| reason.len() <= REASON_LONGEST));
    }
}
