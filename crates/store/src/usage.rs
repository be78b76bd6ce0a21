//! Which part of a report of usage is taken next. That of a transaction that fails is taken again,
//! and a report that is repeated is not.

use domain::ids::LeaseId;
use domain::usage::{Day, Report, Taken, Used};

/// How far the reports of a meter have been taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The number of the last report that was taken whole.
    pub(crate) last: i64,
    /// The last line of the report behind it that was taken, if only a part of it was.
    pub(crate) part: Option<(Day, LeaseId)>,
    /// What all reports come to.
    pub(crate) used: Used,
}

/// A part of a report that is to be taken.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// Its lines, in the order of days and leases.
    pub(crate) lines: Vec<((Day, LeaseId), Used)>,
    /// How far the meter has come with it.
    pub(crate) after: Progress,
}

/// What all reports of a meter come to stays smaller than this, so that sums fit.
const ALL_MOST: u64 = (1 << 62) - 1;

impl Progress {
    /// The part of `report` that is to be taken next, of at most so many lines; if there is none,
    /// what has become of the report.
    pub(crate) fn next(self, report: &Report, lines_most: usize) -> Result<Part, Taken> {
        if report.number != self.last + 1 {
            return Err(Taken { last: self.last, ..Taken::default() });
        }
        let rest = report.lines.iter().filter(|(key, _)| self.part.is_none_or(|part| part < **key));
        let mut rest = rest.map(|(key, used)| (*key, *used));
        let lines: Vec<_> = rest.by_ref().take(lines_most).collect();
        let used = lines.iter().fold(self.used, |sum, (_, used)| sum.plus(*used));
        let (last, part) = match (rest.next(), lines.last()) {
            (Some(_), Some((key, _))) => (self.last, Some(*key)),
            _ => (report.number, None),
        };
        Ok(Part { lines, after: Progress { last, part, used: used.at_most(ALL_MOST) } })
    }
}

impl Part {
    /// What has become of the report, of which so many lines named no lease.
    pub(crate) fn taken(&self, unknown: u64) -> Taken {
        Taken { last: self.after.last, unknown, is_partly: self.after.part.is_some() }
    }
}
