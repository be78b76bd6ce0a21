//! `sublet bench`.

use crate::bench::{self, Report};
use crate::console::Console;
use crate::problem::Problem;

/// Measure, against a baseline in the same run.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Bench {
    /// Extensions at the store and over HTTP, prices, pages, the renewal sweep
    Core(bench::Options),
    /// The same in a PostgreSQL database, against the server working by itself
    ///
    /// Starts a server of its own if `--database` names none; on a named one it makes databases of
    /// its own, and drops them.
    Postgres(bench::PostgresOptions),
}

impl Bench {
    pub(super) fn run(self, database: Option<&str>, console: &Console<'_>) -> Result<(), Problem> {
        let mut report = Report::new(console.json);
        match self {
            Bench::Core(options) => bench::core(&options, &mut report)?,
            Bench::Postgres(options) => bench::postgres(&options, database, &mut report)?,
        }
        match report.missed() {
            0 => Ok(()),
            missed => Err(Problem::failed(format!("{missed} figures missed their bounds"))),
        }
    }
}
