//! `Proxy-Authorization: Basic …`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::head::trim;

/// The longest login and password together, decoded.
const DECODED_MAX: usize = 384;
/// The longest field that is decoded.
const ENCODED_MAX: usize = DECODED_MAX / 3 * 4;

/// Room for decoded credentials; wiped by nobody, but it never leaves the stack.
pub struct Room([u8; DECODED_MAX]);

impl Default for Room {
    fn default() -> Room {
        Room([0; DECODED_MAX])
    }
}

/// A login and a password as a client gave them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The login.
    pub login: &'a [u8],
    /// The password.
    pub password: &'a [u8],
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// What a request says about who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// Nothing.
    Nothing,
    /// Something that is no login and password: another scheme, bad base64, an empty part.
    Unreadable,
    /// A login and a password, neither of them empty.
    Basic(Credentials<'a>),
}

impl<'a> Presented<'a> {
    /// Reads the value of `Proxy-Authorization`. The login ends at the first colon.
    pub fn read(value: Option<&[u8]>, room: &'a mut Room) -> Presented<'a> {
        let Some(value) = value else { return Presented::Nothing };
        decode(trim(value), room).map_or(Presented::Unreadable, Presented::Basic)
    }
}

fn decode<'a>(value: &[u8], room: &'a mut Room) -> Option<Credentials<'a>> {
    let (scheme, encoded) = value.split_at_checked(6)?;
    let encoded = trim(encoded);
    if !scheme.eq_ignore_ascii_case(b"basic ") || encoded.len() > ENCODED_MAX {
        return None;
    }
    let length = STANDARD.decode_slice(encoded, &mut room.0).ok()?;
    let decoded = room.0.get(..length)?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let (login, password) = decoded.split_at_checked(colon)?;
    let password = password.get(1..)?;
    (!login.is_empty() && !password.is_empty()).then_some(Credentials { login, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read() {
        for value in
            ["Basic dXNlcjpwYTpzcw==", "bAsIc   dXNlcjpwYTpzcw== ", "BASIC dXNlcjpwYTpzcw=="]
        {
            let mut room = Room::default();
            let Presented::Basic(found) = Presented::read(Some(value.as_bytes()), &mut room) else {
                panic!("{value}");
            };
            assert_eq!((found.login, found.password), (&b"user"[..], &b"pa:ss"[..]));
            assert!(!format!("{found:?}").contains("user"));
        }
        assert_eq!(Presented::read(None, &mut Room::default()), Presented::Nothing);
    }

    #[test]
    fn everything_else_is_unreadable() {
        let long = format!("Basic {}", STANDARD.encode(format!("u:{}", "p".repeat(400))));
        let huge = format!("Basic {}", "QUFB".repeat(250_000));
        for value in [
            "",
            "\"",
            "Basic",
            "Basic ",
            "Basic dXNlcg==",
            "Basic OnBhc3M=",
            "Basic dXNlcjo=",
            "Basic Og==",
            "Basic !!!",
            "Basic dXNlcjpwYXNz=",
            "Basic dXNlcjpwYXN\0",
            "Bearer dXNlcjpwYXNz",
            "Digest username=\"u\"",
            "Basicdxnlcjpwyxnz",
            "Basic \u{fc}",
            "Basic dXNlcjpwYXNz dXNlcjpwYXNz",
            "Basic,dXNlcjpwYXNz",
            &long,
            &huge,
        ] {
            let mut room = Room::default();
            let found = Presented::read(Some(value.as_bytes()), &mut room);
            assert_eq!(found, Presented::Unreadable, "{}", &value[..value.len().min(40)]);
        }
    }
}
