//! `sublet init`: a new database, or an old one brought up to date.

use clap::Args;
use serde::Serialize;

use crate::config::Settings;
use crate::console::Console;
use crate::problem::Problem;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sublet init
  sublet --database sqlite:/srv/sublet/sublet.db --key-file /etc/sublet.key init
  sublet --database postgres://sublet@db.example/sublet --key-file /etc/sublet.key init

Makes the database and, once, a key file that opens the proxy passwords in it: keep a copy where the
backups are not. A database that is there is brought up to date and otherwise left alone.")]
pub(super) struct Init {
    /// Make a sandbox: its clock can be moved, for ever
    #[arg(long)]
    sandbox: bool,
}

/// The database as it is now.
#[derive(Serialize)]
struct Made {
    database: String,
    key_file: String,
    sandbox: bool,
    created: bool,
}

impl Init {
    pub(super) fn run(
        &self,
        settings: &Settings,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let database = &settings.database;
        let created = !database.exists()?;
        let sandbox = database.make(self.sandbox)?.installation()?.sandbox;
        if self.sandbox && !sandbox {
            let says = format!("{} is there and is no sandbox", database.shown());
            let hint = "a database becomes a sandbox when it is made only; name another one";
            return Err(Problem::failed(says).hint(hint));
        }
        let made = Made {
            database: database.shown(),
            key_file: database.key_file().display().to_string(),
            sandbox,
            created,
        };
        let people = [
            ("database", made.database.clone()),
            ("key file", made.key_file.clone()),
            ("sandbox", if sandbox { "yes" } else { "no" }.to_owned()),
            ("made", if created { "now" } else { "before" }.to_owned()),
        ];
        console.result(&made, &people)
    }
}
