//! The benchmarks that we quote: every figure is a ratio to a baseline measured in the same run, on
//! the same machine, so that it can be carried elsewhere.

#![expect(clippy::float_arithmetic, reason = "figures for people, no money")]

mod data;
mod dialects;
mod http;
mod list;
mod load;
mod page;
mod postgres;
mod report;
mod slow_disk;
mod store;
mod sweep;
mod turns;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

pub(crate) use self::postgres::{PostgresOptions, postgres};
pub(crate) use self::report::Report;

/// How much to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Customers, each with 100 leases.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) customers: u32,
    /// Seconds for each figure.
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,
    /// Where to put the databases; a folder of the system's temporary one by default.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// Only these parts: store, disk, http, price, page, dialects, list, sweep.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Measures group commit alone, for a run under a slowed disk.
    #[arg(long, hide = true)]
    pub(crate) group_commit_only: bool,
}

impl Options {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Measures the core: store, HTTP, pages and the renewal sweep.
pub(crate) fn core(options: &Options, report: &mut Report) -> Result<()> {
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => std::env::temp_dir().join(format!("sublet-bench-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let done = measured(options, &folder, report);
    if options.folder.is_none() {
        let _ = std::fs::remove_dir_all(&folder);
    }
    done
}

fn measured(options: &Options, folder: &std::path::Path, report: &mut Report) -> Result<()> {
    if options.group_commit_only {
        return store::group_commit(options, folder, report);
    }
    if options.wants("store") || options.wants("http") {
        let mut bare = store::bare(options, folder, report)?;
        if options.wants("store") {
            store::extensions(options, folder, &mut bare, report)?;
        }
        if options.wants("http") {
            // Right before, on a disk in the same mood.
            let bare = store::bare_rate(&mut bare, options, report)?;
            http::requests(options, folder, bare, report)?;
        }
    }
    if options.wants("disk") {
        slow_disk::group_commit(options, folder, report)?;
    }
    if options.wants("price") {
        http::prices(options, folder, report)?;
    }
    if options.wants("page") {
        page::pages(options, folder, report)?;
    }
    if options.wants("dialects") {
        dialects::prolongations(options, folder, report)?;
    }
    if options.wants("list") {
        list::lists(options, folder, report)?;
    }
    if options.wants("sweep") {
        sweep::renewals(options, folder, report)?;
    }
    Ok(())
}
