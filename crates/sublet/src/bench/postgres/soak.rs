//! placeholder
use std::path::Path;
use std::time::Duration;
use anyhow::Result;
use super::server::Server;
use crate::bench::Options;
use crate::bench::report::Report;
pub(super) fn soak(_: &Server, _: &Options, _: Duration, _: &Path, _: &mut Report) -> Result<()> { Ok(()) }
