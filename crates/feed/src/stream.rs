//! What a gateway on another host is told, line by line.
//!
//! Each line is a JSON object. First comes where the stream begins, then what there is or what has
//! changed, then a commit: from there on it counts. Behind a commit stands a sum over every line
//! since the beginning, so that what is cut, damaged or left out is noticed, and nothing of it is
//! taken. In between come beats, which say that the other side is there and what time it has; they
//! are not in the sum.
//!
//! A line of a kind that a version does not know is passed over, though its bytes count. Members
//! that are not known are ignored, and those that are missing have a meaning.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lease::Lease;

/// The version of this form. A gateway turns away what is newer than it knows.
pub const VERSION: u32 = 1;

/// The longest line: far more than a lease takes.
pub const LINE_MAX: usize = 1 << 20;

/// How far a table has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// The epoch of the books. Within one, numbers only grow.
    pub epoch: String,
    /// The number of the last thing that has happened.
    pub number: i64,
    /// What else a table depends on. If it is another, it cannot be gone on from there.
    pub stamp: String,
}

/// Where a stream begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Begin {
    /// The version of the form.
    pub version: u32,
    /// Whom it is for.
    pub node: String,
    /// Whether everything follows; otherwise what has changed since the position that was asked
    /// from.
    pub whole: bool,
    /// The number of this stream at the server that makes it, for reports.
    pub session: u64,
}

/// A lease, and where it is listened for it alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The lease.
    pub lease: Lease,
    /// Ports that it has for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
}

/// A port, and what is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Port {
    /// Its number.
    pub port: u16,
    /// What is spoken.
    #[serde(default)]
    pub speaks: Speaks,
}

/// What is spoken at a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaks {
    /// HTTP.
    Http,
    /// SOCKS5.
    Socks5,
    /// Either, inside TLS alone.
    Tls,
    /// Whatever a client begins with.
    #[default]
    #[serde(other)]
    Both,
}

/// What came before counts from here on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Commit {
    /// The number of this commit in its stream.
    pub number: u64,
    /// How far the table has come.
    pub position: Position,
    /// How many leases were set and taken away since the last commit.
    pub changes: u64,
    /// What time it is: milliseconds since 1970 UTC.
    pub time: i64,
}

/// The other side is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beat {
    /// What time it is: milliseconds since 1970 UTC.
    pub time: i64,
    /// The number of the last thing that has happened, as far as is known there.
    pub number: i64,
}

/// A line. One member is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    begin: Option<Begin>,
    /// Ports at which is listened for many leases.
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<Vec<Port>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    put: Option<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beat: Option<Beat>,
}

/// What has become of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new, or is another than before.
    Put(Entry),
    /// It is no longer served.
    Remove(u64),
}

/// What counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Where the stream begins, with its first batch.
    pub begin: Option<Begin>,
    /// Ports at which is listened for many leases, if that was told.
    pub listen: Option<Vec<Port>>,
    /// What has changed; everything there is, if the stream began with that.
    pub changes: Vec<Change>,
    /// How far the table has come by it.
    pub commit: Commit,
}

impl Batch {
    /// Whether it is everything there is.
    pub fn is_whole(&self) -> bool {
        self.begin.as_ref().is_some_and(|begin| begin.whole)
    }
}

/// What a line was good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// More is needed.
    More,
    /// The other side is there.
    Beat(Beat),
    /// Everything since the last commit is whole, and counts.
    Batch(Box<Batch>),
}

/// Why a stream cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line that is too long.
    #[error("a line is longer than {LINE_MAX} bytes")]
    TooLong,
    /// A line that is no line of ours. What it says is not told: it may be secret.
    #[error("a line cannot be read: {0}")]
    Line(String),
    /// The first line says nothing of where the stream begins.
    #[error("it does not begin with its beginning")]
    NoBeginning,
    /// Made by a newer program.
    #[error("it has the form {0}, and this program knows {VERSION}")]
    TooNew(u32),
    /// The sum is another.
    #[error("its sum is wrong: it was damaged, or something is missing")]
    Sum,
    /// Not as many changes as were counted.
    #[error("{found} changes were found where {told} were told")]
    Count {
        /// How many there are.
        found: u64,
        /// How many there should be.
        told: u64,
    },
}

/// Reads a stream. Nothing of it counts before it was proven.
#[derive(Debug, Default)]
pub struct Reader {
    sum: Sum,
    has_begun: bool,
    batch: Batch,
    committed: bool,
}

