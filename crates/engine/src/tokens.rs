//! Links that open one thing to whoever has them.
//!
//! A token is the public id of a thing and a keyed hash of it: it can be checked without a table,
//! and nobody can make one up. It gives nothing away but that id. A token that takes the place of an
//! earlier one has the number of its epoch behind it, which is hashed too.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Digits of the public id in front of a token.
pub(crate) const ID_LENGTH: usize = 24;
/// Digits of the hash behind it: 128 bits.
const MARK_LENGTH: usize = 32;
/// Digits of an epoch behind that; the first epoch has none.
const EPOCH_LENGTH: usize = 8;

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

    fn mark(&self, id: i64, epoch: u32) -> String {
        // Two hashes around each other, so that nothing can be appended to what was hashed.
        let hashed = |message: &[u8]| {
            let mut hasher = Sha256::new();
            hasher.update(self.key);
            hasher.update(message);
            hasher.finalize()
        };
        let mut message = id.to_be_bytes().to_vec();
        if epoch > 0 {
            message.extend(epoch.to_be_bytes());
        }
        let inner = hashed(&message);
        hashed(&inner)[..MARK_LENGTH / 2].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The token of a thing, given its public id, the inner one, and how many came before it.
    pub(crate) fn make(&self, public: &str, id: i64, epoch: u32) -> String {
        let mark = self.mark(id, epoch);
        match epoch {
            0 => format!("{public}{mark}"),
            epoch => format!("{public}{mark}{epoch:0EPOCH_LENGTH$x}"),
        }
    }

    /// The thing that a token is of, and how many came before it; `read` reads its public id.
    pub(crate) fn read(
        &self,
        token: &str,
        read: impl Fn(&str) -> Option<i64>,
    ) -> Option<(i64, u32)> {
        let known = |length| length == ID_LENGTH + MARK_LENGTH + EPOCH_LENGTH;
        let fits = (known(token.len()) || known(token.len() + EPOCH_LENGTH))
            && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // The effort is the same for a token of any form.
        let (id, rest) = if fits { token.split_at(ID_LENGTH) } else { ("", "") };
        let (shown, epoch) = rest.split_at(MARK_LENGTH.min(rest.len()));
        let epoch = match epoch {
            "" => Some(0),
            // The first epoch has one form only.
            digits => u32::from_str_radix(digits, 16).ok().filter(|epoch| 0 < *epoch),
        };
        let found = read(id).zip(epoch);
        let (id, epoch) = found.unwrap_or((0, 0));
        let mark = self.mark(id, epoch);
        let same = bool::from(mark.as_bytes().ct_eq(shown.as_bytes()));
        found.filter(|_| same)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(***)")
    }
}
