//! Files that are there wholly or not at all, also after a power cut.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Who may read a file that holds secrets or the books: its owner.
pub(crate) const PRIVATE: u32 = 0o600;

/// Writes a new file that only its owner may read. Refuses if there is one already.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let temporary = temporary(path);
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(io(&temporary));
    let result = written.and_then(|()| put_in_place(&temporary, path));
    if result.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

/// Gives the finished and synced file `temporary` its name, `path`, durably. Refuses if something
/// has that name.
pub(crate) fn put_in_place(temporary: &Path, path: &Path) -> Result<(), OpenError> {
    // Unlike a rename, a link never replaces what is there already.
    match std::fs::hard_link(temporary, path) {
        Ok(()) => std::fs::remove_file(temporary).map_err(io(temporary))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(OpenError::Exists(path.to_path_buf()));
        }
        // Some file systems have no links.
        Err(_) => {
            refuse_existing(path)?;
            std::fs::rename(temporary, path).map_err(io(path))?;
        }
    }
    sync_directory_of(path)
}

/// Refuses if something has the name `path`, even a dangling link.
pub(crate) fn refuse_existing(path: &Path) -> Result<(), OpenError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(OpenError::Exists(path.to_path_buf())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(path)(error)),
    }
}

/// A name beside `path` for a file that is still being written.
///
/// Two processes never share one; what a crash has left behind is in nobody's way.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut number = [0; 8];
    // Without randomness the process number still tells two processes apart.
    let _ = getrandom::fill(&mut number);
    let number = u64::from_le_bytes(number) ^ u64::from(std::process::id());
    beside(path, &format!(".{number:016x}.tmp"))
}

/// The name of `path` with `ending` behind it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes the names in the directory of `path` durable.
pub(crate) fn sync_directory_of(path: &Path) -> Result<(), OpenError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io(directory))
}

/// Says which file an error of the world is about.
pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let path = path.to_path_buf();
    move |source| OpenError::Io { path, source }
}

/// An empty file that only its owner may read.
fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_file_is_private_and_leaves_no_traces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");

        write_new(&path, b"content").unwrap();

        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_there_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();

        assert!(matches!(write_new(&path, b"content"), Err(OpenError::Exists(_))));
        assert!(matches!(refuse_existing(&path), Err(OpenError::Exists(_))));

        assert_eq!(std::fs::read_link(&path).unwrap(), Path::new("nowhere"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
