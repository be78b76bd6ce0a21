//! The renewal sweep: every lease of every customer falls due at once, while customers go on.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::auto_extend::SetAutoExtend;
use domain::command::{Command, Wish};
use domain::kind::ProxyKind;
use domain::period::PeriodWish;
use domain::select::{Among, Selection};
use domain::time::Span;
use engine::batcher::Bounds;
use engine::engine::Engine;

use super::Options;
use super::data::{self, LEASES, SET_UP_AT, Shop};
use super::http::{Call, Repeats, SinceSetUp, one_lease, serve_router};
use super::load;
use super::report::{Against, Bound, Figure, Report};

/// How many customers ask for prices and extensions while the sweep runs.
const CLIENTS: usize = 8;

/// Renews everything, and sees how customers fare meanwhile.
pub(super) fn renewals(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    report.say("Setting up a shop whose leases all fall due …");
    let shop = Arc::new(data::shop(&folder.join("sweep.db"), options.customers, LEASES)?);
    turn_on(&shop)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::start(shop.store.clone(), SinceSetUp::start(), Bounds::default())?;
        let served = serve_router(crate::serve::bench_router(&engine)).await?;
        forget_peak_memory();
        let sweeping = tokio::spawn({
            let engine = engine.clone();
            async move {
                let started = Instant::now();
                let due = SET_UP_AT + Span::from_days(29) + Span::HOUR;
                let swept = engine.move_clock(due).await?;
                anyhow::Ok((swept, started.elapsed()))
            }
        });
        let mut latencies = Vec::new();
        while !sweeping.is_finished() {
            let time = Duration::from_millis(500);
            for call in [Call::PRICE, Call::EXTEND] {
                let make = one_lease(&shop, call, Repeats::None);
                let load = load::run(&[served], CLIENTS, time, "\"success\":true", make).await?;
                latencies.extend(load.millis);
            }
        }
        let (swept, took) = sweeping.await??;
        ensure!(swept.failed == 0, "renewals failed");
        let per_second = f64::from(swept.renewed) / took.as_secs_f64();
        report.figure(&Figure {
            name: &format!("renewals of {} leases, charged, requests going on", swept.renewed),
            value: per_second,
            unit: "/s",
            against: None,
        });
        latencies.sort_by(f64::total_cmp);
        let answered = load::Load { per_second: 0.0, millis: latencies };
        report.figure(&Figure {
            name: "requests during the sweep, 99 % within",
            value: answered.within(0.99),
            unit: "ms",
            against: Some(Against {
                name: "250 ms",
                ratio: answered.within(0.99) / 250.0,
                bound: Bound::Below(1.0),
            }),
        });
        let peak = peak_memory().context("the kernel tells the peak memory")?;
        report.figure(&Figure {
            name: "peak memory of the process during the sweep",
            value: peak,
            unit: "MiB",
            against: Some(Against {
                name: "1 GiB",
                ratio: peak / 1024.0,
                bound: Bound::Below(1.0),
            }),
        });
        engine.close().await;
        let audit = shop.store.audit(&mut |_| {})?;
        ensure!(audit.violations.is_empty(), "the books are wrong: {:?}", audit.violations);
        Ok(())
    })
}

pub(super) fn turn_on(shop: &Shop) -> Result<()> {
    for group in shop.customers.chunks(50) {
        let commands: Vec<Command> = group
            .iter()
            .map(|customer| {
                Command::plain(Wish::SetAutoExtend(SetAutoExtend {
                    customer: customer.id,
                    kind: Some(ProxyKind::Ipv4),
                    leases: Selection::Leases(Some(customer.leases.clone())),
                    among: Among::All,
                    period: PeriodWish::Days(30),
                    on: Some(true),
                    card: None,
                }))
            })
            .collect();
        let decisions = shop.store.transact(&commands, shop.at)?;
        ensure!(
            decisions.iter().all(|decision| decision.result.is_ok()),
            "auto-extend was refused"
        );
    }
    Ok(())
}

/// Has the kernel start anew with the peak of this process's memory.
pub(super) fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The peak of this process's memory in MiB.
pub(super) fn peak_memory() -> Option<f64> {
    status("VmHWM:")
}

/// This process's memory in MiB.
pub(super) fn memory_now() -> Option<f64> {
    status("VmRSS:")
}

fn status(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}
