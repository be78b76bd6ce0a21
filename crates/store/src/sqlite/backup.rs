//! Copies of the books, made while work goes on.
//!
//! The pages are copied a few at a time by a connection that holds one read transaction all the
//! while. So the copy shows one moment, writers never wait for it, and it never starts over; without
//! the transaction it starts over with every commit, and never ends on a busy server. SQLite's
//! `VACUUM INTO` shows one moment too, but more than halves the rate of the writers meanwhile.
//!
//! Until the copy is complete the write-ahead log cannot be rewound, and grows.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Error, OpenError};
use crate::{Result, files};

/// Pages that are copied at a time; between two times `progress` is told.
const STEP_PAGES: i32 = 256;

/// How long another program may keep the database locked, as it does to recover it.
const LOCKED_MAX: Duration = Duration::from_secs(5);

/// What SQLite puts behind the name of a database for the files that belong to it.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Copies the database `source`, as it is at one moment, to the new file `to`, checks the copy and
/// makes it durable. `progress` is told pages done and pages in all.
///
/// `to` is there wholly or not at all. It is one file that needs no other.
pub(crate) fn backup(source: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    build(to, &mut |temporary| {
        copy(source, temporary, progress)?;
        let copied = Connection::open_with_flags(temporary, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(fault)?;
        check(&copied, temporary, "quick_check")
    })
}

/// Has a new database built under another name, and makes it durable under the name `to`.
pub(super) fn build(to: &Path, fill: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    refuse_database(to)?;
    let temporary = files::temporary(to);
    let result = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(files::PRIVATE)
        .open(&temporary)
        .map_err(|error| files::io(&temporary)(error).into())
        .and_then(|file| {
            fill(&temporary)?;
            file.sync_all().map_err(files::io(&temporary))?;
            refuse_database(to)?;
            Ok(files::put_in_place(&temporary, to)?)
        });
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
        for ending in COMPANIONS {
            let _ = std::fs::remove_file(files::beside(&temporary, ending));
        }
    }
    result
}

/// Copies the database `source`, as it is at one moment, into the empty file `to`.
pub(super) fn copy(source: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<()> {
    let from =
        Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fault)?;
    from.busy_timeout(LOCKED_MAX).map_err(fault)?;
    // The transaction begins with the first look.
    from.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;").map_err(|error| {
        if error.sqlite_error_code() != Some(ErrorCode::NotADatabase) {
            return fault(error);
        }
        let reason = "it is no SQLite database".to_owned();
        OpenError::NotOurs { path: source.to_path_buf(), reason }.into()
    })?;

    let mut into =
        Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fault)?;
    // The file gets its name when it is complete and synced; until then nothing can be lost.
    into.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;").map_err(fault)?;
    pages(&from, &mut into, progress)?;
    // A copy in WAL mode could not be read from a medium that cannot be written.
    into.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(fault)?;
    into.close().map_err(|(_, error)| fault(error))
}

fn pages(
    from: &Connection,
    into: &mut Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let backup = Backup::new(from, into).map_err(fault)?;
    loop {
        let result = backup.step(STEP_PAGES).map_err(fault)?;
        let state = backup.progress();
        let total = u64::try_from(state.pagecount).unwrap_or(0);
        progress(total.saturating_sub(u64::try_from(state.remaining).unwrap_or(0)), total);
        match result {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            // Nobody else has the new file, and the read transaction has its lock already.
            other => return Err(Error::Unavailable(format!("a copy met {other:?}").into())),
        }
    }
}

/// Has SQLite check a database, which is or comes from the file `path`. `quick_check` finds what is
/// no well-formed database, `integrity_check` also what is missing from an index.
pub(super) fn check(database: &Connection, path: &Path, pragma: &str) -> Result<()> {
    let found: String =
        database.pragma_query_value(None, pragma, |row| row.get(0)).map_err(fault)?;
    if found == "ok" {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.to_path_buf(), reason: found }.into())
}

/// Refuses if there is a database called `path`, or a file that SQLite would take for a part of it:
/// an old log would be played into a new database, and ruin it.
fn refuse_database(path: &Path) -> Result<()> {
    files::refuse_existing(path)?;
    for ending in COMPANIONS {
        files::refuse_existing(&files::beside(path, ending))?;
    }
    Ok(())
}

