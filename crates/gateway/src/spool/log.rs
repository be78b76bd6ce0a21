//! The file of a spool: a head, what was pending when it was written, and then a record for
//! whatever has happened since. Each is a line behind a checksum.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use feed::checked;
use feed::usage::Line;
use serde::{Deserialize, Serialize};

use super::state::State;

const NAME: &str = "usage.log";
const NEW: &str = "usage.log.new";
const DAMAGED: &str = "usage.log.damaged";

/// How the file is written that this version writes.
const VERSION: u32 = 1;

/// The books keep the numbers of reports as signed ones.
const NUMBER_MOST: u64 = i64::MAX as u64 / 2;

/// So many lines of what is pending are written as one record.
const LINES_AT_ONCE: usize = 10_000;

/// What a line takes in the file, about.
const LINE_BYTES: u64 = 64;

/// A file that is no longer than this is not written anew.
const LENGTH_LEAST: u64 = 4 << 20;

/// A file is written anew when it has become so many times longer than what is pending.
const LENGTH_TIMES: u64 = 4;

/// The file that is written to.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    length: u64,
    /// So much of it is on disk.
    synced: u64,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    meter: String,
    /// The number of the last report that was sealed before those in this file.
    sealed_before: u64,
}

/// What has happened, in this order. A record is there wholly or not at all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// Reports up to this number were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) taken: Option<u64>,
    /// What is pending as a report that was sealed before this file was written.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "rows")]
    pub(super) sealed: Vec<Line>,
    /// This was used.
    #[serde(skip_serializing_if = "Vec::is_empty", with = "rows")]
    pub(super) used: Vec<Line>,
    /// Everything that was not sealed so far was, as reports of at most so many lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seal: Option<usize>,
}

/// What is in a folder.
pub(super) enum Found {
    /// No file.
    Nothing,
    /// This.
    State(State),
    /// A file that was not left so by a crash.
    Damaged,
}

/// Reads the file in a folder, but for a record that has not become whole.
pub(super) fn read(folder: &Path) -> io::Result<Found> {
    let bytes = match std::fs::read(folder.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    Ok(replay(&bytes).map_or(Found::Damaged, Found::State))
}

/// What a file says; nothing if it is damaged.
fn replay(bytes: &[u8]) -> Option<State> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    // The file got its name with its head in it.
    let head: Head = checked::read(lines.next()?).ok()?;
    // A number that cannot be counted on from is none of ours.
    if head.version != VERSION || head.sealed_before > NUMBER_MOST {
        return None;
    }
    let mut state = State {
        meter: head.meter,
        sealed_last: head.sealed_before,
        sealed: Default::default(),
        open: Default::default(),
    };
    while let Some(line) = lines.next() {
        let Ok(record) = checked::read::<Record>(line) else {
            // A report that may have been sent was synced with all that is before it. So what is
            // torn has none behind it; if there is one, something has rotted.
            let mut behind = lines.filter_map(|line| checked::read::<Record>(line).ok());
            let is_torn = behind.all(|record| record.seal.is_none() && record.taken.is_none());
            return is_torn.then_some(state);
        };
        if let Some(last) = record.taken {
            state.take(last);
        }
        if !record.sealed.is_empty() {
            state.push(record.sealed);
        }
        record.used.into_iter().for_each(|line| state.add(line));
        if let Some(lines_most) = record.seal {
            state.seal(lines_most);
        }
    }
    Some(state)
}

/// Gives a damaged file another name.
pub(super) fn put_aside(folder: &Path) -> io::Result<()> {
    std::fs::rename(folder.join(NAME), folder.join(DAMAGED))
}

impl Log {
    /// Writes a new file in the place of the one that is there, durably.
    pub(super) fn create(folder: &Path, state: &State) -> io::Result<Log> {
        let new = folder.join(NEW);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let sealed = u64::try_from(state.sealed.len()).unwrap_or(u64::MAX);
        let head = Head {
            version: VERSION,
            meter: state.meter.clone(),
            sealed_before: state.sealed_last - sealed,
        };
        let mut log = Log { file, length: 0, synced: 0 };
        log.write(&checked::write(&head))?;
        for report in &state.sealed {
            let sealed = report.lines.clone();
            log.write(&checked::write(&Record { sealed, ..Record::default() }))?;
        }
        let open: Vec<Line> = state.open.values().copied().collect();
        for lines in open.chunks(LINES_AT_ONCE) {
            let used = lines.to_vec();
            log.write(&checked::write(&Record { used, ..Record::default() }))?;
        }
        log.file.sync_all()?;
        std::fs::rename(&new, folder.join(NAME))?;
        File::open(folder)?.sync_all()?;
        log.synced = log.length;
        Ok(log)
    }

    /// How much was written.
    pub(super) fn written(&self) -> u64 {
        self.length
    }

    /// How much of it is on disk.
    pub(super) fn synced(&self) -> u64 {
        self.synced
    }

    /// Whether all of it is.
    pub(super) fn is_synced(&self) -> bool {
        self.synced == self.length
    }

    /// What it can be synced with while others write.
    pub(super) fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// So much of it is on disk.
    pub(super) fn note_synced(&mut self, written: u64) {
        self.synced = self.synced.max(written);
    }

    /// Writes a record behind the others, without syncing it. After a failure nobody knows how far
    /// it got: the file must not be written to any more.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        if self.file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(ErrorKind::NotFound, "the file was removed"));
        }
        self.write(&checked::write(record))
    }

    /// Whether the file is long for what is pending: so many lines.
    pub(super) fn is_worth_writing_anew(&self, lines: usize) -> bool {
        let needed = u64::try_from(lines).unwrap_or(u64::MAX).saturating_mul(LINE_BYTES);
        self.length > needed.saturating_mul(LENGTH_TIMES).max(LENGTH_LEAST)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// Lines without the names of their members.
mod rows {
    use feed::usage::Line;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(lines: &[Line], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            lines
                .iter()
                .map(|line| (line.lease, line.at, line.bytes_up, line.bytes_down, line.flows)),
        )
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Vec<Line>, D::Error> {
        let rows = Vec::<(u64, i64, u64, u64, u64)>::deserialize(from)?;
        let line = |(lease, at, bytes_up, bytes_down, flows)| Line {
            lease,
            at,
            bytes_up,
            bytes_down,
            flows,
        };
        Ok(rows.into_iter().map(line).collect())
    }
}
