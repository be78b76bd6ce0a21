//! Whether what clients saw at the same time can be told one after the other.
//!
//! Every wallet counts its postings, so the order in which its changes are to be told is known, and
//! a history is checked by walking through it once. Two calls that overlapped may stand in either
//! order. But what was over before another began must stand before it, the balance that each was told
//! must follow from the one before, and whoever looked at the balance must have seen it as it was at
//! some moment of his looking: not as it was before something that was over already, and never as it
//! was before what he has seen already. This is what makes several servers one shop.

use std::collections::BTreeMap;
use std::time::Instant;

/// When a call was under way. A call without an end may still take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Just before it was sent.
    pub began: Instant,
    /// Just after its answer was there.
    pub ended: Option<Instant>,
}

impl Span {
    /// Something that begins now.
    pub fn begin() -> Span {
        Span { began: Instant::now(), ended: None }
    }

    /// The same, if it is over now.
    #[must_use]
    pub fn end(self) -> Span {
        Span { ended: Some(Instant::now()), ..self }
    }
}

/// A change of a wallet that the books tell of.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// Whose wallet it is.
    pub customer: i64,
    /// Its place in the history of the wallet, from 1 on.
    pub version: i64,
    /// By how much.
    pub amount: i64,
    /// What was in it then.
    pub balance_after: i64,
    /// When it was asked for.
    pub span: Span,
    /// By whom, for whoever reads a complaint.
    pub call: &'a dyn std::fmt::Debug,
}

/// A look at a wallet: an answer that told its balance and changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whose wallet it is.
    pub customer: i64,
    /// What it told.
    pub balance: i64,
    /// When.
    pub span: Span,
}

