//! Deadlines of many things, to a tenth of a second, without a timer for each.

/// The deadlines of things that are known by small numbers. Setting, moving and taking away a
/// deadline costs the same however many there are.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// The first thing of each slot. A thing whose deadline is more than a turn away is looked at
    /// once in every turn.
    slots: Vec<u32>,
    links: Vec<Link>,
    now: u64,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
    due: u64,
    is_set: bool,
}

/// No thing.
const NONE: u32 = u32::MAX;
const SLOTS: u64 = 1024;
/// Milliseconds in a tick.
const TICK: u64 = 100;

const UNSET: Link = Link { before: NONE, after: NONE, due: 0, is_set: false };

impl Wheel {
    /// A wheel without deadlines.
    pub(crate) fn new() -> Wheel {
        let slots = vec![NONE; usize::try_from(SLOTS).expect("a small number")];
        Wheel { slots, links: Vec::new(), now: 0, count: 0 }
    }

    /// Sets the deadline of `thing`, in milliseconds, in place of one it may have.
    pub(crate) fn set(&mut self, thing: u32, due_millis: u64) {
        self.clear(thing);
        // What is due in the current tick is found in the next.
        let due = due_millis.div_ceil(TICK).max(self.now + 1);
        let slot = slot(due);
        let after = self.slots[slot];
        if after != NONE {
            self.links[index(after)].before = thing;
        }
        if self.links.len() <= index(thing) {
            self.links.resize(index(thing) + 1, UNSET);
        }
        self.links[index(thing)] = Link { before: NONE, after, due, is_set: true };
        self.slots[slot] = thing;
        self.count += 1;
    }

    /// Takes the deadline of `thing` away, if it has one.
    pub(crate) fn clear(&mut self, thing: u32) {
        let Some(link) = self.links.get(index(thing)).copied().filter(|link| link.is_set) else {
            return;
        };
        match link.before {
            NONE => self.slots[slot(link.due)] = link.after,
            before => self.links[index(before)].after = link.after,
        }
        if link.after != NONE {
            self.links[index(link.after)].before = link.before;
        }
        self.links[index(thing)] = UNSET;
        self.count -= 1;
    }

    /// Goes on to `now_millis` and takes out everything that is due by then.
    pub(crate) fn advance(&mut self, now_millis: u64, due: &mut Vec<u32>) {
        let to = (now_millis / TICK).max(self.now);
        let turns = (to - self.now).min(SLOTS);
        for tick in to - turns + 1..=to {
            let mut thing = self.slots[slot(tick)];
            while thing != NONE {
                let link = self.links[index(thing)];
                if link.due <= to {
                    self.clear(thing);
                    due.push(thing);
                }
                thing = link.after;
            }
        }
        self.now = to;
    }

    /// When to look again at the latest, in milliseconds; nothing if there is no deadline.
    pub(crate) fn next(&self) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let ticks = self.now + 1..=self.now + SLOTS;
        ticks.into_iter().find(|tick| self.slots[slot(*tick)] != NONE).map(|tick| tick * TICK)
    }
}

fn slot(tick: u64) -> usize {
    index(u32::try_from(tick % SLOTS).expect("a small number"))
}

fn index(thing: u32) -> usize {
    usize::try_from(thing).expect("32 bits fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the wheel goes on to each of `steps`.
    #[track_caller]
    fn check(set: &[(u32, u64)], steps: &[(u64, &[u32])]) {
        let mut wheel = Wheel::new();
        for (thing, due) in set {
            wheel.set(*thing, *due);
        }
        for (now, expected) in steps {
            let mut due = Vec::new();
            wheel.advance(*now, &mut due);
            due.sort_unstable();
            assert_eq!(due, *expected, "at {now}");
        }
    }

    #[test]
    fn things_come_out_when_they_are_due_and_once() {
        check(
            &[(0, 1_000), (1, 1_000), (2, 3_000), (3, 50)],
            &[(40, &[]), (100, &[3]), (999, &[]), (1_000, &[0, 1]), (9_000, &[2]), (10_000, &[])],
        );
    }

    #[test]
    fn a_deadline_beyond_a_turn_is_kept() {
        let turn = SLOTS * TICK;
        check(
            &[(7, 5 * turn + 300), (8, 300)],
            &[(300, &[8]), (turn + 300, &[]), (5 * turn, &[]), (5 * turn + 300, &[7])],
        );
    }

    #[test]
    fn a_long_sleep_misses_nothing() {
        check(&[(1, 100), (2, 90_000), (3, 900_000)], &[(10_000_000, &[1, 2, 3])]);
    }

    #[test]
    fn a_deadline_is_moved_and_taken_away() {
        let mut wheel = Wheel::new();
        for thing in 0..5 {
            wheel.set(thing, 1_000);
        }
        wheel.clear(2);
        wheel.clear(2);
        wheel.set(4, 2_000);
        wheel.clear(0);
        assert_eq!(wheel.next(), Some(1_000));
        let mut due = Vec::new();
        wheel.advance(1_500, &mut due);
        due.sort_unstable();
        assert_eq!(due, [1, 3]);
        assert_eq!(wheel.next(), Some(2_000));
        wheel.advance(2_000, &mut due);
        assert_eq!(wheel.next(), None);
    }
}
