//! What the books hold, seen without the product's help.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod file;
mod server;

use std::collections::BTreeMap;

use crate::database::Database;
use file::File;
use server::Server;

/// The database of a shop, for reading only.
#[derive(Debug)]
pub struct Books(Kept);

#[derive(Debug)]
enum Kept {
    InFile(File),
    ByServer(Server),
}

/// Everything that must not change when nothing was done: each table with its rows.
pub type State = BTreeMap<String, Vec<String>>;

/// What comes and goes by itself, and tells nobody what he has: remembered answers; and of many
/// servers on one database, which of them run, which numbers they have taken, and how far the journal
/// was numbered for readers.
const COMES_AND_GOES: [&str; 6] = ["answer", "server", "server_run", "number", "batch", "feed"];

impl Books {
    /// Opens them.
    #[track_caller]
    pub fn open(database: &Database) -> Books {
        Books::try_open(database).unwrap()
    }

    /// Opens them, if they are there.
    ///
    /// # Errors
    ///
    /// Why they cannot be opened.
    pub fn try_open(database: &Database) -> Result<Books, String> {
        Ok(Books(match database {
            Database::File(path) => Kept::InFile(File::open(path).map_err(|it| it.to_string())?),
            Database::Server { url, .. } => Kept::ByServer(Server::at(url)),
        }))
    }

    /// Everything, of one moment.
    #[track_caller]
    pub fn state(&self) -> State {
        match &self.0 {
            Kept::InFile(file) => file.state(),
            Kept::ByServer(server) => server.state(),
        }
    }

    /// The rows of a table as text.
    #[track_caller]
    pub fn rows(&self, table: &str) -> Vec<String> {
        match &self.0 {
            Kept::InFile(file) => file.rows(table),
            Kept::ByServer(server) => server.state().remove(table).unwrap(),
        }
    }

    /// What is in them beside the files of the shop, byte for byte, by the names of its places.
    #[track_caller]
    pub fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        match &self.0 {
            Kept::InFile(_) => vec![],
            Kept::ByServer(server) => server.bytes(),
        }
    }

    /// The goals of the orders behind the entry `after`, by the numbers of their entries.
    ///
    /// # Errors
    ///
    /// Why they cannot be read.
    pub fn goals(&self, after: i64) -> Result<BTreeMap<i64, String>, String> {
        match &self.0 {
            Kept::InFile(file) => file.goals(after).map_err(|error| error.to_string()),
            Kept::ByServer(server) => server.goals(after),
        }
    }

    /// Waits until nothing is on its way into them from a server that is gone.
    #[track_caller]
    pub fn settle(&self) {
        if let Kept::ByServer(server) = &self.0 {
            server.settle();
        }
    }
}

/// Asserts that nothing has changed, and says what has.
#[track_caller]
pub fn assert_same(before: &State, after: &State, what: &str) {
    for (table, rows) in before {
        let now = &after[table];
        let gone = rows.iter().find(|row| !now.contains(row));
        let came = now.iter().find(|row| !rows.contains(row));
        assert!(rows == now, "{what} has changed {table}: {gone:?} became {came:?}");
    }
    assert_eq!(before.len(), after.len(), "{what} has made a table");
}
