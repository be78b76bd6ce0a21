//! `sublet audit`: proof of the books.

use clap::Args;
use serde::Serialize;
use store::audit::Report;

use crate::console::Row;
use crate::problem::Problem;
use crate::progress;
use crate::shop::Shop;

#[derive(Debug, Args)]
#[command(after_help = "\
Reads the journal from its beginning and shows that every transfer sums to zero and no wallet went
below zero, that no address was let twice at once, that ends moved only with a payment, and that no
promo code was used too often; then compares what is kept with it. Exits with 1 if anything fails.")]
pub(super) struct Audit;

/// What was looked at.
#[derive(Debug, Serialize)]
struct Summary {
    ok: bool,
    entries: u64,
    postings: u64,
    wallets: u64,
    leases: u64,
    promos: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    payments: Option<u64>,
    violations: usize,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
struct Violation<'a> {
    violation: &'a str,
    detail: &'a str,
}

impl Row for Violation<'_> {
    const COLUMNS: &'static [&'static str] = &["RULE", "VIOLATION"];

    fn cells(&self) -> Vec<String> {
        vec![self.violation.to_owned(), self.detail.to_owned()]
    }
}

impl Audit {
    pub(super) fn run(&self, shop: &mut Shop<'_, '_>) -> Result<(), Problem> {
        let spinner = progress::counter("journal entries read");
        let report = shop.store.audit(&mut |entries| spinner.set_position(entries))?;
        spinner.finish_and_clear();
        say(shop, &report)?;
        match report.violations.len() {
            0 => Ok(()),
            1 => Err(Problem::failed("the books are wrong in one place")),
            count => Err(Problem::failed(format!("the books are wrong in {count} places"))),
        }
    }
}

fn say(shop: &mut Shop<'_, '_>, report: &Report) -> Result<(), Problem> {
    let violation = |wrong: &'_ store::audit::Violation| (wrong.rule, wrong.detail.clone());
    let wrong: Vec<(&str, String)> = report.violations.iter().map(violation).collect();
    if !wrong.is_empty() {
        let rows: Vec<Violation<'_>> =
            wrong.iter().map(|(rule, detail)| Violation { violation: rule, detail }).collect();
        shop.console.list(&rows, "")?;
    }
    let summary = Summary {
        ok: wrong.is_empty(),
        entries: report.entries,
        postings: report.postings,
        wallets: report.wallets,
        leases: report.leases,
        promos: report.promos,
        payments: (report.payments > 0).then_some(report.payments),
        violations: wrong.len(),
    };
    let mut people = vec![
        ("journal entries", summary.entries.to_string()),
        ("postings", summary.postings.to_string()),
        ("wallets", summary.wallets.to_string()),
        ("leases", summary.leases.to_string()),
        ("promo codes", summary.promos.to_string()),
        ("violations", summary.violations.to_string()),
    ];
    if let Some(payments) = summary.payments {
        people.insert(5, ("payments", payments.to_string()));
    }
    shop.console.result(&summary, &people)
}
