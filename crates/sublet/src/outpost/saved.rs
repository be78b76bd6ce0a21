//! The folder of a gateway: its key, the shop that it belongs to, and the table that it was told,
//! from which it serves after a restart though the shop is away.
//!
//! The table is kept as it was told: everything, and then what has changed, in sealed pieces whose
//! places are sealed with them. A mark says how much of which file was in force, and is written
//! after it: a table that is shorter than its mark, or not the one that it names, is refused. What
//! lies behind the mark may have been cut by a failure of the machine, and counts as far as it is
//! whole.

mod saver;
mod table;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::identity::Identity;
use super::sealed::Seal;
use super::time::Kept;
use crate::problem::Problem;

pub(super) use saver::Saver;
pub(super) use table::{Refused, Table};

const KEY: &str = "key";
const BELONGS: &str = "shop.json";
const TABLE: &str = "table";
const NEW_TABLE: &str = "table.new";
const MARK: &str = "mark";
const LOCK: &str = "lock";

/// The folder of a gateway, which nobody else uses meanwhile.
#[derive(Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: Arc<File>,
}

/// What was in force when the gateway ended.
pub(super) struct Loaded {
    /// The table.
    pub(super) table: Table,
    /// The time of the shop.
    pub(super) clock: Option<Kept>,
    /// How far the file is whole.
    end: End,
}

/// How far a file of a table is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    /// What tells the file from all others.
    id: [u8; 16],
    /// How many pieces it has.
    pieces: u64,
    /// How many bytes.
    bytes: u64,
    /// How many bytes everything took, with which it begins.
    whole: u64,
}

/// What was in force at least.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    /// What tells the file of the table from all others.
    table: [u8; 16],
    /// How many pieces of it.
    pieces: u64,
    /// The time of the shop.
    clock: Kept,
}

impl Folder {
    /// Opens the folder of a gateway, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Folder, Problem> {
        let shown = path.display();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("the folder {shown} cannot be made"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .with_context(|| format!("the folder {shown} cannot be written"))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: Arc::new(lock) }),
            Err(_) => Err(Problem::failed(format!("another gateway uses the folder {shown}"))),
        }
    }

    /// The key of the gateway, if it has one.
    pub(super) fn key(&self) -> Result<Option<Zeroizing<String>>> {
        Ok(self.text(KEY)?.map(Zeroizing::new))
    }

    /// Keeps the key of the gateway.
    pub(super) fn keep_key(&self, secret: &str) -> Result<()> {
        self.write(KEY, secret.as_bytes()).context("the key of this gateway cannot be kept")
    }

    /// What the gateway belongs to, if it belongs to anybody.
    pub(super) fn belongs(&self) -> Result<Option<String>> {
        self.text(BELONGS)
    }

    /// Keeps what the gateway belongs to.
    pub(super) fn keep_belongs(&self, text: &str) -> Result<()> {
        self.write(BELONGS, text.as_bytes())
            .context("it cannot be kept what this gateway belongs to")
    }

    /// What was in force when the gateway ended; nothing if nothing was.
    pub(super) fn load(&self, identity: &Identity) -> Result<Option<Loaded>, Refused> {
        let seal = Seal::of(identity.secret());
        let Some(sealed) = self.bytes(MARK)? else {
            return match self.path.join(TABLE).exists() {
                true => Err(Refused::NoMark),
                false => Ok(None),
            };
        };
        let mark = seal.unseal(MARK.as_bytes(), &sealed).ok_or(Refused::Mark)?;
        let mark: Mark = serde_json::from_slice(&mark).map_err(|_| Refused::Mark)?;
        // The mark is written before a new table takes the place of the old one.
        if table::id_of(&self.path.join(NEW_TABLE))? == Some(mark.table) {
            fs::rename(self.path.join(NEW_TABLE), self.path.join(TABLE))?;
        }
        let (table, end) = table::read(&self.path.join(TABLE), &seal, &identity.node)?;
        if end.id != mark.table {
            return Err(Refused::Older);
        }
        if end.pieces < mark.pieces {
            return Err(Refused::Cut { found: end.pieces, marked: mark.pieces });
        }
        Ok(Some(Loaded { table, clock: Some(mark.clock), end }))
    }

    /// Erases what the gateway was told. Its key stays, and is good for nothing any more.
    pub(super) fn erase(&self) -> io::Result<()> {
        for name in [TABLE, NEW_TABLE, MARK] {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a file anew: it is there wholly or as it was before.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let aside = self.path.join(format!("{name}.tmp"));
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, self.path.join(name))?;
        self.sync()
    }

    /// Has what was named in the folder last.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn bytes(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let bytes = self.bytes(name).with_context(|| format!("{name} cannot be read"))?;
        let text = bytes.map(|bytes| String::from_utf8(bytes).ok().context("it is no text"));
        text.transpose().with_context(|| format!("{name} cannot be read"))
    }
}
