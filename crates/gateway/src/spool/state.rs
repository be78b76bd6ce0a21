//! What is pending, as it is in memory.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use feed::usage::{Line, Report};

/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// What is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) meter: String,
    /// The number of the last report that was sealed; 0 if none was.
    pub(super) sealed_last: u64,
    /// What may have been sent, by number without a gap.
    pub(super) sealed: VecDeque<Report>,
    /// What has never been sent, by day and lease.
    pub(super) open: BTreeMap<(i64, u64), Line>,
}

impl State {
    /// Nothing, counted by a new meter.
    pub(super) fn new() -> io::Result<State> {
        let (sealed, open) = (VecDeque::new(), BTreeMap::new());
        Ok(State { meter: new_meter()?, sealed_last: 0, sealed, open })
    }

    /// Whether nothing is pending.
    pub(super) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.open.is_empty()
    }

    /// Adds to what has never been sent.
    pub(super) fn add(&mut self, line: Line) {
        let key = (line.at.div_euclid(DAY), line.lease);
        let sum =
            self.open.entry(key).or_insert(Line { bytes_up: 0, bytes_down: 0, flows: 0, ..line });
        sum.bytes_up = sum.bytes_up.saturating_add(line.bytes_up);
        sum.bytes_down = sum.bytes_down.saturating_add(line.bytes_down);
        sum.flows = sum.flows.saturating_add(line.flows);
    }

    /// Makes reports of at most so many lines of what has never been sent.
    pub(super) fn seal(&mut self, lines_most: usize) {
        let lines: Vec<Line> = std::mem::take(&mut self.open).into_values().collect();
        for lines in lines.chunks(lines_most.max(1)) {
            self.push(lines.to_vec());
        }
    }

    /// Adds a sealed report.
    pub(super) fn push(&mut self, lines: Vec<Line>) {
        self.sealed_last += 1;
        let meter = self.meter.clone();
        self.sealed.push_back(Report { meter, number: self.sealed_last, lines });
    }

    /// Forgets what was taken: all reports up to this number.
    pub(super) fn take(&mut self, last: u64) {
        while self.sealed.front().is_some_and(|report| report.number <= last) {
            self.sealed.pop_front();
        }
    }

    /// Forgets whatever is pending.
    pub(super) fn forget_all(&mut self) {
        self.sealed.clear();
        self.open.clear();
    }

    /// Numbers what is sealed as the work of a new meter.
    pub(super) fn renumber(&mut self, meter: String) {
        (self.meter, self.sealed_last) = (meter, 0);
        for report in std::mem::take(&mut self.sealed) {
            self.push(report.lines);
        }
    }

    /// How many lines there are.
    pub(super) fn lines(&self) -> usize {
        self.sealed.iter().map(|report| report.lines.len()).sum::<usize>() + self.open.len()
    }
}

/// 128 random bits.
pub(super) fn new_meter() -> io::Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bits)))
}
