//! What a disk may hold after a power cut.
//!
//! The model grants a disk all that POSIX allows it. What was written and not synced is there, or
//! not, or in part, in any order and torn between any two sectors; a new name is there only after a
//! sync of its directory, though names come and go in order, as journalling file systems do it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::random::Random;
use crate::trace::{Action, Record};

/// The bytes that a disk writes wholly or not at all.
const SECTOR: usize = 512;

/// A directory on a disk: what is durable, and what is on its way.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// The durable names.
    names: BTreeMap<String, usize>,
    /// The names that programs see.
    seen: BTreeMap<String, usize>,
    /// Changes of names that are not durable, oldest first.
    pending: VecDeque<(usize, Rename)>,
}

/// How much of what was not synced a cut leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    None,
    /// Everything, as after a kill.
    All,
    /// What was written first, of each file.
    Prefix,
    /// Any of the writes.
    Subset,
    /// Any of the sectors.
    Torn,
}

impl Cut {
    /// All there are.
    pub const ALL: [Cut; 5] = [Cut::None, Cut::All, Cut::Prefix, Cut::Subset, Cut::Torn];
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    /// Changes that are not durable, oldest first, with the ends of their records.
    pending: VecDeque<(usize, Change)>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

#[derive(Clone, Debug)]
enum Rename {
    Add { name: String, file: usize },
    Remove { name: String },
    Move { from: String, to: String },
}

impl Disk {
    /// A disk on which the files of `directory` are durable.
    pub fn read(directory: &Path) -> std::io::Result<Disk> {
        let mut disk = Disk::default();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().into_string().expect("tests use readable names");
            if !entry.file_type()?.is_file() || name.ends_with("-shm") {
                continue;
            }
            let file = disk.add(File { durable: std::fs::read(entry.path())?, ..File::default() });
            disk.names.insert(name.clone(), file);
            disk.seen.insert(name, file);
        }
        Ok(disk)
    }

    /// Does what a program did.
    pub fn apply(&mut self, record: &Record) {
        let end = record.end;
        match &record.action {
            Action::Create { name } => {
                self.file(name, end);
            }
            Action::Write { name, offset, bytes } => {
                let change = Change::Write { offset: *offset, bytes: bytes.clone() };
                self.file(name, end).pending.push_back((end, change));
            }
            Action::Truncate { name, length } => {
                let change = Change::Truncate { length: *length };
                self.file(name, end).pending.push_back((end, change));
            }
            Action::Sync { name, began } => self.file(name, end).sync(*began),
            Action::SyncDirectory { began } => {
                while self.pending.front().is_some_and(|(end, _)| end <= began) {
                    let (_, rename) = self.pending.pop_front().expect("it was there");
                    rename.apply(&mut self.names);
                }
            }
            Action::Unlink { name } => self.rename(end, Rename::Remove { name: name.clone() }),
            Action::Rename { from, to } => {
                self.rename(end, Rename::Move { from: from.clone(), to: to.clone() });
            }
            Action::Link { from, to } => {
                let file = self.seen[from];
                self.rename(end, Rename::Add { name: to.clone(), file });
            }
        }
    }

    /// Writes into the empty directory `to` what a cut may leave.
    pub fn image(&self, cut: Cut, random: &mut Random, to: &Path) -> std::io::Result<()> {
        let mut names = self.names.clone();
        let kept = match cut {
            Cut::None => 0,
            Cut::All => self.pending.len(),
            Cut::Prefix | Cut::Subset | Cut::Torn => random.below(self.pending.len() + 1),
        };
        for (_, rename) in self.pending.iter().take(kept) {
            rename.apply(&mut names);
        }
        for (name, file) in names {
            std::fs::write(to.join(name), self.files[file].after(cut, random))?;
        }
        Ok(())
    }

    /// Where what programs see differs from what is in `directory`.
    pub fn difference(&self, directory: &Path) -> Option<String> {
        let Ok(there) = Disk::read(directory) else {
            return Some("the directory changes while it is read".to_owned());
        };
        let names = |disk: &Disk| disk.seen.keys().cloned().collect::<Vec<_>>();
        let (expected, found) = (names(self), names(&there));
        if expected != found {
            return Some(format!("{found:?} instead of {expected:?}"));
        }
        let any = &mut Random::new(0);
        let mut files = self.seen.iter().zip(there.seen.values());
        files.find_map(|((name, &expected), &found)| {
            let same = self.files[expected].after(Cut::All, any) == there.files[found].durable;
            (!same).then(|| format!("{name} holds something else"))
        })
    }

    /// The file that programs see under `name`, made if there is none.
    fn file(&mut self, name: &str, end: usize) -> &mut File {
        let file = match self.seen.get(name) {
            Some(&file) => file,
            None => {
                let file = self.add(File::default());
                self.rename(end, Rename::Add { name: name.to_owned(), file });
                file
            }
        };
        &mut self.files[file]
    }

    fn add(&mut self, file: File) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }

    fn rename(&mut self, end: usize, rename: Rename) {
        rename.apply(&mut self.seen);
        self.pending.push_back((end, rename));
    }
}

impl File {
    /// Makes durable what was done before the trace had the length `began`.
    fn sync(&mut self, began: usize) {
        while self.pending.front().is_some_and(|(end, _)| *end <= began) {
            let (_, change) = self.pending.pop_front().expect("it was there");
            change.apply(&mut self.durable);
        }
    }

