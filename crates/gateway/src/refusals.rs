//! What was refused: counted by reason, and by lease with the last ones, in memory that is bounded
//! whatever clients do.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Time;
use hashbrown::HashMap;

use crate::refusal::Refusal;
use crate::target::Target;

/// What was refused, all threads together.
#[derive(Debug)]
pub(crate) struct Refusals {
    counts: Box<[AtomicU64]>,
    shards: Box<[Mutex<Shard>]>,
    /// Counts what was noted of leases. It grows while the lease's shard is locked.
    noted: AtomicU64,
    log: Mutex<Allowance>,
}

/// Records of leases, by their id.
type Shard = HashMap<u64, Record, foldhash::fast::RandomState>;

/// What was refused to one lease.
#[derive(Debug)]
struct Record {
    counts: Vec<(Refusal, u64)>,
    last: VecDeque<Kept>,
    /// Until when it may be forgotten last.
    touched: u64,
    /// The number of what was noted of it last.
    number: u64,
    keeps: Allowance,
    logs: Allowance,
    /// How many were not logged since the last one that was.
    unlogged: u64,
}

#[derive(Debug)]
struct Kept {
    at: Time,
    refusal: Refusal,
    destination: Option<Box<str>>,
    source: IpAddr,
}

/// Something that may be done so often in a second.
#[derive(Debug, Default)]
struct Allowance {
    second: u64,
    used: u32,
}

impl Allowance {
    fn take(&mut self, second: u64, most: u32) -> bool {
        if self.second != second {
            *self = Allowance { second, used: 0 };
        }
        self.used = self.used.saturating_add(1);
        self.used <= most
    }
}

/// How many refusals of a lease are kept.
const LAST: usize = 20;
/// How many of them may come from one second. A storm is counted, and pushes nothing out.
const KEPT_PER_SECOND: u32 = 10;
/// How many refusals of a lease are logged in a second, and of all.
const LOGGED_PER_SECOND: u32 = 1;
const LOGGED_PER_SECOND_OF_ALL: u32 = 50;
/// Records lie in so many shards, of which each holds so many.
const SHARDS: usize = 64;
const RECORDS_MAX: usize = 64;

/// What is known of something that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) refusal: Refusal,
    /// Which lease the client is one of, if it came to that.
    pub(crate) lease: Option<u64>,
    pub(crate) source: IpAddr,
    pub(crate) target: Option<&'a Target>,
}

impl Refusals {
    pub(crate) fn new() -> Refusals {
        Refusals {
            counts: Refusal::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            noted: AtomicU64::new(0),
            log: Mutex::default(),
        }
    }

    /// Notes a refusal. `now` is the time for people, `millis` that of the gateway's own clock.
    pub(crate) fn note(&self, event: Event<'_>, now: Time, millis: u64) {
        let Event { refusal, lease, source, target } = event;
        if let Some(count) = self.counts.get(place(refusal)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let second = millis / 1000;
        let Some(id) = lease else {
            self.log(event, second, 0);
            return;
        };
        let mut shard = lock(&self.shards[shard_of(id)]);
        if shard.len() >= RECORDS_MAX && !shard.contains_key(&id) {
            forget_oldest(&mut shard);
        }
        let record = shard.entry(id).or_insert_with(Record::new);
        record.touched = millis;
        record.number = self.noted.fetch_add(1, Ordering::Relaxed) + 1;
        match record.counts.iter_mut().find(|(known, _)| *known == refusal) {
            Some((_, count)) => *count += 1,
            None => record.counts.push((refusal, 1)),
        }
        if record.keeps.take(second, KEPT_PER_SECOND) {
            let destination = target.map(|target| target.to_string().into());
            record.last.truncate(LAST - 1);
            record.last.push_front(Kept { at: now, refusal, destination, source });
        }
        if !record.logs.take(second, LOGGED_PER_SECOND) {
            record.unlogged += 1;
            return;
        }
        let unlogged = std::mem::take(&mut record.unlogged);
        drop(shard);
        self.log(event, second, unlogged);
    }

    fn log(&self, event: Event<'_>, second: u64, unlogged: u64) {
        let Event { refusal, lease, source, target } = event;
        // Who has to say first who he is, as browsers have, is nothing to tell of.
        if refusal == Refusal::CredentialsNeeded
            || !lock(&self.log).take(second, LOGGED_PER_SECOND_OF_ALL)
        {
            return;
        }
        tracing::info!(
            reason = refusal.wording().code,
            lease.id = lease,
            client.address = %source,
            destination = target.map(tracing::field::display),
            unlogged,
            "Refused: {refusal}"
        );
    }

    /// How often each reason was one so far.
    pub(crate) fn counts(&self) -> Vec<(Refusal, u64)> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Refusal::ALL.iter().copied().zip(counts).collect()
    }

    /// What was refused to a lease lately.
    pub(crate) fn of(&self, lease: u64) -> feed::refusal::Refusals {
        let shard = lock(&self.shards[shard_of(lease)]);
        shard.get(&lease).map(Record::told).unwrap_or_default()
    }

