//! Which way of authentication, and the one with login and password.

use crate::admit::{Claim, Grant};
use crate::caller::{Guest, Read};
use crate::refusal::Refusal;

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;

const BY_NOTHING: u8 = 0x00;
const BY_LOGIN: u8 = 0x02;
const NOTHING_FITS: u8 = 0xff;

/// Answers to the first message.
pub(super) const SOURCE_IS_ENOUGH: [u8; 2] = [VERSION, BY_NOTHING];
pub(super) const LOGIN_IS_NEEDED: [u8; 2] = [VERSION, BY_LOGIN];
pub(super) const NONE_ACCEPTED: [u8; 2] = [VERSION, NOTHING_FITS];

/// Answers to login and password.
pub(super) const LOGIN_IS_RIGHT: [u8; 2] = [LOGIN_VERSION, 0];
pub(super) const LOGIN_IS_WRONG: [u8; 2] = [LOGIN_VERSION, 1];

/// How the client is to be authenticated.
#[derive(Debug)]
pub(super) enum Choice {
    /// It was: the address that it comes from is enough.
    Source(Grant),
    /// By login and password.
    Login,
    /// Not at all.
    Nothing,
}

/// Reads the ways that a client offers and chooses one. What a lease asks for decides, not the
/// client's order: who comes from an authorised address needs no login, everybody else does.
pub(super) fn choose(guest: &mut Guest<'_>, bytes: &[u8]) -> Read<Choice> {
    let (offered, used) = match bytes {
        [VERSION, count, rest @ ..] => match rest.get(..usize::from(*count)) {
            Some(offered) => (offered, 2 + offered.len()),
            None => return Read::More,
        },
        [VERSION] => return Read::More,
        _ => return Read::Done(Choice::Nothing, bytes.len()),
    };
    if offered.contains(&BY_NOTHING) {
        // A lease that lets the address in and cannot be used now, because it has ended or is full,
        // is no reason against another that the client may have a login of.
        if let Ok(grant) = guest.admit(Claim::Nobody) {
            return Read::Done(Choice::Source(grant), used);
        }
    }
    let choice = if offered.contains(&BY_LOGIN) { Choice::Login } else { Choice::Nothing };
    Read::Done(choice, used)
}

/// Reads a login and its password.
pub(super) fn login(guest: &mut Guest<'_>, bytes: &[u8]) -> Read<Result<Grant, Refusal>> {
    let Some((version, rest)) = bytes.split_first() else { return Read::More };
    if *version != LOGIN_VERSION {
        return Read::Done(Err(Refusal::Malformed), bytes.len());
    }
    let Some((login, rest)) = counted(rest) else { return Read::More };
    let Some((password, _)) = counted(rest) else { return Read::More };
    let used = 3 + login.len() + password.len();
    Read::Done(guest.admit(Claim::Login { login, password }), used)
}

/// Bytes after a byte that says how many they are, and what follows; nothing if there are fewer.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*count))
}
