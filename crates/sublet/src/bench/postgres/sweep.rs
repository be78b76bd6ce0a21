//! The renewal sweep: every lease of every customer falls due at once.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use domain::time::Span;
use store::postgres::baseline::Baseline;

use super::node::Node;
use super::server::Server;
use super::shop::Place;
use crate::bench::Options;
use crate::bench::data::LEASES;
use crate::bench::report::{Against, Bound, Figure, Report};
use crate::bench::sweep::turn_on;

/// Renews everything, as the server by itself does it, and as the shop does.
pub(super) fn renewals(
    server: &Server,
    options: &Options,
    folder: &Path,
    report: &mut Report,
) -> Result<()> {
    let bare = bare(server, options, report)?;
    report.say("Setting up a shop whose leases all fall due …");
    let place = Place::new(&server.scratch, folder, "sweep")?;
    let shop = place.fill(&vec![LEASES; usize::try_from(options.customers)?])?;
    turn_on(&shop)?;
    place.database().settle()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let per_second = runtime.block_on(async {
        let node = Node::start(shop.store.clone()).await?;
        let started = Instant::now();
        let swept = node.engine.move_clock(shop.at + Span::from_days(29) + Span::HOUR).await?;
        let per_second = f64::from(swept.renewed) / started.elapsed().as_secs_f64();
        let all = u64::from(options.customers) * u64::from(LEASES);
        ensure!(
            swept.failed == 0 && u64::from(swept.renewed) == all,
            "not all was renewed: {swept:?}"
        );
        node.stop().await;
        Ok(per_second)
    })?;
    report.figure(&Figure {
        name: &format!("renewals of {} leases, charged", options.customers * LEASES),
        value: per_second,
        unit: "/s",
        against: Some(Against {
            name: "the bare sweep",
            ratio: per_second / bare,
            bound: Bound::AtLeast(0.4),
        }),
    });
    let audit = shop.store.audit(&mut |_| {})?;
    ensure!(audit.violations.is_empty(), "the books are wrong: {:?}", audit.violations);
    Ok(())
}

fn bare(server: &Server, options: &Options, report: &mut Report) -> Result<f64> {
    report.say("Setting up the bare sweep …");
    let baseline = Baseline::create(&server.scratch, options.customers, LEASES, 0)?;
    let started = Instant::now();
    let renewed = baseline.sweep()?;
    let per_second = renewed as f64 / started.elapsed().as_secs_f64();
    let all = u64::from(options.customers) * u64::from(LEASES);
    ensure!(renewed == all, "the bare sweep has renewed {renewed} leases of {all}");
    report.figure(&Figure {
        name: "the bare sweep, 100 accounts a call",
        value: per_second,
        unit: "/s",
        against: None,
    });
    Ok(per_second)
}
