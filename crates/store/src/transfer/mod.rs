//! Moving a whole installation from a SQLite file to PostgreSQL.
//!
//! Nobody else has the file meanwhile, and nobody can use the database before all of it is there:
//!
//! 1. The file is taken, its books are proven, and the database is kept for them.
//! 2. Its tables are copied, each in a transaction of its own.
//! 3. The database makes its indexes and references.
//! 4. Every table is read again and compared with what it was, by a digest of all its rows; and the
//!    books are proven once more where they are now.
//! 5. The file notes that its books have moved. From here on nobody can use either.
//! 6. The database lets everybody in.
//!
//! Whoever is interrupted does the same again: what is there and still as it is in the file stays.

mod stream;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::time::{Span, Time};

use crate::Result;
use crate::audit::Report;
use crate::error::{Error, OpenError};
use crate::postgres::{Arriving, Begun};
use crate::sqlite::Leaving;

pub(crate) use stream::Sum;
pub(crate) use tables::{TABLES, Table};

/// Why books are not moved. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Unmoved {
    /// Somebody else works on the file.
    #[error("another program has {0} open; stop the server and whatever else uses it first")]
    InUse(PathBuf),
    /// There are other books where these are to be.
    #[error("there are books in {0} already; name an empty database")]
    Occupied(String),
    /// The books have moved, and are not where they have moved to.
    #[error("the books have moved to {0}, and are not there; it must be restored from its backup")]
    Lost(String),
    /// Somebody else has begun to do the same later.
    #[error("another `sublet migrate` has begun and goes on with this")]
    TakenOver,
    /// The key file does not open what is sealed.
    #[error("{0} cannot be opened with the key file; it is damaged")]
    Sealed(String),
    /// The books are wrong.
    #[error("the books in {place} are wrong in {count} places; `sublet audit` says where")]
    Unsound {
        /// Where they are.
        place: String,
        /// In how many places.
        count: usize,
    },
    /// What has come is not what was sent.
    #[error(
        "{what} is not in {place} as it was sent; nothing can use what is there, and the same \
         command sends all of it again"
    )]
    Differs {
        /// What is different.
        what: String,
        /// Where.
        place: String,
    },
}

/// What is moved.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Where it is.
    pub(crate) place: String,
    /// What the installation is known by.
    pub(crate) id_key: [u8; 16],
    /// Whether it is a sandbox.
    pub(crate) sandbox: bool,
}

/// What is to be remembered of a server that has ended uncleanly; see
/// [`crate::Store::note_start`].
#[derive(Clone, Copy, Debug)]
pub struct Unsettled {
    /// Spends this shortly before the end may not have been answered.
    pub window: Span,
    /// For how long they are remembered.
    pub kept: Span,
}

/// What is moved where.
#[derive(Clone)]
pub struct Options {
    /// The SQLite file.
    pub from: PathBuf,
    /// The file with the key of its secrets, which stays where it is.
    pub key_file: PathBuf,
    /// The URL of the PostgreSQL database, in which nothing may be yet.
    pub to: String,
    /// What the last server may have left behind.
    pub unsettled: Unsettled,
    /// The true time.
    pub now: Time,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many entries of the journal were proven where the books are.
    Proven(u64),
    /// So many rows have been copied, of so many.
    Copied(u64, u64),
    /// So many indexes and references were made, of so many.
    Indexed(u64, u64),
    /// So many rows were compared, of so many.
    Compared(u64, u64),
    /// So many entries of the journal were proven where the books are now.
    ProvenAgain(u64),
}

/// What has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it is now, without what opens it.
    pub place: String,
    /// Whether it had all been done before.
    pub before: bool,
    /// The tables, with what each is like on either side.
    pub tables: Vec<MovedTable>,
    /// The money in all wallets in minor units, by currency.
    pub balances: Vec<(String, i64)>,
    /// How many entries of the journal prove the books.
    pub entries: u64,
}

/// A table that has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: i64,
    /// The SHA-256 of all its rows.
    pub digest: [u8; 32],
}

/// The money in all wallets of a SQLite file, by currency.
const BALANCES: &str = "SELECT customer.currency, SUM(wallet.balance_minor)
    FROM wallet JOIN customer ON customer.id = wallet.customer_id
    GROUP BY customer.currency ORDER BY customer.currency";

