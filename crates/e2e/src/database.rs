//! Where the books of a shop are kept: in a file, or by a PostgreSQL server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::postgres::{Postgres, database_of};

/// Says which engine the tests use: `sqlite`, as is usual, or `postgres`.
const STORE: &str = "SUBLET_TEST_STORE";

/// Where the books of a shop are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In a file, with the key to their secrets beside it.
    File(PathBuf),
    /// By a PostgreSQL server.
    Server {
        /// How it is reached.
        url: String,
        /// The key to their secrets.
        key_file: PathBuf,
    },
}

/// What keeps books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A library within the program.
    Sqlite,
    /// A server beside it.
    Postgres,
}

impl Engine {
    /// The one that the tests use, as `SUBLET_TEST_STORE` says.
    ///
    /// # Panics
    ///
    /// It says something else.
    pub fn of_the_tests() -> Engine {
        match std::env::var(STORE).as_deref() {
            Err(_) | Ok("" | "sqlite") => Engine::Sqlite,
            Ok("postgres") => Engine::Postgres,
            Ok(other) => panic!("{STORE} is sqlite or postgres, and not {other}"),
        }
    }
}

impl Database {
    /// A new database of a shop that has everything else in `folder`.
    #[track_caller]
    pub fn new(engine: Engine, folder: &Path) -> Database {
        match engine {
            Engine::Sqlite => Database::in_folder(folder),
            Engine::Postgres => Database::at(Postgres::shared().new_database(), folder),
        }
    }

    /// The file of a shop in `folder`.
    pub fn in_folder(folder: &Path) -> Database {
        Database::File(folder.join("sublet.db"))
    }

    /// The database at `url`, of a shop that has everything else in `folder`.
    pub fn at(url: String, folder: &Path) -> Database {
        Database::Server { url, key_file: folder.join("sublet.key") }
    }

    /// The same database, reached at another URL.
    #[must_use]
    pub fn reached_at(&self, url: &str) -> Database {
        match self {
            Database::File(_) => panic!("a file has no URL"),
            Database::Server { key_file, .. } => {
                Database::Server { url: url.to_owned(), key_file: key_file.clone() }
            }
        }
    }

    /// A copy of a database of the shared server that nobody uses, of a shop that has everything else
    /// in `folder`. A file must have been copied there with the folder.
    #[track_caller]
    pub fn copied(&self, folder: &Path) -> Database {
        match self {
            Database::File(_) => Database::in_folder(folder),
            Database::Server { url, .. } => {
                Database::at(Postgres::shared().copied_database(database_of(url)), folder)
            }
        }
    }

    /// The file, of books that are in one.
    ///
    /// # Panics
    ///
    /// A server has them.
    #[track_caller]
    pub fn file(&self) -> &Path {
        match self {
            Database::File(path) => path,
            Database::Server { .. } => panic!("the books are not in a file"),
        }
    }

    /// What a command line is told of it.
    pub fn words(&self) -> Vec<OsString> {
        match self {
            Database::File(path) => {
                let mut url = OsString::from("sqlite:");
                url.push(path);
                vec!["--database".into(), url]
            }
            Database::Server { url, key_file } => {
                vec!["--database".into(), url.into(), "--key-file".into(), key_file.into()]
            }
        }
    }
}
