//! What a gateway on another host enrols with: a secret that is good once, and the hash of the key
//! of the shop, so that it tells the secret to nobody else.

use std::fmt;

use engine::secret::{self, Secret};

use super::key::KeyHash;

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The secret.
    pub(crate) secret: String,
    /// The hash of the key of the shop.
    pub(crate) shop: KeyHash,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// The text of a token.
    pub(crate) fn print(secret: &Secret, shop: &KeyHash) -> String {
        let shop: String = shop.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{shop}", secret.reveal())
    }
}

/// Why it is none. What it says is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a token of `sublet node add`, or a part of one")]
pub(crate) struct NotAToken;

impl std::str::FromStr for Token {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Token, NotAToken> {
        let (secret, shop) = text.trim().split_once('.').ok_or(NotAToken)?;
        let plain = shop.len() == 64 && shop.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !plain || !secret::looks_like_gateway_token(secret) {
            return Err(NotAToken);
        }
        let byte =
            |at: usize| u8::from_str_radix(&shop[at * 2..at * 2 + 2], 16).map_err(|_| NotAToken);
        let mut hash = KeyHash::default();
        for (at, place) in hash.iter_mut().enumerate() {
            *place = byte(at)?;
        }
        Ok(Token { secret: secret.to_owned(), shop: hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_printed_and_not_shown() {
        let secret = secret::new_gateway_token([5; 32]);
        let text = Token::print(&secret, &[0xa7; 32]);
        let token: Token = text.parse().unwrap();
        assert_eq!((token.secret.as_str(), token.shop), (secret.reveal(), [0xa7; 32]));
        assert_eq!(format!("{token:?}"), "Token(***)");
        for at in 0..text.len() {
            assert_eq!(text[..at].parse::<Token>(), Err(NotAToken), "cut after {at}");
        }
    }
}
