//! What is secret in the database, sealed with a key that is not in it.
//!
//! The key is a file beside the database or wherever the operator keeps it. A stolen database or
//! backup then tells nobody a proxy password; without the key file it tells the operator none
//! either.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use tracing::warn;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::OpenError;
use crate::{files, hex};

/// Seals and unseals. `Debug` shows nothing, and the key is wiped from memory in the end.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    fingerprint: [u8; 16],
}

/// The first line of a key file, for who finds it.
const HEADING: &str = "\
# The key of a Sublet database. Without this file the proxy passwords in it cannot be read.
# Keep a copy in a safe place, apart from the backups, and show it to nobody.
";

/// What the line with the key begins with: the form of the file.
const FORM: &str = "sublet-key-1";

/// What sealed text begins with: how it was sealed.
const SEALED_BY: u8 = 1;

/// Bytes of a key.
const KEY_LENGTH: usize = 32;

/// Bytes of a nonce. So many may be random without ever meeting again.
const NONCE_LENGTH: usize = 24;

/// A key file is smaller than this; what is larger is something else.
const FILE_LENGTH_MAX: u64 = 4096;

impl Vault {
    /// Makes a new random key and its file, which must not exist. The file is durable on return,
    /// and there wholly or not at all.
    pub fn create(path: &Path) -> Result<Vault, OpenError> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        getrandom::fill(key.as_mut()).map_err(|error| files::io(path)(error.into()))?;
        files::write_new(path, print(&key).as_bytes())?;
        Ok(Vault::new(&key))
    }

    /// A new key for `database`, or the one that an interrupted start has left.
    pub(crate) fn create_or_open(path: &Path, database: &Path) -> Result<Vault, OpenError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(files::io(folder))?;
        }
        match Vault::create(path) {
            Err(OpenError::Exists(_)) => Vault::open(path, database),
            made => made,
        }
    }

    /// Reads the key file of `database`.
    pub fn open(path: &Path, database: &Path) -> Result<Vault, OpenError> {
        let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => OpenError::KeyFileMissing {
                key_file: path.to_path_buf(),
                database: database.to_path_buf(),
            },
            _ => files::io(path)(error),
        })?;
        if FILE_LENGTH_MAX < metadata.len() {
            return Err(OpenError::KeyFileWrong(path.to_path_buf()));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            warn!(key_file = %path, "Others than its owner may use the key file {path}");
        }
        let bytes = Zeroizing::new(std::fs::read(path).map_err(files::io(path))?);
        let text = std::str::from_utf8(&bytes).ok();
        let key = text.and_then(parse);
        key.map(|key| Vault::new(&key)).ok_or_else(|| OpenError::KeyFileWrong(path.to_path_buf()))
    }

    /// Seals `plain` for one place, `context`, such as `customer_order/42/password`. Elsewhere it
    /// cannot be unsealed, so nobody can move a secret of his into a place of another's.
    ///
    /// `nonce` is random, and never used again.
    pub fn seal(&self, context: &str, plain: &str, nonce: [u8; NONCE_LENGTH]) -> Vec<u8> {
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let hidden = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only more than 256 GiB are too much");

        let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + hidden.len());
        sealed.push(SEALED_BY);
        sealed.extend(nonce);
        sealed.extend(hidden);
        sealed
    }

    /// What was sealed for `context`; `None` if it was not, or not with this key, or is damaged.
    pub fn unseal(&self, context: &str, sealed: &[u8]) -> Option<String> {
        let (&form, rest) = sealed.split_first()?;
        if form != SEALED_BY {
            return None;
        }
        let (nonce, hidden) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: hidden, aad: context.as_bytes() };
        let plain = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
        String::from_utf8(plain)
            .map_err(|error| {
                error.into_bytes().zeroize();
            })
            .ok()
    }

    /// What tells this key from others and betrays nothing about it. The database keeps it, to
    /// recognize its key file.
    pub fn fingerprint(&self) -> [u8; 16] {
        self.fingerprint
    }

    fn new(key: &[u8; KEY_LENGTH]) -> Vault {
        Vault {
            cipher: XChaCha20Poly1305::new(key.into()),
            fingerprint: digest("sublet key fingerprint", key),
        }
    }
}

/// A nonce that was never used before.
pub(crate) fn nonce() -> crate::Result<[u8; NONCE_LENGTH]> {
    let mut nonce = [0; NONCE_LENGTH];
    getrandom::fill(&mut nonce).map_err(|error| crate::error::Error::Fault(error.into()))?;
    Ok(nonce)
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

/// The text of a key file.
fn print(key: &[u8; KEY_LENGTH]) -> Zeroizing<String> {
    let checksum: [u8; 4] = digest("sublet key checksum", key);
    let line = Zeroizing::new(format!("{} {}", *hex::print(key), *hex::print(&checksum)));
    Zeroizing::new(format!("{HEADING}{FORM} {}\n", *line))
}

/// The key in the text of a key file; `None` unless it is whole.
fn parse(text: &str) -> Option<Zeroizing<[u8; KEY_LENGTH]>> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.find(|line| !line.starts_with('#'))?;
    let nothing_more = lines.all(|line| line.starts_with('#'));

    let mut words = line.split_ascii_whitespace();
    let form = words.next()?;
    let key = Zeroizing::new(hex::parse::<KEY_LENGTH>(words.next()?)?);
    let checksum = hex::parse::<4>(words.next()?)?;
    let whole = form == FORM
        && words.next().is_none()
        && nothing_more
        && checksum == digest("sublet key checksum", &key);
    whole.then_some(key)
}

