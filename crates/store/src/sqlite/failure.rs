//! What SQLite's errors mean to the rest of the program.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::error::Error;

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        let Some(code) = error.sqlite_error().copied() else { return Error::Fault(error.into()) };
        match code.code {
            ErrorCode::DiskFull => Error::Full(error.into()),
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly => Error::Unavailable(error.into()),
            ErrorCode::SystemIoFailure => match code.extended_code {
                // The shared index of the log cannot grow: nothing of the books was touched.
                ffi::SQLITE_IOERR_SHMSIZE => Error::Full(error.into()),
                ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_COMMIT_ATOMIC => Error::Broken(error.into()),
                ffi::SQLITE_IOERR_LOCK
                | ffi::SQLITE_IOERR_SHMOPEN
                | ffi::SQLITE_IOERR_SHMLOCK
                | ffi::SQLITE_IOERR_SHMMAP => Error::Unavailable(error.into()),
                _ => Error::Fault(error.into()),
            },
            _ => Error::Fault(error.into()),
        }
    }
}

/// The error of a write that did not find the row that it was for.
pub(super) fn missing(row: &'static str, id: i64) -> Error {
    Error::Fault(format!("{row} {id} is not as it was read").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_can_be_done_about_them() {
        let meaning = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let text = format!("{:?}", Error::from(error));
            text.split('(').next().map(str::to_owned)
        };
        for (code, expected) in [
            (ffi::SQLITE_FULL, "Full"),
            (ffi::SQLITE_IOERR_SHMSIZE, "Full"),
            (ffi::SQLITE_BUSY, "Unavailable"),
            (ffi::SQLITE_BUSY_SNAPSHOT, "Unavailable"),
            (ffi::SQLITE_LOCKED, "Unavailable"),
            (ffi::SQLITE_CANTOPEN, "Unavailable"),
            (ffi::SQLITE_READONLY, "Unavailable"),
            (ffi::SQLITE_IOERR_FSYNC, "Broken"),
            (ffi::SQLITE_IOERR_WRITE, "Broken"),
            (ffi::SQLITE_IOERR_READ, "Fault"),
            (ffi::SQLITE_CONSTRAINT_CHECK, "Fault"),
            (ffi::SQLITE_CORRUPT, "Fault"),
        ] {
            assert_eq!(meaning(code).as_deref(), Some(expected), "{code}");
        }
    }
}
