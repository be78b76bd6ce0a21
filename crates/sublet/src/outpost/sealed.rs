//! What lies in the folder of a gateway, sealed with a key that is made of its own.
//!
//! That keeps what customers are known by from whoever gets hold of the table without the key: a
//! backup that leaves the key out, a disk image of the table's volume. Who can read the whole folder
//! can read the table.

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes of a nonce. So many may be random without ever meeting again.
const NONCE_LENGTH: usize = 24;

/// Seals and unseals.
#[derive(Clone)]
pub(super) struct Seal(XChaCha20Poly1305);

impl Seal {
    /// What seals for the gateway with this key.
    pub(super) fn of(secret: &str) -> Seal {
        let hash = Sha256::new().chain_update("table of a gateway\0").chain_update(secret);
        let key = Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
        Seal(XChaCha20Poly1305::new((&*key).into()))
    }

    /// Seals `plain` for its place. Fails if the system has no randomness.
    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LENGTH];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: plain, aad: place };
        let hidden = self
            .0
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only more than 256 GiB are too much");
        Ok([nonce.as_slice(), &hidden].concat())
    }

    /// What was sealed for its place; nothing if it was not, or not by this gateway, or is damaged.
    pub(super) fn unseal(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, hidden) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: hidden, aad: place };
        self.0.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}
