//! What is on the disk, seen without the product's help.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// The database of a shop, for reading only.
#[derive(Debug)]
pub struct Books {
    connection: Connection,
}

/// Everything that must not change when nothing was done: each table with its rows.
pub type State = BTreeMap<String, Vec<String>>;

/// Remembered answers come and go by themselves, and tell nobody what he has.
const COMES_AND_GOES: [&str; 1] = ["answer"];

/// A mark of how far answers are known to have arrived, moved in quiet moments.
const QUIET: &str = "quiet_entry";

impl Books {
    /// Opens them.
    #[track_caller]
    pub fn open(database: &Path) -> Books {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        Books { connection }
    }

    /// Everything, of one moment.
    #[track_caller]
    pub fn state(&self) -> State {
        self.connection.execute_batch("BEGIN").unwrap();
        let mut tables = self
            .connection
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables: Vec<String> =
            tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let tables = tables.into_iter().filter(|table| !COMES_AND_GOES.contains(&table.as_str()));
        let state = tables.map(|table| (table.clone(), self.rows(&table))).collect();
        self.connection.execute_batch("COMMIT").unwrap();
        state
    }

    /// The rows of a table as text, in the order of their first columns.
    #[track_caller]
    pub fn rows(&self, table: &str) -> Vec<String> {
        let mut statement =
            self.connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([]).unwrap();
        let mut texts = vec![];
        while let Some(row) = rows.next().unwrap() {
            let mut text = String::new();
            for (index, name) in names.iter().enumerate() {
                if name != QUIET {
                    let value: Value = row.get(index).unwrap();
                    text.push_str(&format!("{name}={value:?} "));
                }
            }
            texts.push(text);
        }
        texts
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