    /// What it may hold after a cut.
    fn after(&self, cut: Cut, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let prefix = random.below(self.pending.len() + 1);
        for (i, (_, change)) in self.pending.iter().enumerate() {
            let whole = match cut {
                Cut::None => false,
                Cut::All => true,
                Cut::Prefix => i < prefix,
                Cut::Subset => random.coin(),
                Cut::Torn => {
                    change.tear(&mut bytes, random);
                    false
                }
            };
            if whole {
                change.apply(&mut bytes);
            }
        }
        bytes
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => write(content, *offset, bytes),
            Change::Truncate { length } => content.resize(*length, 0),
        }
    }

    /// Applies some of the sectors only.
    fn tear(&self, content: &mut Vec<u8>, random: &mut Random) {
        let Change::Write { offset, bytes } = self else {
            if random.coin() {
                self.apply(content);
            }
            return;
        };
        let (mut offset, mut rest) = (*offset, bytes.as_slice());
        while !rest.is_empty() {
            let to_border = SECTOR - offset % SECTOR;
            let (sector, behind) = rest.split_at(to_border.min(rest.len()));
            if random.coin() {
                write(content, offset, sector);
            }
            offset += sector.len();
            rest = behind;
        }
    }
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Rename::Add { name, file } => {
                names.insert(name.clone(), *file);
            }
            Rename::Remove { name } => {
                names.remove(name);
            }
            Rename::Move { from, to } => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_synced_is_sure() {
        let mut disk = Disk::default();
        disk.apply(&write_record(1, "db", 0, b"old"));
        disk.apply(&Record { end: 2, action: Action::Sync { name: "db".into(), began: 1 } });
        disk.apply(&Record { end: 3, action: Action::SyncDirectory { began: 2 } });
        disk.apply(&write_record(4, "db", 0, b"new"));
        disk.apply(&write_record(5, "db", 3, b"er"));

        check(&disk, Cut::None, "db", &[Some(b"old")]);
        check(&disk, Cut::All, "db", &[Some(b"newer")]);
        check(&disk, Cut::Prefix, "db", &[Some(b"old"), Some(b"new"), Some(b"newer")]);
        let any: [Option<&[u8]>; 4] = [Some(b"old"), Some(b"new"), Some(b"newer"), Some(b"older")];
        check(&disk, Cut::Subset, "db", &any);
        check(&disk, Cut::Torn, "db", &any);
    }

    /// What another thread writes while a sync goes on is not covered by it.
    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let mut disk = Disk::default();
        disk.apply(&write_record(1, "db", 0, b"a"));
        disk.apply(&write_record(2, "db", 1, b"b"));
        disk.apply(&Record { end: 3, action: Action::Sync { name: "db".into(), began: 1 } });
        disk.apply(&Record { end: 4, action: Action::SyncDirectory { began: 3 } });

        check(&disk, Cut::None, "db", &[Some(b"a")]);
        check(&disk, Cut::All, "db", &[Some(b"ab")]);
    }

    #[test]
    fn names_need_a_sync_of_their_directory() {
        let mut disk = Disk::default();
        disk.apply(&write_record(1, "key.tmp", 0, b"key"));
        disk.apply(&Record { end: 2, action: Action::Sync { name: "key.tmp".into(), began: 1 } });
        let link = Action::Link { from: "key.tmp".into(), to: "key".into() };
        disk.apply(&Record { end: 3, action: link });
        disk.apply(&Record { end: 4, action: Action::Unlink { name: "key.tmp".into() } });
        check(&disk, Cut::None, "key", &[None]);
        check(&disk, Cut::Prefix, "key", &[None, Some(b"key")]);

        disk.apply(&Record { end: 5, action: Action::SyncDirectory { began: 4 } });
        check(&disk, Cut::None, "key", &[Some(b"key")]);
        check(&disk, Cut::None, "key.tmp", &[None]);
    }

    #[test]
    fn sectors_are_torn_at_their_borders() {
        let mut disk = Disk::default();
        disk.apply(&write_record(1, "db", 500, &[1; 100]));
        disk.apply(&Record { end: 2, action: Action::SyncDirectory { began: 1 } });

        let (mut first, mut second) = (vec![0; 512], vec![0; 600]);
        first[500..].fill(1);
        second[512..].fill(1);
        let both = [&first[..], &[1; 88]].concat();
        let expected = [Some(&[][..]), Some(&first[..]), Some(&second[..]), Some(&both[..])];
        check(&disk, Cut::Torn, "db", &expected);
    }

    fn write_record(end: usize, name: &str, offset: usize, bytes: &[u8]) -> Record {
        let action = Action::Write { name: name.into(), offset, bytes: bytes.into() };
        Record { end, action }
    }

    /// In many images the file is always one of `expected`, and each of them in some.
    #[track_caller]
    fn check(disk: &Disk, cut: Cut, name: &str, expected: &[Option<&[u8]>]) {
        let mut random = Random::new(1);
        let mut met = vec![false; expected.len()];
        for _ in 0..100 {
            let folder = tempfile::tempdir().unwrap();
            disk.image(cut, &mut random, folder.path()).unwrap();
            let found = std::fs::read(folder.path().join(name)).ok();
            let which = expected.iter().position(|bytes| *bytes == found.as_deref());
            met[which.unwrap_or_else(|| panic!("{found:?}"))] = true;
        }
        assert!(met.iter().all(|met| *met), "{met:?}");
    }
}
