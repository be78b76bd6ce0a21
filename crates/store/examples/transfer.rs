//! How long a shop with a million leases takes to move from a SQLite file to PostgreSQL.
//!
//! `cargo run --release -p store --example transfer FOLDER postgresql://…/empty-database` fills a
//! file in the folder, if there is none, and moves it.

#![expect(clippy::unwrap_used, reason = "a measurement for people")]

#[allow(dead_code, reason = "extensions are measured elsewhere")]
mod measured;

use std::path::PathBuf;
use std::time::Instant;

use domain::time::Span;
use measured::{START, Shop};
use store::sqlite::{Create, Options, SqliteStore};
use store::transfer::{self, Step, Unsettled};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (folder, to) = (PathBuf::from(arguments.next().unwrap()), arguments.next().unwrap());
    let (path, key_file) = (folder.join("sublet.db"), folder.join("sublet.key"));
    if !path.exists() {
        let started = Instant::now();
        let options = Options {
            path: path.clone(),
            key_file: key_file.clone(),
            create: Create::IfMissing { sandbox: true },
            migrate: true,
            readers: 1,
        };
        drop(Shop::create(std::sync::Arc::new(SqliteStore::open(&options).unwrap())));
        println!("filled in {:.1?}", started.elapsed());
    }
    let unsettled = Unsettled { window: Span::HOUR, kept: Span::HOUR };
    let options = transfer::Options { from: path, key_file, to, unsettled, now: START };
    let started = Instant::now();
    let mut last = None;
    let moved = transfer::run(&options, &mut |step| {
        let what = match step {
            Step::Proven(_) => "proving",
            Step::Copied(..) => "copying",
            Step::Indexed(..) => "making indexes",
            Step::Compared(..) => "comparing",
            Step::ProvenAgain(_) => "proving again",
        };
        if last.replace(what) != Some(what) {
            println!("{:.1?}: {what}", started.elapsed());
        }
    });
    let rows: i64 = moved.unwrap().tables.iter().map(|table| table.rows).sum();
    println!("{:.1?}: {rows} rows have moved", started.elapsed());
}
