//! The books of this process, as a gateway beside them uses them: they take what leases have used,
//! and the jobs of modems wait there.

use std::collections::BTreeSet;

use domain::rotation::Outcome;
use domain::time::Time;
use domain::usage::{self, Meter};
use engine::engine::Engine;
use engine::rotations::{Job, Rotator};
use feed::usage::{Answer, LINES_MOST, Report};
use tokio::sync::Mutex;

use super::metering::Books;
use super::rotator::{Busy, Desk};

/// The books behind an engine.
pub(super) struct Own {
    pub(super) engine: Engine,
    /// What the gateway is called.
    pub(super) gateway: String,
}

impl Books for Own {
    async fn take(&self, report: &Report) -> Result<Answer, String> {
        let report = read(report).ok_or("the report makes no sense")?;
        let taken = self.engine.take_usage(&self.gateway, report).await;
        taken.map(answer).map_err(|fault| fault.to_string())
    }
}

/// The desk where the jobs of gateways in this process wait.
pub(super) struct OwnDesk {
    waits: Mutex<Rotator>,
    engine: Engine,
    /// Which gateways' modems; if none is named, all.
    names: BTreeSet<String>,
}

impl OwnDesk {
    pub(super) fn new(engine: &Engine, names: BTreeSet<String>) -> OwnDesk {
        OwnDesk { waits: Mutex::new(engine.rotator()), engine: engine.clone(), names }
    }
}

impl Desk for OwnDesk {
    async fn take(&self, busy: &Busy) -> Result<Vec<Job>, String> {
        self.waits.lock().await.wait().await;
        let here = |name: &str| self.names.is_empty() || self.names.contains(name);
        let taken = self.engine.take_rotations(here, &busy.names()).await;
        taken.map_err(|fault| fault.to_string())
    }

    async fn tell(&self, job: &Job, outcome: Outcome) -> Result<bool, String> {
        let told = self.engine.end_rotation(job.id, &job.modem, job.claim, outcome).await;
        told.map_err(|fault| fault.to_string())
    }
}

/// A report as the books know it; nothing if it makes no sense.
pub(crate) fn read(report: &Report) -> Option<usage::Report> {
    let meter = Meter::parse(&report.meter).filter(|_| report.lines.len() <= LINES_MOST)?;
    let lines = report.lines.iter().map(|line| {
        let (bytes_up, bytes_down, flows) = (line.bytes_up, line.bytes_down, line.flows);
        let used = usage::Used { bytes_up, bytes_down, flows };
        (line.lease, Time::from_millis(line.at), used)
    });
    usage::Report::new(meter, report.number, lines)
}

/// What the books say of it.
pub(crate) fn answer(taken: usage::Taken) -> Answer {
    Answer { last: u64::try_from(taken.last).unwrap_or(0), unknown: taken.unknown }
}

#[cfg(test)]
mod tests {
    use domain::ids::LeaseId;
    use domain::usage::Day;
    use feed::usage::Line;

    use super::*;

    #[test]
    fn a_report_is_passed_on_whole_or_not_at_all() {
        let line = Line { lease: 7, at: 86_400_000, bytes_up: 1, bytes_down: 2, flows: 3 };
        let meter = "00112233445566778899aabbccddeeff".to_owned();
        let report = Report { meter, number: 5, lines: vec![line] };
        let read_as = read(&report).unwrap();
        let used = usage::Used { bytes_up: 1, bytes_down: 2, flows: 3 };
        assert_eq!(read_as.lines, [((Day(1), LeaseId(7)), used)].into());
        assert_eq!((read_as.meter.as_str(), read_as.number), (report.meter.as_str(), 5));
        for wrong in [
            Report { meter: "x".to_owned(), ..report.clone() },
            Report { number: 0, ..report.clone() },
            Report { lines: vec![line; LINES_MOST + 1], ..report.clone() },
        ] {
            assert_eq!(read(&wrong), None);
        }
        let taken = usage::Taken { last: 4, unknown: 1, is_partly: false };
        assert_eq!(answer(taken), Answer { last: 4, unknown: 1 });
    }
}
