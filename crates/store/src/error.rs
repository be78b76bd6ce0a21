//! What the world can do to a database.

use std::path::PathBuf;

/// Why a store could not do what it was asked. Nothing was done, but for
/// [`Error::OutcomeUnknown`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no room on the disk.
    #[error("the disk is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database is not there, or busy for too long.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection was lost while a commit was under way.
    #[error("the outcome of a commit is not known")]
    OutcomeUnknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk failed to keep what was written. The state of its pages is not known any more: the
    /// process must end, and start anew from what is durable.
    #[error("the disk failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A column holds what this version never writes.
    #[error("{column} holds {value:?}")]
    Corrupt {
        /// The table and column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// The text of a catalogue cannot be used.
    #[error(transparent)]
    Catalogue(#[from] crate::catalogue_file::Invalid),
    /// The database cannot be opened as it is.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Books cannot be moved as they are.
    #[error(transparent)]
    Unmoved(#[from] crate::transfer::Unmoved),
    /// Anything else that broke.
    #[error("the database failed")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a database cannot be opened. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no database.
    #[error("there is no database at {0}; `sublet init` makes one")]
    Missing(PathBuf),
    /// The key file of an existing database is missing.
    #[error(
        "the key file {key_file} of the database {database} is missing; proxy passwords cannot be \
         read without it. Put it back from where it is kept safe, or name it with --key-file"
    )]
    KeyFileMissing {
        /// Where it was looked for.
        key_file: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// The key file is not the one the database was made with.
    #[error("the key file {0} does not belong to this database, or is damaged")]
    KeyFileWrong(PathBuf),
    /// The database was written by a later version.
    #[error("the database has version {found}, this program knows {known}; use a newer program")]
    TooNew {
        /// What it has.
        found: i64,
        /// What is known here.
        known: i64,
    },
    /// The database was written by an earlier version and may not be changed now.
    #[error("the database has version {found} and must be migrated to {known}; `sublet init` does")]
    TooOld {
        /// What it has.
        found: i64,
        /// What is known here.
        known: i64,
    },
    /// The database must be migrated, and servers of earlier versions could not go on with it.
    #[error(
        "the database must be migrated to version {needed}, with which these servers of an earlier \
         version cannot go on: stop them first ({servers})"
    )]
    InUse {
        /// Their names.
        servers: String,
        /// The version that they cannot go on with.
        needed: i64,
    },
    /// The books that were in it are elsewhere now.
    #[error("the books in {database} have moved to {place}, and go on there: name that database")]
    Moved {
        /// Where they were.
        database: PathBuf,
        /// Where they are, without what opens it.
        place: String,
    },
    /// Books are being moved into it, and are not all there yet.
    #[error(
        "the books of {from} are being moved to {database} and are not all there; \
         `sublet migrate --from sqlite:{from} --to` and its URL goes on with that"
    )]
    Moving {
        /// Where they are to be.
        database: PathBuf,
        /// Where they come from.
        from: String,
    },
    /// A setting would let acknowledged work be lost.
    #[error("refusing to start: {0}")]
    Unsafe(String),
    /// The URL of a database says nothing that can be done.
    #[error("the URL of the database cannot be used: {0}")]
    BadUrl(String),
    /// It is no database of ours.
    #[error("{path} is not a database of Sublet: {reason}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of ours does not hold what was written to it.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is already where something is to be made.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