impl Reader {
    /// Reads a line, which has no end of line any more.
    pub fn read(&mut self, line: &[u8]) -> Result<Read, Broken> {
        if line.len() > LINE_MAX {
            return Err(Broken::TooLong);
        }
        let read: Line = serde_json::from_slice(line).map_err(|error| {
            Broken::Line(format!("{:?} in column {}", error.classify(), error.column()))
        })?;
        if let Some(beat) = read.beat {
            return Ok(Read::Beat(beat));
        }
        if let Some(sum) = read.sum {
            return self.prove(&sum);
        }
        if let Some(begin) = read.begin {
            if begin.version > VERSION {
                return Err(Broken::TooNew(begin.version));
            }
            *self = Reader { has_begun: true, ..Reader::default() };
            self.batch.begin = Some(begin);
        }
        if !self.has_begun {
            return Err(Broken::NoBeginning);
        }
        self.sum.add(line);
        if let Some(ports) = read.listen {
            self.batch.listen = Some(ports);
        }
        self.batch.changes.extend(read.put.map(Change::Put));
        self.batch.changes.extend(read.remove.map(Change::Remove));
        if let Some(commit) = read.commit {
            (self.batch.commit, self.committed) = (commit, true);
        }
        Ok(Read::More)
    }

    /// Whether nothing has been read that does not count yet.
    pub fn is_between(&self) -> bool {
        !self.committed && self.batch == Batch::default()
    }

    fn prove(&mut self, sum: &str) -> Result<Read, Broken> {
        if !self.has_begun {
            return Err(Broken::NoBeginning);
        }
        if !self.committed || self.sum.show() != sum {
            return Err(Broken::Sum);
        }
        let found = u64::try_from(self.batch.changes.len()).unwrap_or(u64::MAX);
        let told = self.batch.commit.changes;
        if found != told {
            return Err(Broken::Count { found, told });
        }
        self.committed = false;
        Ok(Read::Batch(Box::new(std::mem::take(&mut self.batch))))
    }
}

/// Writes a stream.
#[derive(Debug, Default)]
pub struct Writer {
    sum: Sum,
    out: Vec<u8>,
    changes: u64,
    commits: u64,
}

impl Writer {
    /// A stream that begins.
    pub fn begin(begin: Begin) -> Writer {
        let mut writer = Writer::default();
        writer.line(&Line { begin: Some(begin), ..Line::default() });
        writer
    }

    /// Tells where is listened for many leases.
    pub fn listen(&mut self, ports: impl IntoIterator<Item = Port>) {
        let listen = Some(ports.into_iter().collect());
        self.line(&Line { listen, ..Line::default() });
    }

    /// Tells what has become of a lease.
    pub fn change(&mut self, change: Change) {
        self.changes += 1;
        self.line(&match change {
            Change::Put(entry) => Line { put: Some(entry), ..Line::default() },
            Change::Remove(id) => Line { remove: Some(id), ..Line::default() },
        });
    }

    /// Has all of it count; says the number of this commit.
    pub fn commit(&mut self, position: Position, time: i64) -> u64 {
        self.commits += 1;
        let changes = std::mem::take(&mut self.changes);
        let commit = Some(Commit { number: self.commits, position, changes, time });
        self.line(&Line { commit, ..Line::default() });
        let sum = Some(self.sum.show());
        self.write(&Line { sum, ..Line::default() });
        self.commits
    }

    /// Says that this side is there.
    pub fn beat(&mut self, beat: Beat) {
        self.write(&Line { beat: Some(beat), ..Line::default() });
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether none do.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// What was written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn line(&mut self, line: &Line) {
        let before = self.out.len();
        self.write(line);
        self.sum.add(&self.out[before..self.out.len() - 1]);
    }

    fn write(&mut self, line: &Line) {
        serde_json::to_writer(&mut self.out, line).expect("writing into memory does not fail");
        self.out.push(b'\n');
    }
}

/// A sum over lines.
#[derive(Clone, Default)]
struct Sum(Sha256);

impl std::fmt::Debug for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.show())
    }
}

impl Sum {
    fn add(&mut self, line: &[u8]) {
        self.0.update(line);
        self.0.update(b"\n");
    }

    fn show(&self) -> String {
        let sum = self.0.clone().finalize();
        sum.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests;
