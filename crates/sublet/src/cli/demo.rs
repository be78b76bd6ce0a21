//! `sublet demo`.

use engine::clock::{Clock, SystemClock};

use crate::config::Settings;
use crate::console::Console;
use crate::problem::Problem;
use crate::{demo, logging, serve};

/// Open a working shop on this machine, without any set-up.
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    #[command(flatten)]
    options: demo::Options,
}

impl Demo {
    pub(super) fn run(self, settings: &Settings, console: &mut Console<'_>) -> Result<(), Problem> {
        logging::start_quietly();
        let (store, keys) = demo::open(&self.options, &settings.database, SystemClock.now())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let options = serve::Options::on(self.options.listen);
        runtime.block_on(serve::run(store, &options, |ready| {
            console.text(&demo::for_people(ready, &keys))?;
            if console.json { console.object(&demo::for_programs(ready, &keys)) } else { Ok(()) }
        }))
    }
}
