//! The books in a PostgreSQL database, which many servers may share.
//!
//! Whoever writes locks the wallets of his customers first: a wallet, its leases, orders, answers
//! and counts change under that lock alone. Nothing relies on the state of a connection between
//! two transactions, so that poolers may stand in between.

mod answers;
mod audit;
mod catalogues;
mod customers;
mod failure;
mod ids;
mod journal;
mod keys;
mod leases;
mod operators;
mod orders;
mod pool;
mod promos;
mod proxies;
mod reactor;
mod row;
mod session;
mod stock;
mod target;
mod tls;
mod transaction;
mod value;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use self::pool::Pool;
use self::reactor::Reactor;
use self::target::Target;
use self::transaction::{LONG_PATIENCE, PATIENCE, Tx};
use crate::Result;
pub use crate::records::Create;
use crate::revocations::Revocations;
use crate::statements;
use crate::vault::Vault;

/// Which database is opened, and what may be done to it for that. `Debug` does not show the URL,
/// which may have a password in it.
#[derive(Clone)]
pub struct Options {
    /// Where it is: `postgresql://user:password@host:port/database`. The database itself must be
    /// there; what is in it is made.
    ///
    /// Beside PostgreSQL's own parameters, `connections=8` says how many callers can look at the
    /// same time, `pooler=transaction` that a pooler in between hands each transaction to another
    /// process of the server, and `sslrootcert=FILE` by which certificates servers are known.
    /// Connections to other machines are encrypted unless `sslmode=disable` says otherwise, and
    /// the certificate is always checked.
    pub url: String,
    /// The file with the key that seals what is secret in it. The revocations are kept beside it.
    pub key_file: PathBuf,
    /// Whether it may be made.
    pub create: Create,
    /// Whether an older schema may be brought up to date.
    pub migrate: bool,
    /// How many callers can look at the same time, unless the URL says so; at least one.
    pub readers: usize,
    /// What this server is called among those that share the database: the same each time it
    /// starts.
    pub server: String,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("server", &self.server).finish_non_exhaustive()
    }
}

/// How often a transaction is tried that others were in the way of.
const TRIES: u32 = 5;

/// Books in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    readers: Pool,
    writers: Pool,
    vault: Vault,
    revocations: Revocations,
}

impl PostgresStore {
    /// Runs `read`, which sees the books at one moment. It is run again if the connection turns
    /// out to be lost.
    fn read<T>(&self, read: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.try_again(&self.readers, || {
            let session = self.readers.take(PATIENCE)?;
            let tx = Tx::reading(&session, PATIENCE);
            let done = read(&tx)?;
            // Nothing was written: how it ends does not matter.
            drop(tx);
            Ok(done)
        })
    }

    /// The same for reading whole tables, which may take minutes, and is not run again.
    fn survey<T>(&self, read: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let session = self.readers.take(PATIENCE)?;
        let tx = Tx::reading(&session, LONG_PATIENCE);
        read(&tx)
    }

    /// Runs `write` and commits. If it fails, it has done nothing, unless the outcome is unknown.
    /// It is run again if others were in the way, or if the connection turns out to be lost before
    /// the commit.
    fn write<T>(&self, write: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
        self.try_again(&self.writers, || {
            let session = self.writers.take(PATIENCE)?;
            let tx = Tx::writing(&session);
            tx.begin()?;
            let done = write(&tx)?;
            tx.commit()?;
            Ok(done)
        })
    }

    fn try_again<T>(&self, pool: &Pool, run: impl Fn() -> Result<T>) -> Result<T> {
        let mut lost = false;
        let mut tries = 1;
        loop {
            match run() {
                Err(error) if failure::is_in_the_way(&error) && tries < TRIES => tries += 1,
                Err(error) if failure::is_lost(&error) && !lost => {
                    pool.renew();
                    lost = true;
                }
                done => return done,
            }
        }
    }
}