/// Moves an installation. It may be interrupted at any moment and done again.
pub fn run(options: &Options, progress: &mut dyn FnMut(Step)) -> Result<Moved> {
    let arriving = Arriving::at(&options.to)?;
    let leaving = Leaving::begin(options)?;
    let place = arriving.place().to_owned();
    let gone = leaving.gone_to().is_some();
    if let Some(other) = leaving.gone_to().filter(|other| *other != place) {
        let (database, place) = (options.from.clone(), other.to_owned());
        return Err(OpenError::Moved { database, place }.into());
    }
    let entries = proven(
        &leaving.origin().place,
        leaving.audit(&mut |entries| progress(Step::Proven(entries)))?,
    )?;
    let balances = balances(&leaving)?;
    if arriving.begin(leaving.origin(), gone)? == Begun::Complete {
        return Ok(Moved { place, before: true, tables: vec![], balances, entries });
    }
    copy(&leaving, &arriving, progress)?;
    arriving.complete(&mut |made, all| progress(Step::Indexed(made, all)))?;
    let tables = compare(&arriving, &balances, progress)?;
    if !gone {
        leaving.leave(&place, options.now)?;
    }
    arriving.finish()?;
    Ok(Moved { place, before: false, tables, balances, entries })
}

/// How many entries prove the books, if they do.
fn proven(place: &str, report: Report) -> Result<u64> {
    match report.violations.len() {
        0 => Ok(report.entries),
        count => Err(Unmoved::Unsound { place: place.to_owned(), count }.into()),
    }
}

fn balances(leaving: &Leaving) -> Result<Vec<(String, i64)>> {
    let mut balances = Vec::new();
    leaving.rows(BALANCES, |row| {
        balances.push((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    Ok(balances)
}

/// Copies every table that is not there yet. If one that is there is not as it is in the file any
/// more, somebody has gone on with the file meanwhile, and everything is copied anew.
fn copy(leaving: &Leaving, arriving: &Arriving, progress: &mut dyn FnMut(Step)) -> Result<()> {
    let all = rows(leaving)?;
    let mut done = 0;
    let mut count = |rows| {
        done += rows;
        progress(Step::Copied(done, all));
    };
    let mut here = arriving.parts()?;
    for table in TABLES {
        let Some(part) = here.get(table.name) else { continue };
        if stream::read(leaving, table, &mut |_| Ok(()), &mut count)? != *part {
            arriving.start_anew(TABLES)?;
            here.clear();
            break;
        }
    }
    for table in TABLES.iter().filter(|table| !here.contains_key(table.name)) {
        arriving.fill(table, |send| stream::read(leaving, table, send, &mut count))?;
    }
    Ok(())
}

/// How many rows there are to copy. Batches are not counted; they are few.
fn rows(leaving: &Leaving) -> Result<u64> {
    let mut all = 0_i64;
    for table in TABLES.iter().filter(|table| table.is_there()) {
        leaving.rows(&format!("SELECT COUNT(*) FROM {}", table.name), |row| {
            all += row.get::<_, i64>(0)?;
            Ok(())
        })?;
    }
    Ok(all.unsigned_abs())
}

/// Compares what has come with what was sent, and proves the books where they are now.
fn compare(
    arriving: &Arriving,
    balances: &[(String, i64)],
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<MovedTable>> {
    let parts = arriving.parts()?;
    let compared = arriving.look(|here| {
        let differs = |what: String| {
            let place = arriving.place().to_owned();
            Error::from(Unmoved::Differs { what, place })
        };
        let tables = compare_tables(&parts, |table| here.sum(table), &differs, progress)?;
        if here.balances()? != balances {
            return Err(differs("the money in the wallets".to_owned()));
        }
        let report = here.audit(&mut |entries| progress(Step::ProvenAgain(entries)))?;
        proven(arriving.place(), report)?;
        Ok(tables)
    });
    if matches!(compared, Err(Error::Unmoved(_))) {
        // The same command sends everything again.
        arriving.start_anew(TABLES)?;
    }
    compared
}

fn compare_tables(
    parts: &BTreeMap<String, Sum>,
    sum: impl Fn(&Table) -> Result<Sum>,
    differs: &dyn Fn(String) -> Error,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<MovedTable>> {
    let all: i64 = parts.values().map(|part| part.count).sum();
    let mut compared = 0;
    let mut tables = Vec::new();
    for table in TABLES {
        let here = sum(table)?;
        if parts.get(table.name) != Some(&here) {
            return Err(differs(format!("the table {}", table.name)));
        }
        compared += here.count;
        progress(Step::Compared(compared.unsigned_abs(), all.unsigned_abs()));
        tables.push(MovedTable { name: table.name, rows: here.count, digest: here.digest });
    }
    Ok(tables)
}
