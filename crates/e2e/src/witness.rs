//! Compares the books with what customers were told. It asks no server.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde_json::Value;

use crate::auditor::Entry;
use crate::dates::DAY;
use crate::deeds::{Deed, Deposit, Outcome};
use crate::history::{self, Change, Look, Span};
use crate::programs::Program;

/// What is known from outside.
#[derive(Debug)]
pub struct Witness<'a> {
    /// The programs, each with the number of its requests that are known to be over.
    pub programs: Vec<(&'a mut Program, usize)>,
    /// How many more of each may have been done.
    pub further: usize,
    /// All money that was paid in.
    pub deposits: &'a [Deposit],
    /// The balances that were looked up, unless the books may be older than what was seen.
    pub looks: Option<&'a [Look]>,
}

impl Witness<'_> {
    /// What of the journal, and of the balances of the customers, is not as it was told.
    pub fn complaints(&mut self, journal: &[Entry], balances: &BTreeMap<i64, i64>) -> Vec<String> {
        let mut complaints = money(journal, balances);
        complaints.extend(periods(journal));
        let mut parts: Vec<Vec<&Entry>> = self.programs.iter().map(|_| vec![]).collect();
        let mut deposits = vec![];
        for entry in journal {
            let owner = self.programs.iter_mut().position(|(program, _)| program.claims(entry));
            match (entry.event.as_str(), owner) {
                ("deposit", _) => deposits.push(entry),
                (_, Some(owner)) => parts[owner].push(entry),
                _ => complaints.push(format!("nobody has asked for {entry:?}")),
            }
        }
        let mut changes = vec![];
        for ((program, answered), part) in self.programs.iter().zip(parts) {
            let known = (program.deeds(), *answered, self.further);
            complaints.extend(told(known, &part, &mut changes));
        }
        complaints.extend(order_numbers(self.programs.iter().map(|(it, _)| &**it), journal));
        complaints.extend(paid_in(self.deposits, &deposits, &mut changes));
        // Whoever finds an entry missing need not be told how the rest does not fit.
        if complaints.is_empty() {
            complaints.extend(history::complaints(changes, &self.looks()));
        }
        complaints
    }

    /// All balances that were told by what changed nothing.
    fn looks(&self) -> Vec<Look> {
        let Some(looks) = self.looks else { return vec![] };
        let refused = self.programs.iter().flat_map(|(program, _)| {
            let customer = program.customer().id;
            program.deeds().iter().filter_map(move |deed| deed.look(customer))
        });
        looks.iter().copied().chain(refused).collect()
    }
}

/// Walks through what one program was told and what is noted of it. Adds what has changed the wallet.
fn told<'a>(
    (deeds, known, further): (&'a [Deed], usize, usize),
    part: &[&Entry],
    changes: &mut Vec<Change<'a>>,
) -> Option<String> {
    let mut part = part.iter().peekable();
    for (number, deed) in deeds.iter().enumerate().take(known + further) {
        match (&deed.outcome, part.peek()) {
            (Outcome::Refused(_) | Outcome::Nothing, _) => {}
            (_, None) if known <= number => return None,
            (Outcome::Unknown, _) if number < known => {
                return Some(format!("not settled: {deed:?}"));
            }
            (_, None) => return Some(format!("lost, with what came after it: {deed:?}")),
            (_, Some(entry)) => {
                if let Some(how) = deed.differs(entry) {
                    return Some(format!("{how}: {deed:?}, but {entry:?}"));
                }
                changes.extend(change(entry, deed.span, deed));
                part.next();
            }
        }
    }
    part.next().map(|entry| format!("done twice, or without being asked for: {entry:?}"))
}

/// What an entry has done to a wallet.
fn change<'a>(entry: &Entry, span: Span, call: &'a dyn Debug) -> Option<Change<'a>> {
    Some(Change {
        customer: entry.customer,
        version: entry.version?,
        amount: entry.amount?,
        balance_after: entry.balance_after?,
        span,
        call,
    })
}

