//! A program that writes each line it is given into a database, and says `ok` when it is there, or
//! `error` and why it is not. The power-cut tests are tried on it, with settings that keep what it
//! says and others that do not.
//!
//! Its arguments are the database and SQLite's `synchronous`.

use std::io::{BufRead as _, Write as _};

use rusqlite::Connection;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(synchronous)) = (arguments.next(), arguments.next()) else {
        return Err("usage: power-cut-victim DATABASE SYNCHRONOUS".into());
    };
    let mut database = Connection::open(path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", synchronous)?;
    // Small, so that a short run has checkpoints.
    database.pragma_update(None, "wal_autocheckpoint", 20)?;
    database.execute_batch(
        "CREATE TABLE IF NOT EXISTS line (text TEXT NOT NULL PRIMARY KEY, filler TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS total (lines INTEGER NOT NULL);
         INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT * FROM total);",
    )?;

    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        match insert(&mut database, &line?) {
            Ok(()) => writeln!(answers, "ok")?,
            Err(error) => writeln!(answers, "error {error}")?,
        }
        answers.flush()?;
    }
    Ok(())
}

fn insert(database: &mut Connection, line: &str) -> rusqlite::Result<()> {
    let tx = database.transaction()?;
    tx.execute("INSERT INTO line VALUES (?1, hex(randomblob(900)))", [line])?;
    tx.execute("UPDATE total SET lines = lines + 1", [])?;
    tx.commit()
}
