//! Transactions.

use rusqlite::Connection;

use super::statements::statements;
use crate::Result;

statements! {
    READ = "BEGIN";
    WRITE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
}

/// Whether what was done is kept.
pub(super) enum Ending<T> {
    /// It is, before this is answered.
    Commit(T),
    /// It is not, because there is nothing to keep.
    Rollback(T),
}

/// Runs `read`, which sees the books at one moment.
pub(super) fn reading<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    run(connection, READ, |connection| read(connection).map(Ending::Rollback))
}

/// Runs `write` while nobody else writes, and commits. If it fails, it has done nothing.
pub(super) fn writing<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    deciding(connection, |connection| write(connection).map(Ending::Commit))
}

/// The same, but what is done says itself whether it is to be kept.
pub(super) fn deciding<T>(
    connection: &Connection,
    decide: impl FnOnce(&Connection) -> Result<Ending<T>>,
) -> Result<T> {
    run(connection, WRITE, decide)
}

/// A transaction that is rolled back unless it was committed, also by a panic.
struct Open<'c>(&'c Connection);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            // If even this fails, the next transaction cannot begin, and says so.
            let _ = self.0.prepare_cached(ROLLBACK).and_then(|mut it| it.execute([]));
        }
    }
}

fn run<T>(
    connection: &Connection,
    begin: &str,
    run: impl FnOnce(&Connection) -> Result<Ending<T>>,
) -> Result<T> {
    connection.prepare_cached(begin)?.execute([])?;
    let open = Open(connection);
    let done = run(connection)?;
    match done {
        Ending::Commit(done) => {
            connection.prepare_cached(COMMIT)?.execute([])?;
            Ok(done)
        }
        Ending::Rollback(done) => {
            drop(open);
            Ok(done)
        }
    }
}
