//! Which secrets were revoked, kept outside the database.
//!
//! A database that is restored from a backup has forgotten what was revoked since. This file,
//! beside the key file, has not: it is never restored, only added to, and a restore applies it.
//! It holds hashes, no secrets.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::{files, hex};

/// The hashes of revoked API keys and operator tokens.
///
/// Several processes may add to one file at a time.
#[derive(Clone, Debug)]
pub struct Revocations {
    path: PathBuf,
}

/// What a new file begins with, for who finds it.
const HEADING: &str = "\
# Hashes of the API keys and operator tokens that were revoked. Keep this file with the key file:
# what is in it stays revoked in a database that is restored from an older backup.
";

/// Bytes of a hash.
const HASH_LENGTH: usize = 32;

impl Revocations {
    /// Where the revocations are that belong to a key file.
    pub fn beside(key_file: &Path) -> PathBuf {
        files::beside(key_file, ".revoked")
    }

    /// The revocations in the file `path`, which is made if it is not there.
    pub fn open(path: &Path) -> Result<Revocations, OpenError> {
        let there = path.try_exists().map_err(files::io(path))?;
        if !there {
            match files::write_new(path, HEADING.as_bytes()) {
                // Another process was faster.
                Ok(()) | Err(OpenError::Exists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Revocations { path: path.to_path_buf() })
    }

    /// Adds the hash of a secret. It is durable on return.
    ///
    /// Whoever revokes calls this before the database commits: a hash that is here without need
    /// costs nothing, one that is missing would let the secret come back.
    pub fn append(&self, hash: &[u8; HASH_LENGTH]) -> Result<(), OpenError> {
        self.append_to_file(hash).map_err(files::io(&self.path))
    }

    /// All hashes.
    pub fn all(&self) -> Result<BTreeSet<[u8; HASH_LENGTH]>, OpenError> {
        let mut file = self.locked().map_err(files::io(&self.path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(files::io(&self.path))?;

        let whole = &bytes[..end_of_last_line(&bytes)];
        let lines = whole.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let mut hashes = BTreeSet::new();
        for (i, line) in lines.enumerate() {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let hash = parse(line).ok_or_else(|| OpenError::Damaged {
                path: self.path.clone(),
                reason: format!("line {} is no hash", i + 1),
            })?;
            hashes.insert(hash);
        }
        Ok(hashes)
    }

    fn append_to_file(&self, hash: &[u8; HASH_LENGTH]) -> std::io::Result<()> {
        let mut file = self.locked()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = end_of_last_line(&bytes);
        if end < bytes.len() {
            // A crash tore the last line. It was never acknowledged.
            file.set_len(length(end))?;
        }
        file.seek(SeekFrom::Start(length(end)))?;
        file.write_all(print(hash).as_bytes())?;
        file.sync_all()
    }

    /// The file, which nobody else reads or writes until it is closed.
    fn locked(&self) -> std::io::Result<File> {
        let file =
            OpenOptions::new().read(true).write(true).mode(files::PRIVATE).open(&self.path)?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result.map(|()| file),
            }
        }
    }
}

/// The number of bytes up to the end of the last whole line.
///
/// A torn end is the rest of a line, or the zeros that some file systems leave of one.
fn end_of_last_line(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |i| i + 1)
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).expect("a length in memory fits")
}

/// The line of a hash.
fn print(hash: &[u8; HASH_LENGTH]) -> String {
    format!("{}\n", *hex::print(hash))
}

/// The hash in a line.
fn parse(line: &[u8]) -> Option<[u8; HASH_LENGTH]> {
    hex::parse(std::str::from_utf8(line).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_for_good() {
        let (_folder, revocations) = new();
        revocations.append(&[1; 32]).unwrap();
        revocations.append(&[0xfe; 32]).unwrap();
        revocations.append(&[1; 32]).unwrap();

        let again = Revocations::open(&revocations.path).unwrap();
        check(&again, &[1, 0xfe]);
    }

    /// A power cut may leave any beginning of the last line, or zeros in its place.
    #[test]
    fn a_torn_last_line_is_passed_over_and_then_replaced() {
        for torn in 0..64 {
            for zeros in [false, true] {
                let (_folder, revocations) = new();
                revocations.append(&[1; 32]).unwrap();
                let mut bytes = std::fs::read(&revocations.path).unwrap();
                bytes.extend(if zeros { vec![0; torn] } else { vec![b'2'; torn] });
                std::fs::write(&revocations.path, bytes).unwrap();

                check(&revocations, &[1]);
                revocations.append(&[3; 32]).unwrap();
                check(&revocations, &[1, 3]);
            }
        }
    }

    #[test]
    fn damage_elsewhere_is_told() {
        let (_folder, revocations) = new();
        revocations.append(&[1; 32]).unwrap();
        let text = std::fs::read_to_string(&revocations.path).unwrap();
        std::fs::write(&revocations.path, text.replace("01\n", "0x\n")).unwrap();

        let told = revocations.all().unwrap_err().to_string();
        assert!(told.contains("line 3"), "{told}");
    }

    #[test]
    fn many_may_add_at_once() {
        let (_folder, revocations) = new();
        std::thread::scope(|scope| {
            for i in 0..8 {
                let revocations = revocations.clone();
                scope.spawn(move || revocations.append(&[i; 32]).unwrap());
            }
        });
        check(&revocations, &[0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[track_caller]
    fn check(revocations: &Revocations, expected: &[u8]) {
        let expected: BTreeSet<_> = expected.iter().map(|&byte| [byte; 32]).collect();
        assert_eq!(revocations.all().unwrap(), expected);
    }

    fn new() -> (tempfile::TempDir, Revocations) {
        let folder = tempfile::tempdir().unwrap();
        let path = Revocations::beside(&folder.path().join("key"));
        (folder, Revocations::open(&path).unwrap())
    }
}
