//! What leases have used and the control plane has not yet taken, on disk.
//!
//! What was counted is added up by lease and day until it is asked for. Then it is *sealed*: it
//! becomes a report with the next number, which never changes any more, and is asked for again and
//! again until the control plane has answered that it has taken it. Everything is synced before
//! it may be sent, so that a number never means two things; and what is not sealed has never been
//! sent, so that it can be added up for as long as the control plane is away. So the disk that is
//! needed is a matter of how many leases were used on how many days, and not of how long.
//!
//! What this loses, and when: when the process is killed, what was counted since [`Spool::add`] was
//! last called; when the power fails, what was added since it was last synced; and, where the
//! folder is an older copy of what it was, what that copy holds. It counts nothing twice in any of
//! these cases.

mod log;
mod state;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use domain::time::Time;
use feed::usage::{LINES_MOST, Line, Report};

use crate::meter::Used;
use log::{Found, Log, Record};
use state::State;

/// So many folders are looked through for one that no other process uses.
const PLACES: usize = 64;

/// What leases have used and the control plane has not yet taken.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    state: State,
    /// What was last written to. Nothing after something could not be written, or must not stay as
    /// it is: then everything is written anew before anything else.
    log: Option<Log>,
    /// What was taken, until it is noted together with something else.
    taken: Option<u64>,
    /// How many files were written anew so far.
    files: u64,
    /// What is sealed is on disk when the file is synced as far as this.
    sealed_at: u64,
    /// Keeps other processes away.
    _lock: File,
}

/// What was written and is not yet sure to be on disk.
#[derive(Debug)]
pub struct Unsynced {
    file: File,
    mark: Mark,
}

/// How far something was written.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    file: u64,
    written: u64,
}

impl Unsynced {
    /// Waits until it is on disk.
    pub fn sync(self) -> (Mark, io::Result<()>) {
        (self.mark, self.file.sync_data())
    }
}

/// What the control plane's answer to a report means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It has taken the report.
    Taken,
    /// Nothing new: the report is to be sent again.
    Nothing,
    /// It has forgotten reports that it had taken, as books do that are restored from a backup.
    /// They are lost to it. What it had not taken is pending still, as the work of a new meter.
    ControlPlaneRestored,
    /// It has taken reports that this spool does not know of: the folder was restored from an older
    /// copy. What is in it may have been taken before, so that it is forgotten.
    SpoolRestored,
}

impl Spool {
    /// Opens a spool in one of the folders `1`, `2` and so on in `folder` that no other process
    /// uses, as another does while one version of the program hands over to the next. Comes with
    /// those that others have left with something pending in them.
    pub fn open(folder: &Path) -> io::Result<(Spool, Vec<Spool>)> {
        let own = places(folder).find_map(|place| unless_in_use(Spool::open_at(&place)));
        let in_use =
            || io::Error::new(io::ErrorKind::WouldBlock, "other processes use all folders");
        Ok((own.ok_or_else(in_use)??, Spool::left(folder)?))
    }

    /// Those in such folders that nobody uses any more, with something pending in them.
    pub fn left(folder: &Path) -> io::Result<Vec<Spool>> {
        let left = places(folder).filter(|place| {
            // Nothing is written where nothing is pending: it is looked again and again.
            let is_free = place.exists() && lock(&place.join("lock")).is_ok();
            is_free
                && match log::read(place) {
                    Ok(Found::State(state)) => !state.is_empty(),
                    Ok(Found::Nothing) => false,
                    Ok(Found::Damaged) | Err(_) => true,
                }
        });
        let left = left.filter_map(|place| unless_in_use(Spool::open_at(&place)));
        left.filter(|spool| spool.as_ref().map_or(true, |spool| !spool.is_empty())).collect()
    }

    /// Opens the spool in this very folder. The error is of the kind [`io::ErrorKind::WouldBlock`]
    /// if another process has it open.
    pub fn open_at(folder: &Path) -> io::Result<Spool> {
        make_folder(folder)?;
        let lock = lock(&folder.join("lock"))?;
        let state = match log::read(folder)? {
            Found::State(state) => state,
            Found::Nothing => State::new()?,
            Found::Damaged => {
                log::put_aside(folder)?;
                tracing::error!(
                    folder = %folder.display(),
                    "The file of what leases have used is damaged, and put aside: what was in it \
                     and not yet sent is counted nowhere"
                );
                State::new()?
            }
        };
        let mut spool = Spool {
            folder: folder.to_path_buf(),
            state,
            log: None,
            taken: None,
            files: 0,
            sealed_at: 0,
            _lock: lock,
        };
        // What cannot be written now is tried again when there is something to be kept.
        let _ = spool.write_anew();
        Ok(spool)
    }

    /// The name under which this spool's reports are numbered.
    pub fn meter(&self) -> &str {
        &self.state.meter
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.state.is_empty()
    }

    /// Adds what leases have used until `at`. It is written when this returns, so that it outlives
    /// the process; it outlives the machine when it has been synced, which [`Spool::prepare`] asks
    /// for. If it could not be written it is kept in memory, and the next call tries again.
    pub fn add(&mut self, at: Time, used: &[(u64, Used)]) -> io::Result<()> {
        let lines: Vec<Line> = used.iter().map(|(lease, used)| line(*lease, at, *used)).collect();
        if lines.is_empty() && self.log.is_some() {
            return Ok(());
        }
        lines.iter().for_each(|line| self.state.add(*line));
        self.write(&Record { used: lines, ..Record::default() })
    }

