//! Which database, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::Store;
use store::postgres::{self, PostgresStore};
use store::records::Create;
use store::sqlite::{self, SqliteStore};

use crate::problem::Problem;

/// How many connections a server reads with.
const SERVING_READERS: usize = 4;

/// What commands are called among the servers of a PostgreSQL database.
const COMMAND_LINE: &str = "command line";

/// Which database is worked on, and where the key to its secrets is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    place: Place,
    key_file: PathBuf,
}

/// Where the books are kept.
#[derive(Clone, PartialEq, Eq)]
enum Place {
    /// In a file of SQLite's.
    File(PathBuf),
    /// With a PostgreSQL server.
    Server {
        /// Where, with what opens it.
        url: String,
        /// Where, for people.
        shown: String,
    },
}

/// Shows no password.
impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::File(path) => path.fmt(f),
            Place::Server { shown, .. } => shown.fmt(f),
        }
    }
}

/// As what a database is opened.
enum As<'n> {
    /// For one command.
    Command,
    /// For a server with this name.
    Server(&'n str),
}

impl Database {
    /// The database if none is named.
    pub(crate) const USUAL: &'static str = "sqlite:sublet-data/sublet.db";

    /// Reads `sqlite:PATH` or `postgres://…`. Unless it is named, the key file is `sublet.key`
    /// beside the file, or in the folder where a file would be.
    pub(crate) fn parse(url: &str, key_file: Option<PathBuf>) -> Result<Database, Problem> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let shown = postgres::shown(url)
                .map_err(|error| Problem::usage(format!("--database: {error}")))?;
            let key_file = key_file.unwrap_or_else(|| PathBuf::from("sublet-data/sublet.key"));
            return Ok(Database { place: Place::Server { url: url.to_owned(), shown }, key_file });
        }
        let says = |says: &str| Problem::usage(format!("--database {url}: {says}"));
        let Some(path) = url.strip_prefix("sqlite:") else {
            let hint = format!("write it like {}, or postgres://HOST/DATABASE", Self::USUAL);
            return Err(says("no such kind of database").hint(hint));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || path.ends_with('/') {
            return Err(says("a file is expected").hint(format!("write it like {}", Self::USUAL)));
        }
        let path = PathBuf::from(path);
        let key_file = key_file.unwrap_or_else(|| path.with_file_name("sublet.key"));
        Ok(Database { place: Place::File(path), key_file })
    }

    /// Where it is, for people.
    pub(crate) fn shown(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Server { shown, .. } => shown.clone(),
        }
    }

    /// The file of the books, if it is a file of ours that they are in.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Server { .. } => None,
        }
    }

    /// The URL of the server's database, with what opens it, if a server has them.
    pub(crate) fn url(&self) -> Option<&str> {
        match &self.place {
            Place::File(_) => None,
            Place::Server { url, .. } => Some(url),
        }
    }

    /// The file of the key to their secrets.
    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// The folder of what a gateway keeps beside the books.
    pub(crate) fn gateway_folder(&self) -> PathBuf {
        self.file().unwrap_or(&self.key_file).with_file_name("gateway")
    }

    /// The database in this file, with its key file beside it.
    pub(crate) fn in_file(path: PathBuf) -> Database {
        let key_file = path.with_file_name("sublet.key");
        Database { place: Place::File(path), key_file }
    }

    /// The same database with its key file in `folder`.
    pub(crate) fn with_key_in(&self, folder: &Path) -> Database {
        Database { place: self.place.clone(), key_file: folder.join("sublet.key") }
    }

    /// Whether anything has been made there.
    pub(crate) fn exists(&self) -> Result<bool, Problem> {
        match &self.place {
            Place::File(path) => Ok(path.exists()),
            Place::Server { url, .. } => Ok(postgres::exists(url)?),
        }
    }

    /// Opens a database that is there, for a command: one that is not up to date is left alone.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, Problem> {
        self.opened(Create::Never, false, &As::Command)
    }

    /// Makes the database, or brings it up to date.
    pub(crate) fn make(&self, sandbox: bool) -> Result<Arc<dyn Store>, Problem> {
        self.opened(Create::IfMissing { sandbox }, true, &As::Command)
    }

    /// Opens the database for the server that is called `name`: makes it or brings it up to date,
    /// unless it is to be left as it is. What is made is a sandbox if that is asked for.
    pub(crate) fn open_to_serve(
        &self,
        migrate: bool,
        sandbox: bool,
        name: &str,
    ) -> Result<Arc<dyn Store>, Problem> {
        let create = if migrate { Create::IfMissing { sandbox } } else { Create::Never };
        self.opened(create, migrate, &As::Server(name))
    }

    fn opened(
        &self,
        create: Create,
        migrate: bool,
        role: &As<'_>,
    ) -> Result<Arc<dyn Store>, Problem> {
        let (readers, name) = match role {
            As::Command => (1, COMMAND_LINE),
            As::Server(name) => (SERVING_READERS, *name),
        };
        let key_file = self.key_file.clone();
        match &self.place {
            Place::File(path) => {
                let path = path.clone();
                let options = sqlite::Options { path, key_file, create, migrate, readers };
                Ok(Arc::new(SqliteStore::open(&options)?))
            }
            Place::Server { url, .. } => {
                let (url, server) = (url.clone(), name.to_owned());
                let options = postgres::Options { url, key_file, create, migrate, readers, server };
                Ok(Arc::new(PostgresStore::open(&options)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_file() {
        for (url, path) in [
            ("sqlite:sublet-data/sublet.db", "sublet-data/sublet.db"),
            ("sqlite:/srv/books.db", "/srv/books.db"),
            ("sqlite:///srv/books.db", "/srv/books.db"),
            ("sqlite://books.db", "books.db"),
        ] {
            assert_eq!(Database::parse(url, None).unwrap().file(), Some(Path::new(path)), "{url}");
        }
        let beside = Database::parse("sqlite:/srv/books.db", None).unwrap();
        assert_eq!(beside.key_file(), Path::new("/srv/sublet.key"));
        let named = Database::parse("sqlite:x.db", Some("/etc/key".into())).unwrap();
        assert_eq!(named.key_file(), Path::new("/etc/key"));
    }

    #[test]
    fn a_database_is_named_by_its_server_and_its_password_is_not_shown() {
        for (url, shown) in [
            ("postgres://ann:secret@db.example/shop", "ann@db.example/shop"),
            ("postgresql://ann:secret@db.example:6432/shop", "ann@db.example:6432/shop"),
        ] {
            let database = Database::parse(url, None).unwrap();
            assert_eq!(database.file(), None);
            assert_eq!(database.shown(), shown);
            assert_eq!(database.key_file(), Path::new("sublet-data/sublet.key"));
            assert!(!format!("{database:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_no_database_of_ours_is_said() {
        for (url, code, says) in [
            ("postgres://localhost:port/sublet", 2, "port"),
            ("mysql://localhost/sublet", 2, "no such kind of database"),
            ("sublet.db", 2, "no such kind of database"),
            ("sqlite:", 2, "a file is expected"),
            ("sqlite::memory:", 2, "a file is expected"),
            ("sqlite:/srv/", 2, "a file is expected"),
        ] {
            let problem = Database::parse(url, None).unwrap_err();
            assert_eq!(problem.code(), code, "{url}");
            assert!(problem.to_string().contains(says), "{problem}");
        }
    }
}
