//! Books that are a SQLite file.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::{COMES_AND_GOES, State};

/// A mark of how far answers are known to have arrived, moved in quiet moments.
const QUIET: &str = "quiet_entry";

/// The file.
#[derive(Debug)]
pub(super) struct File {
    connection: Connection,
}

impl File {
    pub(super) fn open(path: &Path) -> rusqlite::Result<File> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(File { connection })
    }

    pub(super) fn state(&self) -> State {
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

    /// In the order of their first columns.
    pub(super) fn rows(&self, table: &str) -> Vec<String> {
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

    pub(super) fn goals(&self, after: i64) -> rusqlite::Result<BTreeMap<i64, String>> {
        let mut statement = self.connection.prepare(
            "SELECT entry.id, goal FROM entry
             JOIN customer_order ON customer_order.id = json_extract(body, '$.event.order')
             WHERE kind = 'order' AND entry.id > ?1",
        )?;
        statement.query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }
}