/// What of the changes and looks cannot be told one after the other.
pub fn complaints(changes: Vec<Change<'_>>, looks: &[Look]) -> Vec<String> {
    let mut wallets: BTreeMap<i64, (Vec<Change<'_>>, Vec<Look>)> = BTreeMap::new();
    for change in changes {
        wallets.entry(change.customer).or_default().0.push(change);
    }
    for look in looks {
        wallets.entry(look.customer).or_default().1.push(*look);
    }
    let mut complaints = vec![];
    for (mut changes, mut looks) in wallets.into_values() {
        changes.sort_by_key(|change| change.version);
        looks.sort_by_key(|look| look.span.began);
        complaints.extend(changed(&changes));
        complaints.extend(looked(&changes, &looks));
    }
    complaints
}

/// What is wrong with the changes of one wallet, in their order.
fn changed(changes: &[Change<'_>]) -> Vec<String> {
    let mut complaints = vec![];
    let (mut balance, mut last): (i64, Option<&Change<'_>>) = (0, None);
    for (number, change) in (1..).zip(changes) {
        if change.version != number {
            complaints.push(format!("it is not the change number {number}: {change:?}"));
        }
        balance += change.amount;
        if change.balance_after != balance {
            complaints.push(format!("it should have left {balance}: {change:?}"));
        }
        if let Some(last) = last
            && change.span.ended.is_some_and(|ended| ended < last.span.began)
        {
            complaints.push(format!("{change:?} was over before {last:?} began, and follows it"));
        }
        if last.is_none_or(|last| last.span.began < change.span.began) {
            last = Some(change);
        }
    }
    complaints
}

/// What is wrong with the looks at one wallet, in the order in which they began.
fn looked(changes: &[Change<'_>], looks: &[Look]) -> Vec<String> {
    let moments = Moments::of(changes);
    // What was seen by looks, as far as they were over, with the ends of those that are not yet.
    let mut seen = 0;
    let mut open: BTreeMap<Instant, usize> = BTreeMap::new();
    let mut complaints = vec![];
    for look in looks {
        while let Some(first) = open.first_entry().filter(|it| *it.key() < look.span.began) {
            seen = seen.max(first.remove());
        }
        let least = seen.max(moments.over_before(look.span.began));
        let most = look.span.ended.map_or(changes.len(), |ended| moments.begun_before(ended));
        // The earliest moment that fits leaves the others the most room.
        let fits = (least..=most).find(|place| balance(changes, *place) == look.balance);
        match (fits, look.span.ended) {
            (Some(place), Some(ended)) => {
                let open = open.entry(ended).or_default();
                *open = place.max(*open);
            }
            (Some(_), None) => {}
            (None, _) => {
                let (first, last) = (balance(changes, least), balance(changes, most.max(least)));
                complaints.push(format!(
                    "it was no balance between change {least} ({first}) and {most} ({last}): \
                     {look:?}"
                ));
            }
        }
    }
    complaints
}

/// The balance after so many changes.
fn balance(changes: &[Change<'_>], place: usize) -> i64 {
    place.checked_sub(1).map_or(0, |last| changes[last].balance_after)
}

/// Up to which change a wallet must have come at some moment, and may have come.
struct Moments {
    /// For each change that is over, in the order of their ends, the last that was over then.
    over: Vec<(Instant, usize)>,
    /// For each change, in the order of their beginnings, the last that had begun then.
    begun: Vec<(Instant, usize)>,
}

impl Moments {
    fn of(changes: &[Change<'_>]) -> Moments {
        let numbered = || changes.iter().zip(1..);
        let ended = |(it, number): (&Change<'_>, usize)| Some((it.span.ended?, number));
        Moments {
            over: furthest(numbered().filter_map(ended).collect()),
            begun: furthest(numbered().map(|(it, number)| (it.span.began, number)).collect()),
        }
    }

    fn over_before(&self, moment: Instant) -> usize {
        up_to(&self.over, moment)
    }

    fn begun_before(&self, moment: Instant) -> usize {
        up_to(&self.begun, moment)
    }
}

/// Sorts by time, and has each number be the greatest so far.
fn furthest(mut moments: Vec<(Instant, usize)>) -> Vec<(Instant, usize)> {
    moments.sort_unstable();
    let mut greatest = 0;
    for (_, number) in &mut moments {
        greatest = greatest.max(*number);
        *number = greatest;
    }
    moments
}

/// The number that holds just before `moment`.
fn up_to(moments: &[(Instant, usize)], moment: Instant) -> usize {
    let place = moments.partition_point(|(at, _)| *at < moment);
    place.checked_sub(1).map_or(0, |last| moments[last].1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The history of one wallet: changes with their amounts, looks with what they told, and when
    /// each began and ended.
    #[track_caller]
    fn check(changes: &[(i64, u64, u64)], looks: &[(i64, u64, u64)], wrong: usize) {
        let start = Instant::now();
        let span = |began: u64, ended: u64| Span {
            began: start + Duration::from_secs(began),
            ended: (ended > 0).then(|| start + Duration::from_secs(ended)),
        };
        let mut balance = 0;
        let changes = (1..).zip(changes).map(|(version, (amount, began, ended))| {
            balance += amount;
            let (span, call) = (span(*began, *ended), &"a test");
            let (amount, balance_after) = (*amount, balance);
            Change { customer: 1, version, amount, balance_after, span, call }
        });
        let look = |(balance, began, ended): &(i64, u64, u64)| Look {
            customer: 1,
            balance: *balance,
            span: span(*began, *ended),
        };
        let looks: Vec<Look> = looks.iter().map(look).collect();
        let complaints = complaints(changes.collect(), &looks);
        assert_eq!(complaints.len(), wrong, "{complaints:?}");
    }

    #[test]
    fn what_overlaps_may_stand_in_either_order() {
        check(&[(100, 1, 5), (-10, 2, 4), (-20, 3, 6)], &[], 0);
        check(&[(100, 2, 4), (-10, 1, 5), (-20, 3, 6)], &[], 0);
        check(&[(100, 1, 2), (-10, 3, 4), (-20, 5, 6)], &[], 0);
        // What was not answered may have come at any time.
        check(&[(100, 1, 2), (-20, 5, 6), (-10, 3, 0)], &[], 0);
    }

    #[test]
    fn what_was_over_before_another_began_stands_before_it() {
        check(&[(100, 1, 2), (-20, 5, 6), (-10, 3, 4)], &[], 1);
        check(&[(100, 1, 2), (-20, 7, 8), (-5, 1, 9), (-10, 3, 4)], &[], 1);
    }

    #[test]
    fn a_look_sees_some_moment_of_its_own() {
        let changes = [(100, 1, 2), (-10, 3, 6), (-20, 8, 9)];
        for (looks, wrong) in [
            (&[(0, 0, 3), (100, 1, 3), (100, 4, 5), (90, 4, 5), (90, 7, 7), (70, 9, 10)][..], 0),
            (&[(100, 7, 8)], 1),
            (&[(0, 3, 4)], 1),
            (&[(90, 1, 3)], 1),
            (&[(95, 4, 5)], 1),
            (&[(70, 4, 5)], 1),
        ] {
            check(&changes, looks, wrong);
        }
    }

    #[test]
    fn what_was_seen_stays_seen() {
        let changes = [(100, 1, 2), (-10, 3, 9)];
        check(&changes, &[(90, 4, 5), (90, 6, 7)], 0);
        check(&changes, &[(100, 4, 5), (90, 6, 7)], 0);
        check(&changes, &[(90, 4, 6), (100, 5, 7)], 0);
        check(&changes, &[(90, 4, 5), (100, 6, 7)], 1);
        // The same balance twice: the look may be of the second time, and the next one too.
        let changes = [(100, 1, 2), (-10, 3, 9), (10, 3, 9)];
        check(&changes, &[(90, 4, 5), (100, 6, 7)], 0);
        check(&changes, &[(90, 4, 5), (100, 6, 7), (90, 8, 9)], 1);
    }

    #[test]
    fn versions_and_balances_follow_each_other() {
        let span = Span { began: Instant::now(), ended: None };
        let change = |version, amount, balance_after| Change {
            customer: 1,
            version,
            amount,
            balance_after,
            span,
            call: &"a test",
        };
        assert!(complaints(vec![change(2, -1, 9), change(1, 10, 10)], &[]).is_empty());
        assert_eq!(complaints(vec![change(1, 10, 10), change(3, -1, 9)], &[]).len(), 1);
        assert_eq!(complaints(vec![change(1, 10, 10), change(1, 10, 20)], &[]).len(), 1);
        assert_eq!(complaints(vec![change(1, 10, 10), change(2, -1, 10)], &[]).len(), 1);
    }
}
