//! Group commit on slower disks: the same program again, under a shim that makes every sync take
//! longer.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::Options;
use super::report::{Against, Bound, Figure, Report};

const SHIM: &str = include_str!("../../../e2e/shim/slowsync.c");

/// Group commit against one commit each with 1 and 5 milliseconds added to each sync.
pub(super) fn group_commit(options: &Options, folder: &Path, report: &mut Report) -> Result<()> {
    let (source, shim) = (folder.join("slowsync.c"), folder.join("slowsync.so"));
    std::fs::write(&source, SHIM)?;
    let built = Command::new("cc")
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .args([&shim, &source])
        .arg("-ldl")
        .status()
        .context("a C compiler is needed to slow the disk down")?;
    ensure!(built.success(), "the shim could not be compiled");
    for (millis, bound) in [(1_u32, 10.0), (5, 25.0)] {
        let output = Command::new(std::env::current_exe()?)
            .args(["--json", "bench", "core", "--group-commit-only"])
            .args(["--customers", &options.customers.min(1_000).to_string()])
            .args(["--seconds", &options.seconds.to_string()])
            .env("LD_PRELOAD", &shim)
            .env("SLOWSYNC_MICROSECONDS", (millis * 1000).to_string())
            .output()?;
        if !output.status.success() {
            bail!("the run failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let ratio = String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|line| line["ratio"].as_f64().zip(line["value"].as_f64()));
        let (ratio, value) = ratio.context("the run printed no ratio")?;
        report.figure(&Figure {
            name: &format!("extensions, groups of 128, each sync {millis} ms longer"),
            value,
            unit: "/s",
            against: Some(Against { name: "one commit each", ratio, bound: Bound::AtLeast(bound) }),
        });
    }
    Ok(())
}
