//! `sublet restore`: the books from a backup.

use std::path::PathBuf;

use clap::Args;
use domain::time::Time;
use serde::Serialize;
use store::sqlite;

use crate::config::Settings;
use crate::console::Console;
use crate::problem::Problem;
use crate::reading;

#[derive(Debug, Args)]
#[command(after_help = "\
Example: sublet restore /srv/backups/sublet-2026-12-01.db

Makes the database that --database names from a backup, with the key file that belonged to it. The
database must not be there: move a damaged one out of the way first. What happened after the backup
is not in it, so no orders are taken before `sublet unlock`.")]
pub(super) struct Restore {
    /// The backup
    file: PathBuf,
}

/// What was restored.
#[derive(Serialize)]
struct Restored {
    database: String,
    last_entry_at: Option<String>,
    entries: u64,
    customers: u64,
    leases: u64,
    keys_revoked: u64,
    tokens_revoked: u64,
    revocations_known: bool,
    sales_locked: bool,
}

impl Restore {
    pub(super) fn run(
        &self,
        settings: &Settings,
        now: Time,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let database = &settings.database;
        let Some(file) = database.file() else {
            let says = "a PostgreSQL database is restored with PostgreSQL's own tools";
            let hint = "then stop orders (`sublet lock`) until you have looked at the books";
            return Err(Problem::failed(says).hint(hint));
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let report = sqlite::restore(&self.file, file, database.key_file(), now)?;
        let restored = Restored {
            database: database.shown(),
            last_entry_at: report.last_entry_at.map(reading::shown),
            entries: report.entries,
            customers: report.customers,
            leases: report.leases,
            keys_revoked: report.keys_revoked,
            tokens_revoked: report.tokens_revoked,
            revocations_known: report.revocations_known,
            sales_locked: true,
        };
        let last = report.last_entry_at.map_or_else(|| "nothing".to_owned(), reading::brief);
        let people = [
            ("database", restored.database.clone()),
            ("last entry", last),
            ("journal entries", restored.entries.to_string()),
            ("customers", restored.customers.to_string()),
            ("leases", restored.leases.to_string()),
            ("keys revoked again", restored.keys_revoked.to_string()),
            ("tokens revoked again", restored.tokens_revoked.to_string()),
            ("orders", "locked".to_owned()),
        ];
        console.result(&restored, &people)?;
        if !report.revocations_known {
            console.note(
                "warning: no list of revocations lies beside the key file: keys and tokens that \
                 were revoked after the backup open doors again. Look at `sublet key list`.",
            );
        }
        console.note("Look at the books (`sublet audit`), then let orders be taken: sublet unlock");
        Ok(())
    }
}
