//! `sublet migrate`: the books from a file to a PostgreSQL server.

use std::path::Path;

use clap::Args;
use domain::idempotency::KEPT_WITHOUT_KEY;
use domain::time::Time;
use engine::upkeep::UNCLEAN_WINDOW;
use indicatif::ProgressBar;
use serde::Serialize;
use store::transfer::{self, Moved, Options, Step, Unsettled};

use crate::config::Settings;
use crate::console::Console;
use crate::database::Database;
use crate::problem::Problem;
use crate::progress;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sublet migrate --from sqlite:/srv/sublet/sublet.db --to postgres://sublet@db.example/sublet

Stop the server first. Everything is copied into the empty database that --to names, compared row by
row, and proven; then the file says where its books have gone, and nobody can use it any more. If it
is interrupted, run the same command again: it goes on. The key file stays the same: every server on
the new database needs it.")]
pub(super) struct Migrate {
    /// Where the books are: sqlite:PATH [default: what --database says]
    #[arg(long, value_name = "URL")]
    from: Option<String>,

    /// Where they are to be: postgres://HOST/DATABASE, in which nothing is yet
    #[arg(long, env = "SUBLET_MIGRATE_TO", value_name = "URL", hide_env_values = true)]
    to: String,
}

/// What has moved.
#[derive(Serialize)]
struct Arrival<'a> {
    from: String,
    to: &'a str,
    key_file: String,
    moved_before: bool,
    journal_entries: u64,
    balances_minor: serde_json::Map<String, serde_json::Value>,
    rows: i64,
    tables: Vec<Table>,
}

/// One of its tables.
#[derive(Serialize)]
struct Table {
    table: &'static str,
    rows: i64,
    sha256: String,
}

impl Migrate {
    pub(super) fn run(
        &self,
        settings: &Settings,
        now: Time,
        console: &mut Console<'_>,
    ) -> Result<(), Problem> {
        let from = match &self.from {
            Some(url) => Database::parse(url, settings.key_file.clone())?,
            None => settings.database.clone(),
        };
        let to = Database::parse(&self.to, settings.key_file.clone())?;
        let (Some(file), Some(url)) = (from.file(), to.url()) else {
            return Err(Problem::usage("books are moved from a file to PostgreSQL only").hint(
                "write it like --from sqlite:sublet-data/sublet.db --to postgres://HOST/DB",
            ));
        };
        let options = Options {
            from: file.to_owned(),
            key_file: from.key_file().to_owned(),
            to: url.to_owned(),
            unsettled: Unsettled { window: UNCLEAN_WINDOW, kept: KEPT_WITHOUT_KEY },
            now,
        };
        let mut bars = Bars::default();
        let moved = transfer::run(&options, &mut |step| bars.show(step))?;
        bars.end();
        say(&from.shown(), from.key_file(), &moved, console)
    }
}

fn say(
    from: &str,
    key_file: &Path,
    moved: &Moved,
    console: &mut Console<'_>,
) -> Result<(), Problem> {
    let key_file = key_file.display().to_string();
    let rows = moved.tables.iter().map(|table| table.rows).sum();
    let table = |it: &transfer::MovedTable| Table {
        table: it.name,
        rows: it.rows,
        sha256: it.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let balance = |(currency, minor): &(String, i64)| (currency.clone(), (*minor).into());
    let result = Arrival {
        from: from.to_owned(),
        to: &moved.place,
        key_file: key_file.clone(),
        moved_before: moved.before,
        journal_entries: moved.entries,
        balances_minor: moved.balances.iter().map(balance).collect(),
        rows,
        tables: moved.tables.iter().map(table).collect(),
    };
    let mut people = vec![
        ("from", from.to_owned()),
        ("to", moved.place.clone()),
        ("key file", key_file.clone()),
        ("moved", if moved.before { "before" } else { "now" }.to_owned()),
        ("journal entries", moved.entries.to_string()),
    ];
    if !moved.before {
        people.push(("rows compared", rows.to_string()));
    }
    console.result(&result, &people)?;
    console.note(&format!(
        "Every server on the new database needs the key file {key_file}, and the list of what was \
         revoked that lies beside it. Keep copies of both."
    ));
    Ok(())
}

/// What is shown of each step, one after the other.
#[derive(Default)]
struct Bars {
    shown: Option<(&'static str, ProgressBar)>,
}

impl Bars {
    fn show(&mut self, step: Step) {
        let (what, done, all) = match step {
            Step::Proven(entries) => ("journal entries proven in the file", entries, None),
            Step::Copied(rows, all) => ("rows copied", rows, Some(all)),
            Step::Indexed(made, all) => ("indexes and references made", made, Some(all)),
            Step::Compared(rows, all) => ("rows compared", rows, Some(all)),
            Step::ProvenAgain(entries) => ("journal entries proven in the database", entries, None),
        };
        if self.shown.as_ref().is_none_or(|(shown, _)| *shown != what) {
            self.end();
            let bar = all.map_or_else(|| progress::counter(what), |all| progress::bar(all, what));
            self.shown = Some((what, bar));
        }
        if let Some((_, bar)) = &self.shown {
            if let Some(all) = all {
                bar.set_length(all);
            }
            bar.set_position(done);
        }
    }

    fn end(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish_and_clear();
        }
    }
}
