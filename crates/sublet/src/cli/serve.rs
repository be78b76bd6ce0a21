//! `sublet serve`.

use std::path::Path;

use crate::config::Settings;
use crate::console::Console;
use crate::problem::Problem;
use crate::{handover, logging, serve};

/// Open the shop: APIs, guides, scheduler and gateway.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    #[command(flatten)]
    options: serve::Options,
}

impl Serve {
    pub(super) fn run(
        mut self,
        settings: &Settings,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        logging::start();
        self.options.traffic = self.options.traffic.or(&settings.serve)?;
        self.options.check()?;
        let name = self.options.name();
        let socket = self.options.hand_over.clone();
        let socket = socket.or_else(|| settings.database.file().map(handover::beside));
        let taken = self.taken(socket.as_deref())?;
        let options = self.options.beside(&settings.database);
        let store = settings.database.open_to_serve(!options.no_migrate, false, &name)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let succession = serve::Succession { taken, socket };
        runtime.block_on(serve::run(store, &options, succession, |ready| {
            console.text(&ready.for_people())?;
            if console.json { console.object(&ready.for_programs()) } else { Ok(()) }
        }))
    }

    /// What was taken over from the server that runs here, if that is asked for.
    fn taken(&self, socket: Option<&Path>) -> Result<Option<handover::Taken>, Problem> {
        if !self.options.take_over {
            return Ok(None);
        }
        let Some(socket) = socket else {
            return Err(Problem::usage("--take-over needs --hand-over SOCKET")
                .hint("only where the books are in a file it is known where to ask"));
        };
        handover::take(socket)
    }
}
