//! API keys and operator tokens: made here, kept as hashes only.

use sha2::{Digest, Sha256};

/// What a secret is looked up by.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
