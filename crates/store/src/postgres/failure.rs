//! What PostgreSQL's errors mean to the rest of the program.

use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::error::Error;

/// The database has not answered in time.
#[derive(Debug, thiserror::Error)]
#[error("the database has not answered for {} seconds", .0.as_secs())]
struct Silent(Duration);

/// The error of an answer that did not come within `patience`.
pub(super) fn silent(patience: Duration) -> Error {
    Error::Unavailable(Box::new(Silent(patience)))
}

/// The connection was lost, and what was being committed with it.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost, and nothing was committed")]
struct NotCommitted;

/// The error of a commit that was found not to have been done.
pub(super) fn not_committed() -> Error {
    Error::Unavailable(Box::new(NotCommitted))
}

/// Others have taken this server for gone, or it runs anew elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("this server was taken for gone")]
struct Over;

/// The error of a batch of a run that is over.
pub(super) fn over() -> Error {
    Error::Unavailable(Box::new(Over))
}

/// Whether the run is over, so that another has to begin.
pub(super) fn is_over(error: &Error) -> bool {
    matches!(error, Error::Unavailable(source) if source.is::<Over>())
}

/// The error of a write that did not find the row that it was for.
pub(super) fn missing(row: &'static str, id: i64) -> Error {
    Error::Fault(format!("{row} {id} is not as it was read").into())
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        match error.code() {
            Some(&SqlState::DISK_FULL) => Error::Full(error.into()),
            Some(code) if is_passing(code) => Error::Unavailable(error.into()),
            Some(_) => Error::Fault(error.into()),
            None if is_about_the_connection(&error) => Error::Unavailable(error.into()),
            None => Error::Fault(error.into()),
        }
    }
}

/// Whether the same may work later, or on another server.
fn is_passing(code: &SqlState) -> bool {
    is_conflict(code)
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || *code == SqlState::QUERY_CANCELED
        || *code == SqlState::IO_ERROR
        // Connections, resources, what operators do, and who is let in.
        || ["08", "28", "3D", "53", "57P"].iter().any(|class| code.code().starts_with(class))
}

/// Whether two transactions were in each other's way.
fn is_conflict(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
        || *code == SqlState::LOCK_NOT_AVAILABLE
}

fn is_about_the_connection(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    error.is_closed() || source.is_some_and(|source| source.is::<std::io::Error>())
}

/// Whether the transaction failed only because of another, and may be run again.
pub(super) fn is_in_the_way(error: &Error) -> bool {
    let (Error::Unavailable(source) | Error::Fault(source)) = error else { return false };
    let error = source.downcast_ref::<tokio_postgres::Error>();
    error.and_then(tokio_postgres::Error::code).is_some_and(|code| {
        // Two have made the same at the same moment.
        is_conflict(code)
            || *code == SqlState::UNIQUE_VIOLATION
            || *code == SqlState::DUPLICATE_TABLE
            || *code == SqlState::DUPLICATE_OBJECT
    })
}

/// Whether the connection is gone, or nobody answers on it.
fn is_lost(error: &Error) -> bool {
    let Error::Unavailable(source) = error else { return false };
    source.is::<Silent>() || is_closed(error)
}

/// Whether the connection is gone, with all that was done on it, so that another may do better.
pub(super) fn is_closed(error: &Error) -> bool {
    let Error::Unavailable(source) = error else { return false };
    if source.is::<NotCommitted>() {
        return true;
    }
    let Some(error) = source.downcast_ref::<tokio_postgres::Error>() else { return false };
    match error.code() {
        Some(code) => {
            *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                || ["08", "57P"].iter().any(|class| code.code().starts_with(class))
        }
        None => true,
    }
}

/// The error of a commit: if the connection was lost, nobody can tell whether it was done.
pub(super) fn unknown(error: Error) -> Error {
    let lost = is_lost(&error);
    match error {
        Error::Unavailable(source) if lost => Error::OutcomeUnknown(source),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_can_be_done_about_them() {
        for (code, passing, conflict) in [
            (SqlState::T_R_SERIALIZATION_FAILURE, true, true),
            (SqlState::T_R_DEADLOCK_DETECTED, true, true),
            (SqlState::LOCK_NOT_AVAILABLE, true, true),
            (SqlState::ADMIN_SHUTDOWN, true, false),
            (SqlState::CANNOT_CONNECT_NOW, true, false),
            (SqlState::CONNECTION_FAILURE, true, false),
            (SqlState::TOO_MANY_CONNECTIONS, true, false),
            (SqlState::READ_ONLY_SQL_TRANSACTION, true, false),
            (SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, true, false),
            (SqlState::QUERY_CANCELED, true, false),
            (SqlState::CHECK_VIOLATION, false, false),
            (SqlState::UNDEFINED_TABLE, false, false),
            (SqlState::DATA_CORRUPTED, false, false),
        ] {
            assert_eq!((is_passing(&code), is_conflict(&code)), (passing, conflict), "{code:?}");
        }
    }

    #[test]
    fn what_was_never_answered_may_have_been_done() {
        let lost = silent(Duration::from_secs(1));
        assert!(is_lost(&lost) && !is_closed(&lost), "it may still be at work");
        assert!(matches!(unknown(lost), Error::OutcomeUnknown(_)));
        assert!(is_closed(&not_committed()));
        assert!(matches!(unknown(missing("wallet", 7)), Error::Fault(_)));
    }
}
