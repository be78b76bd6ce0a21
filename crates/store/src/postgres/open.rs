//! Opening a database, or making what is in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::migrate::{self, Found};
use super::pool::{Pool, writing};
use super::reactor::Reactor;
use super::target::Target;
use super::{arriving, durability, runs, servers, state};
use crate::Result;
use crate::error::OpenError;
use crate::files;
use crate::records::Create;
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
    /// process of the server, and `sslrootcert=FILE` by which certificates servers are known. Such
    /// a pooler must have five processes for each server that shares the database: whoever writes
    /// needs one more for a moment. Connections to other machines are encrypted unless
    /// `sslmode=disable` says otherwise, and the certificate is always checked.
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

/// Where the database at `url` is, for people: without what opens it. Refuses what is no such URL.
pub fn shown(url: &str) -> Result<String> {
    Ok(Target::parse(url, Arc::new(Reactor::start()?))?.to_string())
}

/// Whether anything of ours has been made in the database at `url`.
pub fn exists(url: &str) -> Result<bool> {
    let target = Arc::new(Target::parse(url, Arc::new(Reactor::start()?))?);
    let place = PathBuf::from(target.to_string());
    let found = writing(&Pool::new(target, 1), |tx| migrate::look(tx, &place))?;
    Ok(!matches!(found, Found::Nothing))
}

/// How many transactions can write at the same time. Two keep the server at work while the disk is
/// waited for, and the operator's changes do not wait for a batch.
const WRITERS: usize = 4;

/// An open database.
pub(super) struct Opened {
    pub(super) readers: Pool,
    pub(super) writers: Pool,
    pub(super) numbers: Pool,
    pub(super) vault: Vault,
    pub(super) sandbox: bool,
    pub(super) id_key: [u8; 16],
    pub(super) server: i64,
    pub(super) run: i64,
}

/// Opens what `options` name; makes or migrates it first if they allow that and it is needed.
pub(super) fn open(options: &Options) -> Result<Opened> {
    let target = Arc::new(Target::parse(&options.url, Arc::new(Reactor::start()?))?);
    let place = PathBuf::from(target.to_string());
    let writers = Pool::new(target.clone(), WRITERS);
    let durability = writing(&writers, durability::look)?;
    let found = match (writing(&writers, |tx| migrate::look(tx, &place))?, options.create) {
        (Found::Ours(found), _) => found,
        (Found::Nothing, Create::Never) => return Err(OpenError::Missing(place).into()),
        (Found::Nothing, Create::IfMissing { sandbox }) => {
            durability.demand(sandbox)?;
            writing(&writers, |tx| migrate::claim(tx, &place))?;
            0
        }
    };
    writing(&writers, |tx| arriving::refuse(tx, found, &place))?;
    if found < migrate::known() {
        match (found, options.create) {
            (0, Create::Never) => return Err(unfinished(&place).into()),
            (0, Create::IfMissing { .. }) => {}
            _ if options.migrate => {}
            _ => return Err(OpenError::TooOld { found, known: migrate::known() }.into()),
        }
        while writing(&writers, migrate::apply_next)? {}
    }
    let (vault, made) = installation(&writers, options, &place)?;
    durability.demand(made.sandbox)?;
    let (server, run) = writing(&writers, |tx| {
        let server = servers::register(tx, &options.server)?;
        Ok((server, runs::register(tx, server)?))
    })?;
    Ok(Opened {
        readers: Pool::new(target.clone(), target.connections.unwrap_or(options.readers)),
        writers,
        numbers: Pool::new(target, 1),
        vault,
        sandbox: made.sandbox,
        id_key: made.id_key,
        server,
        run,
    })
}

/// The vault that belongs to the database, and what never changes about it; made where they are
/// not there and may be.
fn installation(writers: &Pool, options: &Options, place: &Path) -> Result<(Vault, state::Made)> {
    if writing(writers, state::installation)?.is_none() {
        let Create::IfMissing { sandbox } = options.create else {
            return Err(unfinished(place).into());
        };
        let vault = Vault::create_or_open(&options.key_file, place)?;
        let mut id_key = [0; 16];
        getrandom::fill(&mut id_key).map_err(|error| files::io(&options.key_file)(error.into()))?;
        let new = state::Made { sandbox, id_key, key_fingerprint: vault.fingerprint() };
        writing(writers, |tx| {
            state::install(tx, &new)?;
            // Books may have begun to arrive meanwhile; whoever brings them waits for this.
            arriving::refuse(tx, migrate::known(), place)
        })?;
    }
    let made = writing(writers, state::installation)?.expect("it was there or was just made");
    let vault = Vault::open(&options.key_file, place)?;
    if vault.fingerprint() != made.key_fingerprint {
        return Err(OpenError::KeyFileWrong(options.key_file.clone()).into());
    }
    Ok((vault, made))
}

/// Whoever made it was interrupted.
fn unfinished(place: &Path) -> OpenError {
    let reason = "it was not finished when it was made; `sublet init` finishes it".to_owned();
    OpenError::NotOurs { path: place.to_path_buf(), reason }
}
