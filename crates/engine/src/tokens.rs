//! Links that open one thing to whoever has them.
//!
//! A token is the public id of a thing and a keyed hash of it: it can be checked without a table,
//! and nobody can make one up. It gives nothing away but that id.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Digits of the public id in front of a token.
pub(crate) const ID_LENGTH: usize = 24;
/// Digits of the hash behind it: 128 bits.
const MARK_LENGTH: usize = 32;

/// Makes and reads tokens for one kind of thing. `Debug` does not show the key.
pub(crate) struct Tokens {
    key: [u8; 32],
}

impl Tokens {
    /// Tokens of an installation, by its key, which is a secret of its own; `what` tells kinds of
    /// things apart.
    pub(crate) fn new(what: &str, key: &[u8; 16]) -> Tokens {
        let mut hasher = Sha256::new();
        hasher.update(what.as_bytes());
        hasher.update(b"\0");
        hasher.update(key);
        Tokens { key: hasher.finalize().into() }
    }

    fn mark(&self, id: i64) -> String {
        // Two hashes around each other, so that nothing can be appended to what was hashed.
        let hashed = |message: &[u8]| {
            let mut hasher = Sha256::new();
            hasher.update(self.key);
            hasher.update(message);
            hasher.finalize()
        };
        let inner = hashed(&id.to_be_bytes());
        hashed(&inner)[..MARK_LENGTH / 2].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The token of a thing, given its public id and the inner one.
    pub(crate) fn make(&self, public: &str, id: i64) -> String {
        format!("{public}{}", self.mark(id))
    }

    /// The thing that a token is of; `read` reads its public id.
    pub(crate) fn read(&self, token: &str, read: impl Fn(&str) -> Option<i64>) -> Option<i64> {
        let fits = token.len() == ID_LENGTH + MARK_LENGTH
            && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // The effort is the same for a token of any form.
        let (id, shown) = if fits { token.split_at(ID_LENGTH) } else { ("", "") };
        let found = read(id);
        let mark = self.mark(found.unwrap_or(0));
        let same = bool::from(mark.as_bytes().ct_eq(shown.as_bytes()));
        found.filter(|_| same)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(***)")
    }
}
