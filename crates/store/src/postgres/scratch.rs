//! Databases that are made for a measurement, and go away with it.

use std::fmt;
use std::sync::Arc;

use super::failure::missing;
use super::reactor::Reactor;
use super::session::Session;
use super::target::Target;
use super::transaction::LONG_PATIENCE;
use crate::Result;
use crate::error::Error;

/// A server on which databases may be made. `Debug` does not show its URL, which may have a
/// password in it.
#[derive(Clone)]
pub struct Server {
    url: String,
}

/// A database that is dropped with this value, whoever still uses it.
#[derive(Debug)]
pub struct Scratch {
    server: Server,
    name: String,
}

/// What went wrong in a database since it was made, as its server has counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mishaps {
    /// Transactions that waited for each other in a circle, so that one had to give way.
    pub deadlocks: i64,
    /// Transactions that were committed.
    pub committed: i64,
    /// Transactions that were rolled back, for whatever reason.
    pub rolled_back: i64,
}

impl Server {
    /// The server with this URL, which names a database that can be connected to.
    pub fn at(url: &str) -> Server {
        Server { url: url.to_owned() }
    }

    /// Which version it is, such as 15.18.
    pub fn version(&self) -> Result<String> {
        let rows = connect(&self.url)?.simple_rows("SHOW server_version_num", LONG_PATIENCE)?;
        let number = rows.first().and_then(|row| row.first()).copied().unwrap_or_default();
        Ok(format!("{}.{}", number / 10_000, number % 10_000))
    }

    /// Makes a new, empty database with a name of its own.
    pub fn new_database(&self) -> Result<Scratch> {
        self.make("TEMPLATE template0 ENCODING 'UTF8'")
    }

    fn make(&self, how: &str) -> Result<Scratch> {
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(|error| Error::Fault(error.into()))?;
        let name = format!("sublet_bench_{:016x}", u64::from_le_bytes(number));
        self.run(&format!("CREATE DATABASE {name} {how}"))?;
        Ok(Scratch { server: self.clone(), name })
    }

    fn run(&self, sql: &str) -> Result<()> {
        connect(&self.url)?.simple(sql, LONG_PATIENCE)
    }
}

impl Scratch {
    /// Its URL.
    pub fn url(&self) -> String {
        with_database(&self.server.url, &self.name)
    }

    /// Another one with all that is in this, to which nobody may be connected.
    pub fn copy(&self) -> Result<Scratch> {
        self.server.make(&format!("TEMPLATE {}", self.name))
    }

    /// Does what the server would get round to in time: clears away old versions of rows, counts
    /// what there is, and writes all of it to the disk.
    pub fn settle(&self) -> Result<()> {
        let session = self.connect()?;
        session.simple("VACUUM (ANALYZE)", LONG_PATIENCE)?;
        session.simple("CHECKPOINT", LONG_PATIENCE)
    }

    /// What went wrong in it.
    pub fn mishaps(&self) -> Result<Mishaps> {
        let sql = format!(
            "SELECT deadlocks, xact_commit, xact_rollback FROM pg_stat_database
             WHERE datname = '{}'",
            self.name
        );
        let rows = connect(&self.server.url)?.simple_rows(&sql, LONG_PATIENCE)?;
        let row = rows.first().ok_or_else(|| missing("pg_stat_database", 0))?;
        let count = |column: usize| row.get(column).copied().unwrap_or_default();
        Ok(Mishaps { deadlocks: count(0), committed: count(1), rolled_back: count(2) })
    }

    /// What PostgreSQL's own programs must find in their environment to reach it.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(Target::parse(&self.url(), Arc::new(Reactor::start()?))?.environment())
    }

    pub(super) fn connect(&self) -> Result<Session> {
        connect(&self.url())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        if let Err(error) = self.server.run(&sql) {
            tracing::warn!(%error, "The database {} could not be dropped", self.name);
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

fn connect(url: &str) -> Result<Session> {
    Target::parse(url, Arc::new(Reactor::start()?))?.connect()
}

/// The URL of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let host = place.find("://").map_or(0, |at| at + 3);
    let end = place[host..].find('/').map_or(place.len(), |at| host + at);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}/{name}{mark}{query}", &place[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server() {
        for (url, expected) in [
            ("postgresql://ann:secret@db:5433/postgres", "postgresql://ann:secret@db:5433/new"),
            ("postgres://ann@db/?sslmode=require", "postgres://ann@db/new?sslmode=require"),
            ("postgres://db", "postgres://db/new"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
