//! Pages of a customer with very many leases.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use domain::kind::ProxyKind;

use super::Options;
use super::data::{self, LEASES, SET_UP_AT};
use super::report::{Against, Bound, Figure, Report};

/// How many addresses a page has.
const PAGE: u32 = 100;

/// A page at the start and at the end of as many leases as the other parts have in all.
pub(super) fn pages(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    report.say("Setting up one customer with all leases …");
    let leases = options.customers * LEASES;
    let shop = data::shop(&folder.join("page.db"), 1, leases)?;
    let customer = shop.customers[0].id;
    let measure = |offset: u64| -> Result<f64> {
        let mut micros = Vec::new();
        for step in 0..300_u64 {
            let (started, offset) = (Instant::now(), offset + step % 7);
            let count = shop.store.count_proxies(customer, ProxyKind::Ipv4)?;
            let page = shop.store.proxies_at(customer, ProxyKind::Ipv4, offset, PAGE, SET_UP_AT)?;
            micros.push(started.elapsed().as_secs_f64() * 1e6);
            ensure!(count == u64::from(leases) && page.len() == PAGE as usize, "a page is short");
        }
        micros.sort_by(f64::total_cmp);
        Ok(micros[micros.len() / 2])
    };
    let first = measure(0)?;
    let last = measure(u64::from(leases - PAGE - 7))?;
    report.figure(&Figure {
        name: &format!("first page of 100 of {leases} leases"),
        value: first,
        unit: "µs",
        against: None,
    });
    report.figure(&Figure {
        name: &format!("last page of 100 of {leases} leases"),
        value: last,
        unit: "µs",
        against: Some(Against {
            name: "first page",
            ratio: last / first,
            bound: Bound::Below(2.0),
        }),
    });
    Ok(())
}
