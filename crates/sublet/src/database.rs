//! Which database, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::Store;
use store::sqlite::{Create, Options, SqliteStore};

use crate::problem::Problem;

/// How many connections a server reads with.
const SERVING_READERS: usize = 4;

/// Which database is worked on, and where the key to its secrets is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    path: PathBuf,
    key_file: PathBuf,
}

impl Database {
    /// The database if none is named.
    pub(crate) const USUAL: &'static str = "sqlite:sublet-data/sublet.db";

    /// Reads `sqlite:PATH`. The key file is `sublet.key` beside it unless it is named.
    pub(crate) fn parse(url: &str, key_file: Option<PathBuf>) -> Result<Database, Problem> {
        let says = |says: &str| Problem::usage(format!("--database {url}: {says}"));
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let says = "PostgreSQL is not supported yet".to_owned();
            return Err(Problem::failed(says).hint("use --database sqlite:PATH"));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            let hint = format!("write it like {}", Self::USUAL);
            return Err(says("no such kind of database").hint(hint));
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || path.ends_with('/') {
            return Err(says("a file is expected").hint(format!("write it like {}", Self::USUAL)));
        }
        let path = PathBuf::from(path);
        let key_file = key_file.unwrap_or_else(|| path.with_file_name("sublet.key"));
        Ok(Database { path, key_file })
    }

    /// The file of the books.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the key to their secrets.
    pub(crate) fn key_file(&self) -> &Path {
        &self.key_file
    }

    /// The database in this file, with its key file beside it.
    pub(crate) fn in_file(path: PathBuf) -> Database {
        let key_file = path.with_file_name("sublet.key");
        Database { path, key_file }
    }

    /// Opens a database that is there, for a command: one that is not up to date is left alone.
    pub(crate) fn open(&self) -> Result<Arc<dyn Store>, Problem> {
        self.opened(Create::Never, false, 1)
    }

    /// Makes the database, or brings it up to date.
    pub(crate) fn make(&self, sandbox: bool) -> Result<Arc<dyn Store>, Problem> {
        self.opened(Create::IfMissing { sandbox }, true, 1)
    }

    /// Opens the database for a server: makes it or brings it up to date, unless it is to be left
    /// as it is. What is made is a sandbox if that is asked for.
    pub(crate) fn open_to_serve(
        &self,
        migrate: bool,
        sandbox: bool,
    ) -> Result<Arc<dyn Store>, Problem> {
        let create = if migrate { Create::IfMissing { sandbox } } else { Create::Never };
        self.opened(create, migrate, SERVING_READERS)
    }

    fn opened(
        &self,
        create: Create,
        migrate: bool,
        readers: usize,
    ) -> Result<Arc<dyn Store>, Problem> {
        let Database { path, key_file } = self.clone();
        let options = Options { path, key_file, create, migrate, readers };
        Ok(Arc::new(SqliteStore::open(&options)?))
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
            assert_eq!(Database::parse(url, None).unwrap().path(), Path::new(path), "{url}");
        }
        let beside = Database::parse("sqlite:/srv/books.db", None).unwrap();
        assert_eq!(beside.key_file(), Path::new("/srv/sublet.key"));
        let named = Database::parse("sqlite:x.db", Some("/etc/key".into())).unwrap();
        assert_eq!(named.key_file(), Path::new("/etc/key"));
    }

    #[test]
    fn what_is_no_database_of_ours_is_said() {
        for (url, code, says) in [
            ("postgres://localhost/sublet", 1, "PostgreSQL is not supported yet"),
            ("postgresql://localhost/sublet", 1, "PostgreSQL is not supported yet"),
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