/// The beginning of a hash of `key` for one purpose.
fn digest<const N: usize>(purpose: &str, key: &[u8; KEY_LENGTH]) -> [u8; N] {
    let hash: [u8; 32] =
        Sha256::new().chain_update(purpose).chain_update([0]).chain_update(key).finalize().into();
    std::array::from_fn(|i| hash[i])
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const PLACE: &str = "customer_order/42/password";

    #[test]
    fn what_was_sealed_is_unsealed_in_its_place_only() {
        let (folder, vault) = new();
        let sealed = vault.seal(PLACE, "Zürich-s3cret", [7; 24]);

        assert!(!sealed.windows(6).any(|part| part == b"s3cret"));
        assert_eq!(vault.unseal(PLACE, &sealed).as_deref(), Some("Zürich-s3cret"));
        assert_eq!(vault.unseal("customer_order/43/password", &sealed), None);

        // The same key, read again, opens it; another does not.
        let again = Vault::open(&file(&folder), Path::new("db")).unwrap();
        assert_eq!(again.fingerprint(), vault.fingerprint());
        assert_eq!(again.unseal(PLACE, &sealed).as_deref(), Some("Zürich-s3cret"));
        let (_other_folder, other) = new();
        assert_ne!(other.fingerprint(), vault.fingerprint());
        assert_eq!(other.unseal(PLACE, &sealed), None);
    }

    #[test]
    fn damaged_text_is_not_unsealed() {
        let (_folder, vault) = new();
        let sealed = vault.seal(PLACE, "s3cret", [7; 24]);

        for i in 0..sealed.len() {
            assert_eq!(vault.unseal(PLACE, &sealed[..i]), None, "cut after {i} bytes");
            let mut damaged = sealed.clone();
            damaged[i] ^= 1;
            assert_eq!(vault.unseal(PLACE, &damaged), None, "byte {i} changed");
        }
    }

    #[test]
    fn a_missing_key_file_is_explained_and_an_existing_one_kept() {
        let (folder, vault) = new();
        let path = file(&folder);

        assert!(matches!(Vault::create(&path), Err(OpenError::Exists(_))));
        let kept = Vault::open(&path, Path::new("db")).unwrap();
        assert_eq!(kept.fingerprint(), vault.fingerprint());

        std::fs::remove_file(&path).unwrap();
        let missing = Vault::open(&path, Path::new("the.db")).unwrap_err();
        assert!(missing.to_string().contains("the.db"), "{missing}");
    }

    #[test]
    fn a_damaged_key_file_is_refused() {
        let (folder, _vault) = new();
        let path = file(&folder);
        let text = std::fs::read_to_string(&path).unwrap();
        let key_starts = text.find(FORM).unwrap();

        for i in key_starts..text.trim_end().len() {
            let mut damaged = text.clone().into_bytes();
            damaged[i] = if damaged[i] == b'0' { b'1' } else { b'0' };
            std::fs::write(&path, &damaged).unwrap();
            check_wrong(&path);

            std::fs::write(&path, &text.as_bytes()[..i]).unwrap();
            check_wrong(&path);
        }
        std::fs::write(&path, text.repeat(2)).unwrap();
        check_wrong(&path);
        std::fs::write(&path, text.repeat(100)).unwrap();
        check_wrong(&path);
        std::fs::write(&path, [0xff; 64]).unwrap();
        check_wrong(&path);
    }

    #[test]
    fn an_editor_may_have_touched_the_key_file() {
        let (folder, vault) = new();
        let path = file(&folder);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# Note\r\n\n{}\n\n", text.replace('\n', "\r\n"))).unwrap();

        let read = Vault::open(&path, Path::new("db")).unwrap();
        assert_eq!(read.fingerprint(), vault.fingerprint());
    }

    #[test]
    fn nothing_is_shown() {
        let (folder, vault) = new();
        assert_eq!(format!("{vault:?}"), "Vault { .. }");
        let text = std::fs::read_to_string(file(&folder)).unwrap();
        let fingerprint = hex::print(&vault.fingerprint());
        assert!(!text.contains(fingerprint.as_str()));
    }

    #[track_caller]
    fn check_wrong(path: &Path) {
        let result = Vault::open(path, Path::new("db"));
        assert!(matches!(result, Err(OpenError::KeyFileWrong(_))), "{result:?}");
    }

    fn new() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(&file(&folder)).unwrap();
        (folder, vault)
    }

    fn file(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("key")
    }
}
