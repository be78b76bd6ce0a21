//! The tokens in the links that rotate a mobile exit.
//!
//! A token is the public id of its lease and a keyed hash of it: it can be checked without a table,
//! and nobody can make one up. It gives nothing away but that id, and opens nothing but rotation.

use domain::ids::LeaseId;
use domain::lease::Standing;
use domain::public_id::PublicIds;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::engine::Engine;
use crate::fault::Fault;

/// Digits of the public id in front of a token.
const ID_LENGTH: usize = 24;
/// Digits of the hash behind it: 128 bits.
const MARK_LENGTH: usize = 32;

/// Makes and reads tokens. `Debug` does not show the key.
pub(crate) struct RebootTokens {
    key: [u8; 32],
}

impl RebootTokens {
    /// Tokens of an installation; `key` is a secret of its own.
    pub(crate) fn new(key: &[u8; 16]) -> RebootTokens {
        let mut hasher = Sha256::new();
        hasher.update(b"reboot links\0");
        hasher.update(key);
        RebootTokens { key: hasher.finalize().into() }
    }

    fn mark(&self, lease: LeaseId) -> String {
        // Two hashes around each other, so that nothing can be appended to what was hashed.
        let hashed = |message: &[u8]| {
            let mut hasher = Sha256::new();
            hasher.update(self.key);
            hasher.update(message);
            hasher.finalize()
        };
        let inner = hashed(&lease.0.to_be_bytes());
        hashed(&inner)[..MARK_LENGTH / 2].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn make(&self, ids: &PublicIds, lease: LeaseId) -> String {
        format!("{}{}", ids.lease(lease), self.mark(lease))
    }

    fn read(&self, ids: &PublicIds, token: &str) -> Option<LeaseId> {
        let fits = token.len() == ID_LENGTH + MARK_LENGTH
            && token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // The effort is the same for a token of any form.
        let (id, shown) = if fits { token.split_at(ID_LENGTH) } else { ("", "") };
        let lease = ids.read_lease(id);
        let mark = self.mark(lease.unwrap_or(LeaseId(0)));
        let same = bool::from(mark.as_bytes().ct_eq(shown.as_bytes()));
        lease.filter(|_| same)
    }
}

impl std::fmt::Debug for RebootTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RebootTokens(***)")
    }
}

impl Engine {
    /// The token that rotates the exit of a lease.
    pub fn reboot_token(&self, lease: LeaseId) -> String {
        self.reboot_tokens().make(self.public_ids(), lease)
    }

    /// The live lease whose token this is; one that has ended is not found.
    pub fn rebooted(&self, token: &str) -> Result<Option<LeaseId>, Fault> {
        let Some(lease) = self.reboot_tokens().read(self.public_ids(), token) else {
            return Ok(None);
        };
        let standing = self.standing(lease)?;
        Ok((standing == Some(Standing::Live)).then_some(lease))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_lease_and_no_other_text_does() {
        let (tokens, ids) = (RebootTokens::new(&[7; 16]), PublicIds::new([7; 16]));
        let token = tokens.make(&ids, LeaseId(42));
        assert_eq!(token.len(), 56);
        assert_eq!(tokens.read(&ids, &token), Some(LeaseId(42)));
        let swapped = format!("{}{}", ids.lease(LeaseId(43)), &token[ID_LENGTH..]);
        let other_key = RebootTokens::new(&[8; 16]).make(&ids, LeaseId(42));
        for wrong in ["", "x", &token[1..], &token.to_uppercase(), &swapped, &other_key] {
            assert_eq!(tokens.read(&ids, wrong), None, "{wrong}");
        }
    }
}
