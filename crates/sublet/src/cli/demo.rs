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
        let mut options = serve::Options::on(self.options.listen);
        options.traffic = options.traffic.kept_in(self.options.data.join("gateway"));
        runtime.block_on(async {
            let echo = demo::echo::start().await?;
            let tell = |ready: &serve::Ready| {
                console.text(&demo::for_people(ready, echo, &keys))?;
                if console.json {
                    console.object(&demo::for_programs(ready, echo, &keys))
                } else {
                    Ok(())
                }
            };
            serve::run(store, &options, tell).await
        })
    }
}
