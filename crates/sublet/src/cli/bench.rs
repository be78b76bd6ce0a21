//! `sublet bench`.

use crate::bench::{self, Report};
use crate::console::Console;
use crate::problem::Problem;

/// Measure, against a baseline in the same run.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Bench {
    /// Extensions at the store and over HTTP, prices, pages, the renewal sweep
    Core(bench::Options),
}

impl Bench {
    pub(super) fn run(self, console: &Console<'_>) -> Result<(), Problem> {
        let mut report = Report::new(console.json);
        match self {
            Bench::Core(options) => bench::core(&options, &mut report)?,
        }
        match report.missed() {
            0 => Ok(()),
            missed => Err(Problem::failed(format!("{missed} figures missed their bounds"))),
        }
    }
}