    /// The leases to which something was refused after what was noted as number `after`, at most so
    /// many, those of longest ago first; and the number from which to go on. What is refused
    /// meanwhile may be among it twice, and never at no time.
    pub(crate) fn after(&self, after: u64, most: usize) -> (Vec<feed::refusal::OfLease>, u64) {
        // Whatever has a number by now is seen below: its shard was locked when it was given.
        let mut upto = self.noted.load(Ordering::Relaxed);
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let fresh = shard.iter().filter(|(_, record)| after < record.number);
            found.extend(fresh.map(|(lease, record)| (record.number, *lease)));
        }
        found.sort_unstable();
        if most < found.len() {
            found.truncate(most);
            upto = found.last().map_or(upto, |(number, _)| upto.min(*number));
        }
        let told = found
            .into_iter()
            .map(|(_, lease)| feed::refusal::OfLease { lease, refusals: self.of(lease) });
        (told.collect(), upto)
    }
}

impl Record {
    fn new() -> Record {
        Record {
            counts: Vec::new(),
            last: VecDeque::new(),
            touched: 0,
            number: 0,
            keeps: Allowance::default(),
            logs: Allowance::default(),
            unlogged: 0,
        }
    }

    fn told(&self) -> feed::refusal::Refusals {
        let code = |refusal: Refusal| refusal.wording().code.to_owned();
        let last = self.last.iter().map(|kept| feed::refusal::Refused {
            at: kept.at.millis(),
            reason: code(kept.refusal),
            destination: kept.destination.as_deref().map(str::to_owned),
            source: kept.source,
        });
        feed::refusal::Refusals {
            counts: self.counts.iter().map(|(refusal, count)| (code(*refusal), *count)).collect(),
            last: last.collect(),
        }
    }
}

fn forget_oldest(shard: &mut Shard) {
    let oldest = shard.iter().min_by_key(|(_, record)| record.touched).map(|(id, _)| *id);
    if let Some(id) = oldest {
        shard.remove(&id);
    }
}

fn place(refusal: Refusal) -> usize {
    Refusal::ALL.iter().position(|known| *known == refusal).unwrap_or(usize::MAX)
}

fn shard_of(lease: u64) -> usize {
    usize::try_from(lease % 64).unwrap_or_default() % SHARDS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(lease: u64, refusal: Refusal) -> Event<'static> {
        let source = "192.0.2.1".parse().unwrap();
        Event { refusal, lease: Some(lease), source, target: None }
    }

    #[test]
    fn a_storm_is_counted_and_pushes_nothing_out() {
        let refusals = Refusals::new();
        let note = |refusal, millis: u64| {
            let now = Time::from_millis(i64::try_from(millis).unwrap());
            refusals.note(event(7, refusal), now, millis);
        };
        (0..5).for_each(|_| note(Refusal::PortNotAllowed, 1_000));
        (0..1_000_000).for_each(|_| note(Refusal::TooFast, 2_000));
        let of = refusals.of(7);
        let counts = [("port_not_allowed".to_owned(), 5), ("too_fast".to_owned(), 1_000_000)];
        assert_eq!(of.counts, counts);
        assert_eq!(of.last.len(), 15);
        assert!(of.last[..10].iter().all(|it| it.reason == "too_fast" && it.at == 2_000));
        assert!(of.last[10..].iter().all(|it| it.reason == "port_not_allowed"));
        (3..9).for_each(|second| (0..9).for_each(|_| note(Refusal::TooFast, second * 1_000)));
        assert_eq!(refusals.of(7).last.len(), LAST);
        let total = refusals.counts().into_iter().find(|(why, _)| *why == Refusal::TooFast);
        assert_eq!(total, Some((Refusal::TooFast, 1_000_054)));
    }

    #[test]
    fn who_was_refused_longest_ago_is_forgotten_first() {
        let refusals = Refusals::new();
        let leases = u64::try_from(SHARDS * RECORDS_MAX).unwrap();
        for lease in 0..leases + 64 {
            refusals.note(event(lease, Refusal::TooFast), Time::from_millis(0), lease);
        }
        assert!((0..64).all(|lease| refusals.of(lease).last.is_empty()));
        assert!((64..leases + 64).all(|lease| refusals.of(lease).last.len() == 1));
    }

    #[test]
    fn what_was_refused_since_is_told_piece_by_piece_and_nothing_is_left_out() {
        let refusals = Refusals::new();
        let note = |lease| refusals.note(event(lease, Refusal::TooFast), Time::from_millis(0), 0);
        let leases = |after, most| {
            let (told, upto) = refusals.after(after, most);
            (told.iter().map(|it| it.lease).collect::<Vec<_>>(), upto)
        };
        assert_eq!(leases(0, 10), (vec![], 0));
        [3, 1, 2, 1].into_iter().for_each(note);
        let (first, upto) = leases(0, 2);
        assert_eq!(first, [3, 2]);
        assert_eq!(leases(upto, 2), (vec![1], 4));
        assert_eq!(refusals.after(upto, 2).0[0].refusals, refusals.of(1));
        note(3);
        assert_eq!(leases(4, 2), (vec![3], 5));
        assert_eq!(leases(5, 2), (vec![], 5));
    }
}
