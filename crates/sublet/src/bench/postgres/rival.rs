//! What the store is measured against: `pgbench`, with the same work as one call of a function of
//! the server's own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use store::postgres::baseline::Baseline;

use super::server::Server;
use crate::bench::Options;
use crate::bench::data::LEASES;
use crate::bench::report::{Against, Bound, Figure, Report};
use crate::bench::turns::in_turn;

/// How many connections it has.
const CONNECTIONS: &str = "8";

/// How many leases the customer has on whom all fall.
pub(super) const HOT_LEASES: u32 = 10_000;

/// Whose leases are extended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Anybody's.
    Spread,
    /// One customer's, so that all wait for one wallet.
    Hot,
}

impl Whose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Whose::Spread => "spread",
            Whose::Hot => "one wallet",
        }
    }
}

/// `pgbench` with a database of its own.
pub(super) struct Rival<'s> {
    server: &'s Server,
    baseline: Baseline,
    folder: PathBuf,
    time: Duration,
}

impl<'s> Rival<'s> {
    /// Fills its database.
    pub(super) fn create(
        server: &'s Server,
        options: &Options,
        folder: PathBuf,
    ) -> Result<Rival<'s>> {
        let baseline = Baseline::create(&server.scratch, options.customers, LEASES, HOT_LEASES)?;
        Ok(Rival { server, baseline, folder, time: options.time() })
    }

    /// Measures `ours` against it. `settle` is called before, to write all that is old to the disk.
    pub(super) fn measure(
        &self,
        whose: Whose,
        name: &str,
        bound: f64,
        report: &mut Report,
        settle: impl FnOnce() -> Result<()>,
        ours: impl FnMut(Duration) -> Result<f64>,
    ) -> Result<()> {
        self.baseline.settle()?;
        settle()?;
        let its = |time| self.extensions_per_second(whose, time);
        let (its, mine) = in_turn(self.time, its, ours)?;
        report.figure(&Figure {
            name: &format!("pgbench, one call each, 8 connections, {}", whose.name()),
            value: its,
            unit: "/s",
            against: None,
        });
        report.figure(&Figure {
            name: &format!("{name}, {}", whose.name()),
            value: mine,
            unit: "/s",
            against: Some(Against {
                name: "pgbench",
                ratio: mine / its,
                bound: Bound::AtLeast(bound),
            }),
        });
        Ok(())
    }

    fn extensions_per_second(&self, whose: Whose, time: Duration) -> Result<f64> {
        let script = self.folder.join("extend.sql");
        let text = match whose {
            Whose::Spread => self.baseline.spread(),
            Whose::Hot => self.baseline.hot(),
        };
        std::fs::write(&script, text)?;
        let output = self
            .server
            .programs
            .command("pgbench")?
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", CONNECTIONS])
            .args(["--time", &time.as_secs().max(1).to_string(), "--file"])
            .arg(&script)
            .envs(self.baseline.environment()?)
            .output()
            .context("pgbench")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaints = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {complaints}");
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench has told no rate: {said}{complaints}"))
    }
}