/// An error met while copying. The database itself is only read, so none says that its disk failed.
pub(super) fn fault(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full(error.into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen) => {
            Error::Unavailable(error.into())
        }
        _ => Error::Fault(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
    use std::time::Instant;

    use super::*;

    /// Each transaction adds one to either side, at places far apart in the file.
    #[test]
    fn a_copy_shows_one_moment_while_writes_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        let to = folder.path().join("copy.db");
        let mut writer = filled(&source);
        let (written, stop) = (AtomicI64::new(0), AtomicBool::new(false));
        let mut steps = 0;
        let (mut before, mut at_first_step) = (0, 0);

        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    transfer(&mut writer);
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
            let _stop = StopWhenDone(&stop);
            wait_for_more(&written);
            before = written.load(Ordering::SeqCst);
            let mut last = 0;
            backup(&source, &to, &mut |done, total| {
                assert!(last < done && done <= total, "{done} of {total} after {last}");
                last = done;
                if steps == 0 {
                    at_first_step = written.load(Ordering::SeqCst) + 1;
                }
                steps += 1;
                // A writer that waited for the copy would never get on.
                wait_for_more(&written);
            })
            .unwrap();
        });

        assert!(steps > 4, "{steps}");
        let copy = Connection::open(&to).unwrap();
        let (left, right) = sides(&copy);
        assert_eq!(left, right);
        assert!((before..=at_first_step).contains(&left), "{before} {left} {at_first_step}");
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, files::PRIVATE);
        let mode: String = copy.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
    }

    #[test]
    fn nothing_is_overwritten_and_no_old_log_joined() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        let _writer = filled(&source);
        for ending in ["", "-wal", "-journal"] {
            let to = folder.path().join(format!("copy{ending}.db"));
            let other = files::beside(&to, ending);
            std::fs::write(&other, "old").unwrap();

            let result = backup(&source, &to, &mut |_, _| {});

            assert!(
                matches!(&result, Err(Error::Open(OpenError::Exists(path))) if *path == other),
                "{result:?}"
            );
            assert_eq!(std::fs::read(&other).unwrap(), b"old");
        }
    }

    #[test]
    fn a_copy_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        drop(filled(&source));
        let mut bytes = std::fs::read(&source).unwrap();
        bytes[40_000..60_000].fill(0xaa);
        std::fs::write(&source, bytes).unwrap();

        let result = backup(&source, &folder.path().join("copy.db"), &mut |_, _| {});

        assert!(result.is_err());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert!(
            left.iter().all(|entry| entry.file_name().to_string_lossy().starts_with("source.db")),
            "{left:?}"
        );
    }

    #[test]
    fn a_missing_source_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source.db");
        assert!(backup(&source, &folder.path().join("copy.db"), &mut |_, _| {}).is_err());
        assert!(!source.exists());
    }

    /// Stops the writer also when an assertion fails.
    struct StopWhenDone<'a>(&'a AtomicBool);

    impl Drop for StopWhenDone<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn wait_for_more(written: &AtomicI64) {
        let seen = written.load(Ordering::SeqCst);
        let since = Instant::now();
        while written.load(Ordering::SeqCst) == seen {
            assert!(since.elapsed() < Duration::from_secs(30), "the writer does not get on");
            std::thread::yield_now();
        }
    }

    fn filled(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 CREATE TABLE side (id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, text TEXT);
                 WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < 4000)
                 INSERT INTO side SELECT n, 0, hex(randomblob(600)) FROM row;",
            )
            .unwrap();
        connection
    }

    fn transfer(connection: &mut Connection) {
        let tx = connection.transaction().unwrap();
        tx.execute("UPDATE side SET sum = sum + 1 WHERE id = 1", []).unwrap();
        tx.execute("UPDATE side SET sum = sum + 1 WHERE id = 4000", []).unwrap();
        tx.commit().unwrap();
    }

    fn sides(connection: &Connection) -> (i64, i64) {
        let side = |id: i64| {
            connection
                .query_row("SELECT sum FROM side WHERE id = ?1", [id], |row| row.get(0))
                .unwrap()
        };
        (side(1), side(4000))
    }
}