    /// The report that is to be sent next, which is the same until it is answered; nothing if there
    /// is nothing to be sent. It fails if something has to be written first and cannot be.
    pub fn pending(&mut self) -> io::Result<Option<&Report>> {
        if let Some(unsynced) = self.prepare()? {
            let (mark, synced) = unsynced.sync();
            self.note_synced(mark, synced)?;
        }
        Ok(self.front())
    }

    /// Has a report ready to be sent, if there is anything to be. What comes back has to be synced,
    /// which may take long and needs nobody to wait, and then [`Spool::note_synced`]; then
    /// [`Spool::front`] tells of the report.
    pub fn prepare(&mut self) -> io::Result<Option<Unsynced>> {
        if self.log.is_none() {
            self.write_anew()?;
        }
        if self.state.sealed.is_empty() && !self.state.open.is_empty() {
            // It is written before it is in memory: whoever asks again after a failure seals what
            // there is then.
            self.write(&Record { seal: Some(LINES_MOST), ..Record::default() })?;
            self.state.seal(LINES_MOST);
            self.sealed_at = self.log.as_ref().map_or(0, Log::written);
        }
        let Some(log) = self.log.as_ref().filter(|log| !log.is_synced()) else { return Ok(None) };
        let mark = Mark { file: self.files, written: log.written() };
        Ok(Some(Unsynced { file: log.handle()?, mark }))
    }

    /// Takes note of what has become of syncing what [`Spool::prepare`] has told of.
    pub fn note_synced(&mut self, mark: Mark, synced: io::Result<()>) -> io::Result<()> {
        // A file that was written anew since is synced.
        if mark.file == self.files {
            match (&synced, &mut self.log) {
                (Ok(()), Some(log)) => log.note_synced(mark.written),
                _ => self.log = None,
            }
        }
        synced
    }

    /// The report that is to be sent next, if it is on disk.
    pub fn front(&self) -> Option<&Report> {
        self.log.as_ref().filter(|log| self.sealed_at <= log.synced())?;
        self.state.sealed.front()
    }

    /// Takes note of the control plane's answer to the report with this number: that `last` is the
    /// number of the last report that it has taken.
    pub fn answered(&mut self, number: u64, last: u64) -> Heard {
        if self.state.sealed.front().is_none_or(|front| front.number != number) {
            // An answer that has come late.
            return Heard::Nothing;
        }
        if self.state.sealed_last < last {
            self.begin_again(|state| state.forget_all());
            return Heard::SpoolRestored;
        }
        if number <= last {
            self.state.take(last);
            // A crash before this is noted has it sent again, and known as taken.
            self.taken = Some(last);
            return Heard::Taken;
        }
        if last + 1 < number {
            self.begin_again(|_| ());
            return Heard::ControlPlaneRestored;
        }
        Heard::Nothing
    }

    /// Numbers what is pending as the work of a new meter. Until that is on disk nothing is sent.
    fn begin_again(&mut self, change: impl FnOnce(&mut State)) {
        change(&mut self.state);
        (self.log, self.taken) = (None, None);
        match state::new_meter() {
            Ok(meter) => self.state.renumber(meter),
            // It is found out again when the report is sent again.
            Err(error) => tracing::error!(%error, "No random number could be had"),
        }
    }

    /// Writes a record behind what there is, or, where that cannot be, everything anew: then the
    /// state must have been changed already, or not matter.
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let record = &Record { taken: self.taken, ..record.clone() };
        let Some(log) = &mut self.log else { return self.write_anew_for(record) };
        if log.is_worth_writing_anew(self.state.lines()) {
            return self.write_anew_for(record);
        }
        match log.append(record) {
            Ok(()) => {
                self.taken = None;
                Ok(())
            }
            Err(error) => {
                self.log = None;
                Err(error)
            }
        }
    }

    /// The same in a new file. What is to be sealed is sealed in it.
    fn write_anew_for(&mut self, record: &Record) -> io::Result<()> {
        self.write_anew()?;
        match (record.seal, &mut self.log) {
            (Some(_), Some(log)) => {
                let record = Record { seal: record.seal, ..Record::default() };
                log.append(&record).inspect_err(|_| self.log = None)
            }
            _ => Ok(()),
        }
    }

    fn write_anew(&mut self) -> io::Result<()> {
        self.log = None;
        make_folder(&self.folder)?;
        self.log = Some(Log::create(&self.folder, &self.state)?);
        (self.taken, self.sealed_at) = (None, 0);
        self.files += 1;
        Ok(())
    }
}

/// The folders that may have a spool in them.
fn places(folder: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    (1..=PLACES).map(|number| folder.join(number.to_string()))
}

/// Nothing if another process has it open.
fn unless_in_use(opened: io::Result<Spool>) -> Option<io::Result<Spool>> {
    match opened {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        other => Some(other),
    }
}

fn line(lease: u64, at: Time, used: Used) -> Line {
    let Used { bytes_up, bytes_down, flows } = used;
    Line { lease, at: at.millis(), bytes_up, bytes_down, flows }
}

/// A folder that nobody else may look into.
fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
