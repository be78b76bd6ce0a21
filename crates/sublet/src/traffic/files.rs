//! Files that are read again when they have changed.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files that are read again when they have changed.
#[derive(Debug)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
}

/// What is another when a file has been written or replaced.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Files {
    /// Nothing has been read so far.
    pub(super) fn new(paths: Vec<PathBuf>) -> Files {
        Files { paths, seen: Vec::new() }
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Their contents, if one has changed since this was asked last, or if `anyway`.
    pub(super) fn changed(&mut self, anyway: bool) -> Option<Result<Vec<Vec<u8>>, String>> {
        // Looked at before they are read: what changes meanwhile is another change.
        let now: Vec<_> = self.paths.iter().map(|path| stamp(path).ok()).collect();
        if !anyway && now == self.seen {
            return None;
        }
        self.seen = now;
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        Some(self.paths.iter().map(read).collect())
    }

    /// Their names, in the order in which they are read.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let known = std::fs::metadata(path)?;
    Ok(Stamp {
        file: (known.dev(), known.ino()),
        size: known.size(),
        modified: (known.mtime(), known.mtime_nsec()),
        changed: (known.ctime(), known.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_changed_is_read_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        std::fs::write(&one, "1").unwrap();
        let mut files = Files::new(vec![one.clone(), two.clone()]);
        assert!(files.changed(false).unwrap().unwrap_err().contains("two: "));
        assert!(files.changed(false).is_none());
        std::fs::write(&two, "2").unwrap();
        assert_eq!(files.changed(false).unwrap().unwrap(), [b"1", b"2"]);
        assert!(files.changed(false).is_none());
        assert!(files.changed(true).is_some());
        // Replaced by one of the same size.
        std::fs::write(folder.path().join("new"), "3").unwrap();
        std::fs::rename(folder.path().join("new"), &one).unwrap();
        assert_eq!(files.changed(false).unwrap().unwrap(), [b"3", b"2"]);
    }
}