/// Every transfer sums to zero, every balance follows from the one before it, and what is kept in
/// the wallets is what came of it.
fn money(journal: &[Entry], balances: &BTreeMap<i64, i64>) -> Vec<String> {
    let mut complaints = vec![];
    let mut sums: BTreeMap<i64, i64> = BTreeMap::new();
    for entry in journal {
        if entry.postings.iter().sum::<i64>() != 0 {
            complaints.push(format!("its postings do not sum to zero: {entry:?}"));
        }
        let Some(amount) = entry.amount else { continue };
        let sum = sums.entry(entry.customer).or_default();
        *sum += amount;
        if entry.balance_after != Some(*sum) || *sum < 0 {
            complaints.push(format!("the balance should be {sum}: {entry:?}"));
        }
        if !entry.postings.contains(&amount) {
            complaints.push(format!("no posting is of its amount: {entry:?}"));
        }
    }
    for (customer, balance) in balances {
        let sum = sums.get(customer).copied().unwrap_or(0);
        if sum != *balance {
            complaints.push(format!("customer {customer} has {balance} instead of {sum}"));
        }
    }
    complaints
}

/// Every paid period begins where the one before it ended, and is in one entry.
fn periods(journal: &[Entry]) -> Vec<String> {
    let mut complaints = vec![];
    let mut ends: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in journal.iter().filter(|entry| entry.event != "auto_extend") {
        for term in &entry.terms {
            let end = ends.get(term.lease.as_str()).copied();
            let expected = match (end, entry.order.is_some()) {
                (None, true) => Some(entry.at),
                (Some(end), false) if term.before == Some(end) => Some(end),
                _ => None,
            };
            let length = i64::from(entry.days.unwrap_or(0)) * DAY;
            match (expected, term.end) {
                (Some(from), Some(to)) if to - from == length => {
                    ends.insert(&term.lease, to);
                }
                _ => complaints.push(format!("a period that does not follow {end:?}: {entry:?}")),
            }
        }
    }
    complaints
}

/// No order number was given to two orders.
fn order_numbers<'a>(
    programs: impl Iterator<Item = &'a Program>,
    journal: &[Entry],
) -> Vec<String> {
    let mut numbers: BTreeMap<String, &Deed> = BTreeMap::new();
    let mut complaints = vec![];
    for deed in programs.flat_map(Program::deeds) {
        let Outcome::Done(answer) = &deed.outcome else { continue };
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let Some(number) = answer["orderNumber"].as_str() else { continue };
        if let Some(other) = numbers.insert(number.to_owned(), deed) {
            complaints.push(format!("{other:?} and {deed:?} have one number"));
        }
    }
    let mut orders: Vec<&String> = journal.iter().filter_map(|it| it.order.as_ref()).collect();
    let count = orders.len();
    orders.sort();
    orders.dedup();
    if orders.len() != count {
        complaints.push(format!("{count} orders have {} ids", orders.len()));
    }
    complaints
}

/// Every deposit that was said to be done is there once, and every other at most once.
fn paid_in<'a>(
    deposits: &'a [Deposit],
    entries: &[&Entry],
    changes: &mut Vec<Change<'a>>,
) -> Vec<String> {
    let mut noted: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        noted.entry(entry.note.as_deref().unwrap_or_default()).or_default().push(entry);
    }
    let mut complaints = vec![];
    for deposit in deposits {
        let found = noted.remove(deposit.note.as_str()).unwrap_or_default();
        let allowed = match deposit.done {
            Some(true) => 1..=1,
            Some(false) => 0..=0,
            None => 0..=1,
        };
        let right = found
            .iter()
            .all(|it| (it.customer, it.amount) == (deposit.customer, Some(deposit.minor)));
        if !right || !allowed.contains(&found.len()) {
            complaints.push(format!("{deposit:?} is noted as {found:?}"));
        }
        changes.extend(found.into_iter().filter_map(|it| change(it, deposit.span, deposit)));
    }
    complaints
        .extend(noted.into_values().flatten().map(|entry| format!("nobody has paid in {entry:?}")));
    complaints
}
