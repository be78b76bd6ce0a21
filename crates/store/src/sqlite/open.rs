//! Opening a database, or making one.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{durability, migrate, state, transaction};
use crate::Result;
use crate::error::OpenError;
use crate::files;
use crate::records::Create;
use crate::vault::Vault;

/// Which database is opened, and what may be done to it for that.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// The file with the key that seals what is secret in it. The revocations are kept beside it.
    pub key_file: PathBuf,
    /// Whether it may be made.
    pub create: Create,
    /// Whether an older schema may be brought up to date.
    pub migrate: bool,
    /// How many callers can look at the same time; at least one.
    pub readers: usize,
}

/// How long a statement waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Pages of the log after which the writer moves them into the database. More would write pages
/// that change often less often, and make the file and the pauses longer.
const CHECKPOINT_PAGES: i64 = 8_000;

/// The log is cut to this size when it starts anew, if a long read had let it grow.
const LOG_BYTES_MAX: i64 = 128 << 20;

/// Statements that a connection keeps prepared: all there are.
pub(super) const STATEMENTS: usize = 256;

/// Memory for pages, in KiB, that the writer and each reader may use. The operating system keeps
/// pages too; and a commit that has split a page looks through all that are kept here.
const WRITER_CACHE_KIB: i64 = 32 << 10;
const READER_CACHE_KIB: i64 = 8 << 10;

/// How much of the file readers see through the operating system's memory, which they share, rather
/// than copy: a quarter less work for a point read among a million leases. A disk that cannot be
/// read ends the process then, as one that cannot be written does anyway. The writer copies.
const READER_MAP_BYTES: i64 = 64 << 30;

/// An open database.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) writer: Connection,
    pub(super) readers: Vec<Connection>,
    pub(super) vault: Vault,
    pub(super) sandbox: bool,
    pub(super) id_key: [u8; 16],
}

/// Opens what `options` name; makes or migrates it first if they allow that and it is needed.
pub(super) fn open(options: &Options) -> Result<Opened> {
    let path = plain(&options.path)?;
    let made = make_file(&path, options.create)?;
    let writer = connect(&path)?;
    if migrate::is_empty(&writer)? {
        let Create::IfMissing { .. } = options.create else {
            return Err(OpenError::Missing(path).into());
        };
        durability::set(&writer)?;
        migrate::claim(&writer)?;
    }
    let found = migrate::check(&writer, &path)?;
    durability::set(&writer)?;
    durability::check(&writer)?;
    if !made {
        durability::check_pages(&writer)?;
    }
    if found < migrate::known() {
        match (found, options.create) {
            (0, Create::Never) => return Err(unfinished(&path).into()),
            (0, Create::IfMissing { .. }) => {}
            _ if options.migrate => {}
            _ => return Err(OpenError::TooOld { found, known: migrate::known() }.into()),
        }
        migrate::apply(&writer)?;
    }
    if let Some(place) = state::moved(&writer)? {
        return Err(OpenError::Moved { database: path, place }.into());
    }
    let (vault, sandbox, id_key) = installation(&writer, options, &path)?;
    for (pragma, value) in [
        ("wal_autocheckpoint", CHECKPOINT_PAGES),
        ("journal_size_limit", LOG_BYTES_MAX),
        ("cache_size", -WRITER_CACHE_KIB),
    ] {
        writer.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(no_answer)?;
    }
    let readers = (0..options.readers.max(1)).map(|_| reader(&path)).collect::<Result<_>>()?;
    Ok(Opened { path, writer, readers, vault, sandbox, id_key })
}

/// Some settings answer with what they were set to, others do not.
fn no_answer(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        error => Err(error),
    }
}

/// The path, made absolute so that SQLite cannot take it for anything else than a file: its URIs
/// can turn locks off.
pub(super) fn plain(path: &Path) -> std::result::Result<PathBuf, OpenError> {
    let unsafe_path = |reason| OpenError::Unsafe(format!("{}: {reason}", path.display()));
    let text = path.to_string_lossy();
    if text.starts_with("file:") || text == ":memory:" || text.is_empty() {
        return Err(unsafe_path("this names no plain file"));
    }
    std::path::absolute(path).map_err(files::io(path))
}

/// Makes the file, readable by its owner only, if it is not there; says whether it did.
fn make_file(path: &Path, create: Create) -> std::result::Result<bool, OpenError> {
    if path.try_exists().map_err(files::io(path))? {
        return Ok(false);
    }
    if create == Create::Never {
        return Err(OpenError::Missing(path.to_path_buf()));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(files::io(folder))?;
    }
    let mut new = OpenOptions::new();
    let made = new.write(true).create_new(true).mode(files::PRIVATE).open(path);
    match made {
        Ok(_) => files::sync_directory_of(path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(files::io(path)(error)),
    }
}

fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Statements may be given lists.
    rusqlite::vtab::array::load_module(&connection)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Otherwise SQLite plans some statements anew whenever they are given other values.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The first look at the file.
    let schema: std::result::Result<i64, _> =
        connection.pragma_query_value(None, "schema_version", |row| row.get(0));
    match schema {
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            let reason = "it is no SQLite database".to_owned();
            Err(OpenError::NotOurs { path: path.to_path_buf(), reason }.into())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(connection),
    }
}

fn reader(path: &Path) -> Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    connection.pragma_update_and_check(None, "mmap_size", READER_MAP_BYTES, |_| Ok(()))?;
    durability::check(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The vault that belongs to the database, and what never changes about it; made where they are
/// not there and may be.
fn installation(
    writer: &Connection,
    options: &Options,
    path: &Path,
) -> Result<(Vault, bool, [u8; 16])> {
    if state::installation(writer)?.is_none() {
        let Create::IfMissing { sandbox } = options.create else {
            return Err(unfinished(path).into());
        };
        let vault = Vault::create_or_open(&options.key_file, path)?;
        let mut id_key = [0; 16];
        getrandom::fill(&mut id_key).map_err(|error| files::io(&options.key_file)(error.into()))?;
        let new = state::Made { sandbox, id_key, key_fingerprint: vault.fingerprint() };
        transaction::writing(writer, |writer| state::install(writer, &new))?;
    }
    let made = state::installation(writer)?.expect("it was there or was just made");
    let vault = Vault::open(&options.key_file, path)?;
    if vault.fingerprint() != made.key_fingerprint {
        return Err(OpenError::KeyFileWrong(options.key_file.clone()).into());
    }
    Ok((vault, made.sandbox, made.id_key))
}

/// Whoever made it was interrupted.
pub(super) fn unfinished(path: &Path) -> OpenError {
    let reason = "it was not finished when it was made; `sublet init` finishes it".to_owned();
    OpenError::NotOurs { path: path.to_path_buf(), reason }
}
