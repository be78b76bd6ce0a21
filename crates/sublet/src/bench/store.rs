//! Extensions at the store, against a bare loop over SQLite.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use domain::command::{Command, Wish};
use domain::extend::Extend;
use domain::idempotency::{Idempotency, KeySource};
use domain::ids::LeaseId;
use domain::kind::ProxyKind;
use domain::period::PeriodWish;
use domain::select::{Among, Selection};
use store::sqlite::baseline::Baseline;

use super::Options;
use super::data::{self, Customer, Dice, LEASES, Shop};
use super::report::{Against, Bound, Figure, Report};

/// How many extensions a transaction takes.
pub(super) const BATCH: usize = 128;

/// How often the store and the bare loop are measured in turn, so that a disk that slows down slows
/// both.
const TURNS: u32 = 4;

/// The bare loop: what SQLite does with the same rows in groups of the same size.
pub(super) fn bare(options: &Options, folder: &Path, report: &mut Report) -> Result<Baseline> {
    report.say("Setting up the bare loop …");
    Ok(Baseline::create(&folder.join("bare.db"), options.customers, LEASES)?)
}

/// Extensions per second of the bare loop alone.
pub(super) fn bare_rate(
    bare: &mut Baseline,
    options: &Options,
    report: &mut Report,
) -> Result<f64> {
    let per_second = bare.extensions_per_second(BATCH, options.time())?;
    tell_bare(per_second, report);
    Ok(per_second)
}

fn tell_bare(per_second: f64, report: &mut Report) {
    report.figure(&Figure {
        name: "bare rusqlite loop, groups of 128",
        value: per_second,
        unit: "/s",
        against: None,
    });
}

/// Extensions at the store, against the bare loop in turns.
pub(super) fn extensions(
    options: &Options,
    folder: &Path,
    bare: &mut Baseline,
    report: &mut Report,
) -> Result<()> {
    report.say("Setting up customers with their leases …");
    let shop = data::shop(&folder.join("store.db"), options.customers, LEASES)?;
    let (mut grouped, mut alone) = (0.0, 0.0);
    for _ in 0..TURNS {
        alone += bare.extensions_per_second(BATCH, options.time())? / f64::from(TURNS);
        grouped += rate(&shop, BATCH, 1, options.time())? / f64::from(TURNS);
    }
    tell_bare(alone, report);
    report.figure(&Figure {
        name: "extensions at the store, groups of 128",
        value: grouped,
        unit: "/s",
        against: Some(Against {
            name: "bare loop",
            ratio: grouped / alone,
            bound: Bound::AtLeast(0.7),
        }),
    });
    group_commit_of(&shop, "the disk as it is", 3.0, options, report)?;
    let (one, hundred) = (rate(&shop, 1, 1, options.time())?, rate(&shop, 1, 100, options.time())?);
    let cost = one / hundred;
    report.figure(&Figure {
        name: "extension of 100 leases, one commit each",
        value: hundred,
        unit: "/s",
        against: Some(Against {
            name: "the cost of one lease",
            ratio: cost,
            bound: Bound::Below(12.0),
        }),
    });
    let many = rate(&shop, 8, 100, options.time())?;
    report.figure(&Figure {
        name: "extension of 100 leases, groups of 8",
        value: many,
        unit: "/s",
        against: None,
    });
    Ok(())
}

/// Group commit against one commit each, on a disk of this run's own speed.
pub(super) fn group_commit(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    let shop = data::shop(&folder.join("group.db"), options.customers, LEASES)?;
    group_commit_of(&shop, "this disk", 1.0, options, report)
}

fn group_commit_of(
    shop: &Shop,
    disk: &str,
    bound: f64,
    options: &Options,
    report: &mut Report,
) -> Result<()> {
    let grouped = rate(shop, BATCH, 1, options.time())?;
    let single = rate(shop, 1, 1, options.time())?;
    report.figure(&Figure {
        name: &format!("extensions, one commit each, {disk}"),
        value: single,
        unit: "/s",
        against: None,
    });
    report.figure(&Figure {
        name: &format!("extensions, groups of 128, {disk}"),
        value: grouped,
        unit: "/s",
        against: Some(Against {
            name: "one commit each",
            ratio: grouped / single,
            bound: Bound::AtLeast(bound),
        }),
    });
    Ok(())
}

/// Extensions per second of `leases` leases each, `batch` in a transaction.
pub(super) fn rate(shop: &Shop, batch: usize, leases: usize, time: Duration) -> Result<f64> {
    let mut dice = Dice::new();
    let (started, mut done) = (Instant::now(), 0_u64);
    while started.elapsed() < time {
        let commands: Vec<Command> = (0..batch)
            .map(|_| extend(&shop.customers[dice.below(shop.customers.len())], leases, &mut dice))
            .collect();
        let decisions = shop.store.transact(&commands, shop.at)?;
        ensure!(
            decisions.iter().all(|decision| decision.result.is_ok()),
            "an extension was refused"
        );
        done += decisions.len() as u64;
    }
    Ok(done as f64 / started.elapsed().as_secs_f64())
}

fn extend(customer: &Customer, leases: usize, dice: &mut Dice) -> Command {
    let chosen: Vec<LeaseId> = match leases {
        1 => vec![customer.leases[dice.below(customer.leases.len())]],
        _ => customer.leases[..leases.min(customer.leases.len())].to_vec(),
    };
    let wish = Wish::Extend(Extend {
        customer: customer.id,
        kind: Some(ProxyKind::Ipv4),
        leases: Selection::Leases(Some(chosen)),
        among: Among::All,
        period: PeriodWish::Days(30),
        promo: None,
    });
    let key = [dice.next().to_le_bytes(), dice.next().to_le_bytes()].concat();
    let key: [u8; 16] = key.try_into().expect("two numbers are sixteen bytes");
    let idempotency = Idempotency { key, fingerprint: [7; 16], source: KeySource::Header };
    Command { wish, idempotency: Some(idempotency), at: None }
}
