//! Settings without which acknowledged work could be lost.
//!
//! What is set is read back: SQLite keeps silent about a setting that it does not take.

use rusqlite::Connection;

use crate::Result;
use crate::error::OpenError;

/// Earlier versions can lose pages of the write-ahead log when two processes reset it at once.
const VERSION_MIN: i32 = 3_051_003;

/// The largest file that is checked whole at every start. Larger ones would make every start wait;
/// of them the tables that hold money and counters are checked, and the rest by their copies.
const CHECKED_BYTES_MAX: i64 = 64 << 20;

/// The tables that are checked in a file of any size. They grow with the number of customers only.
const ESSENTIAL: [&str; 5] = ["installation", "state", "catalogue", "customer", "wallet"];

/// Asks SQLite for durability, in a database that may be changed.
pub(super) fn set(connection: &Connection) -> Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Refuses a connection that does not have it.
pub(super) fn check(connection: &Connection) -> Result<()> {
    let demand = |holds: bool, complaint: &str| {
        if holds { Ok(()) } else { Err(OpenError::Unsafe(complaint.to_owned())) }
    };
    let version = rusqlite::version_number();
    demand(
        VERSION_MIN <= version,
        &format!("SQLite {} can corrupt a database that several use", rusqlite::version()),
    )?;
    for option in options(connection)? {
        let weak = ["NO_SYNC", "OMIT_WAL", "THREADSAFE=0"].contains(&option.as_str());
        demand(!weak, &format!("SQLite was built with {option}"))?;
    }
    let journal: String = connection.pragma_query_value(None, "journal_mode", |it| it.get(0))?;
    demand(journal == "wal", &format!("the journal mode is {journal} instead of wal"))?;
    demand(2 <= number(connection, "synchronous")?, "commits do not wait for the disk")?;
    demand(number(connection, "foreign_keys")? == 1, "foreign keys are not enforced")?;
    demand(
        number(connection, "ignore_check_constraints")? == 0,
        "constraints of the database are not enforced",
    )?;
    Ok(())
}

/// Refuses a database whose pages do not fit together.
pub(super) fn check_pages(connection: &Connection) -> Result<()> {
    let bytes = number(connection, "page_count")? * number(connection, "page_size")?;
    if bytes <= CHECKED_BYTES_MAX {
        return verdict(connection.pragma_query_value(None, "quick_check", |it| it.get(0))?);
    }
    for table in ESSENTIAL {
        let found = connection.query_row(
            "SELECT quick_check FROM pragma_quick_check(?1)",
            [table],
            |it| it.get(0),
        )?;
        verdict(found)?;
    }
    Ok(())
}

fn verdict(found: String) -> Result<()> {
    if found == "ok" {
        return Ok(());
    }
    Err(OpenError::Unsafe(format!("the database is damaged: {found}")).into())
}

fn number(connection: &Connection, pragma: &str) -> Result<i64> {
    Ok(connection.pragma_query_value(None, pragma, |row| row.get(0))?)
}

fn options(connection: &Connection) -> Result<Vec<String>> {
    let mut options = Vec::new();
    connection.pragma_query(None, "compile_options", |row| {
        options.push(row.get(0)?);
        Ok(())
    })?;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a connection that was set up and then got `weakness` is refused.
    #[track_caller]
    fn check_with(weakness: &str, complaint: &str) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("books.db")).unwrap();
        set(&connection).unwrap();
        check(&connection).unwrap();
        connection.execute_batch(weakness).unwrap();
        let error = check(&connection).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }

    #[test]
    fn weak_settings_are_refused() {
        check_with("PRAGMA synchronous = NORMAL", "wait for the disk");
        check_with("PRAGMA synchronous = OFF", "wait for the disk");
        check_with("PRAGMA journal_mode = DELETE", "journal mode is delete");
        check_with("PRAGMA foreign_keys = OFF", "foreign keys");
        check_with("PRAGMA ignore_check_constraints = ON", "constraints");
    }

    #[test]
    fn a_database_in_memory_is_refused() {
        let connection = Connection::open_in_memory().unwrap();
        set(&connection).unwrap();
        assert!(matches!(check(&connection), Err(crate::error::Error::Open(OpenError::Unsafe(_)))));
    }
}
