//! `sublet serve`.

use crate::config::Settings;
use crate::console::Console;
use crate::problem::Problem;
use crate::{logging, serve};

/// Open the shop: APIs, guides, scheduler and gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    options: serve::Options,
}

impl Serve {
    pub(super) fn run(self, settings: &Settings, console: &mut Console<'_>) -> Result<(), Problem> {
        logging::start();
        self.options.check()?;
        let name = self.options.name();
        let options = self.options.beside(&settings.database);
        let store = settings.database.open_to_serve(!options.no_migrate, false, &name)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(serve::run(store, &options, |ready| {
            console.text(&ready.for_people())?;
            if console.json { console.object(&ready.for_programs()) } else { Ok(()) }
        }))
    }
}
