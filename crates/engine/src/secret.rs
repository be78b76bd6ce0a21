//! API keys, operator tokens and those of gateways: made here, shown once, kept as hashes only.
//!
//! They are a prefix that says what they are, 250 random bits and a check of 30 bits, all in
//! lower-case letters and digits: they pass through paths, shells and configuration files without
//! quotes, scanners for leaked secrets find them by their form, and what is mistyped or made up is
//! turned away without asking the database.

use std::fmt;

use sha2::{Digest, Sha256};

/// Letters and digits that are not mistaken for each other, one for each five bits.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const API_KEY: &str = "sub";
const OPERATOR_TOKEN: &str = "sop";
const GATEWAY_TOKEN: &str = "sgw";
const PREFIX_LENGTH: usize = 3;
/// Fifty letters of five random bits.
const RANDOM_LENGTH: usize = 50;
/// Six letters that are computed from what stands before them.
const CHECK_LENGTH: usize = 6;
const LENGTH: usize = PREFIX_LENGTH + RANDOM_LENGTH + CHECK_LENGTH;

/// A secret that was just made. `Debug` does not show it; [`Secret::reveal`] does, once it is to be
/// shown to whom it belongs.
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What it is looked up by, and all that is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A customer's API key, from randomness that is used for nothing else.
pub fn new_api_key(random: [u8; 32]) -> Secret {
    secret(API_KEY, random)
}

/// An operator's token, from randomness that is used for nothing else.
pub fn new_operator_token(random: [u8; 32]) -> Secret {
    secret(OPERATOR_TOKEN, random)
}

/// What a gateway on another host enrols with, from randomness that is used for nothing else.
pub fn new_gateway_token(random: [u8; 32]) -> Secret {
    secret(GATEWAY_TOKEN, random)
}

/// Whether `text` has the form of what a gateway enrols with.
pub fn looks_like_gateway_token(text: &str) -> bool {
    has_form(GATEWAY_TOKEN, text)
}

/// Whether `text` has the form of an API key. Says nothing about whether there is such a key.
pub fn looks_like_api_key(text: &str) -> bool {
    has_form(API_KEY, text)
}

/// Whether `text` has the form of an operator's token.
pub fn looks_like_operator_token(text: &str) -> bool {
    has_form(OPERATOR_TOKEN, text)
}

/// What a secret is looked up by.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn secret(prefix: &str, random: [u8; 32]) -> Secret {
    let mut text = format!("{prefix}{}", letters(&random, RANDOM_LENGTH));
    text.push_str(&check(&text));
    Secret(text)
}

fn has_form(prefix: &str, text: &str) -> bool {
    if text.len() != LENGTH || !text.starts_with(prefix) {
        return false;
    }
    let (body, shown) = text.as_bytes().split_at(LENGTH - CHECK_LENGTH);
    let plain = body[PREFIX_LENGTH..].iter().all(|byte| ALPHABET.contains(byte));
    plain && std::str::from_utf8(body).is_ok_and(|body| check(body).as_bytes() == shown)
}

/// The check behind `body`. Not a part of what is kept: that is a hash of the whole.
fn check(body: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"check of a secret\0");
    hasher.update(body.as_bytes());
    letters(&hasher.finalize(), CHECK_LENGTH)
}

/// The first `count` groups of five bits as letters.
fn letters(bytes: &[u8], count: usize) -> String {
    let bit = |at: usize| (bytes[at / 8] >> (7 - at % 8)) & 1;
    let five = |group: usize| (group * 5..group * 5 + 5).fold(0, |sum, at| sum * 2 + bit(at));
    (0..count).map(|group| char::from(ALPHABET[usize::from(five(group))])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_made_has_its_form_and_no_other(random: [u8; 32]) {
            let (key, token) = (new_api_key(random), new_operator_token(random));
            for secret in [&key, &token] {
                prop_assert!(secret.reveal().len() < 64);
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                prop_assert!(secret.reveal().bytes().all(plain));
            }
            prop_assert!(looks_like_api_key(key.reveal()));
            prop_assert!(!looks_like_operator_token(key.reveal()));
            prop_assert!(looks_like_operator_token(token.reveal()));
            prop_assert!(!looks_like_api_key(token.reveal()));
        }

        #[test]
        fn one_wrong_letter_is_noticed(random: [u8; 32], at in 3usize..59, other in 0usize..32) {
            let key = new_api_key(random);
            let mut bytes = key.reveal().as_bytes().to_vec();
            prop_assume!(bytes[at] != ALPHABET[other]);
            bytes[at] = ALPHABET[other];
            prop_assert!(!looks_like_api_key(std::str::from_utf8(&bytes).unwrap()));
        }

        #[test]
        fn every_random_bit_that_counts_makes_another_key(random: [u8; 32], bit in 0usize..250) {
            let mut other = random;
            other[bit / 8] ^= 0x80 >> (bit % 8);
            let (one, two) = (new_api_key(random), new_api_key(other));
            prop_assert_ne!(one.reveal(), two.reveal());
        }

        #[test]
        fn any_text_is_looked_at_without_harm(text in "(sub)?\\PC{0,60}") {
            prop_assert!(!looks_like_api_key(&text));
        }
    }

    #[test]
    fn the_form_does_not_change() {
        let key = new_api_key([7; 32]);
        assert_eq!(key.reveal(), "suba6dsqb2ha6dsqb2ha6dsqb2ha6dsqb2ha6dsqb2ha6dsqb2ha656ywtn");
        assert_eq!(key.hash(), hash(key.reveal()));
        assert_eq!(format!("{key:?}"), "Secret(***)");
    }
}
