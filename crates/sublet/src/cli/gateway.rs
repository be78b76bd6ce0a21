//! `sublet gateway`.

use crate::console::Console;
use crate::problem::Problem;
use crate::{handover, logging, outpost, serve};

/// Serve rented proxies on this host for a shop elsewhere.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: sublet gateway --control https://shop.example:8443 --token sgw… --data /var/lib/sublet-gateway"
)]
pub(super) struct Gateway {
    #[command(flatten)]
    options: outpost::Options,
}

impl Gateway {
    pub(super) fn run(self, console: &mut Console<'_>) -> Result<(), Problem> {
        logging::start();
        self.options.check()?;
        serve::raise_descriptor_limit();
        let taken = match self.options.take_over {
            true => handover::take(&self.options.socket())?,
            false => None,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(outpost::run(self.options, taken, |ready| {
            console.text(&ready.for_people())?;
            if console.json { console.object(ready) } else { Ok(()) }
        }))
    }
}
