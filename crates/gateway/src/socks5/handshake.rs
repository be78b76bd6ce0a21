//! Which way of authentication, and the one with login and password.

use crate::admit::{Claim, Grant};
use crate::caller::{Guest, Read};
use crate::http::Credentials;
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

/// The ways of authentication that a client offers, and the length of the message; nothing as long
/// as it is not complete.
pub fn offered(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, Refusal> {
    let Some((version, rest)) = bytes.split_first() else { return Ok(None) };
    if *version != VERSION {
        return Err(Refusal::Malformed);
    }
    Ok(counted(rest).map(|(offered, _)| (offered, 2 + offered.len())))
}

/// A login and a password, and the length of the message; nothing as long as it is not complete.
pub fn credentials(bytes: &[u8]) -> Result<Option<(Credentials<'_>, usize)>, Refusal> {
    let Some((version, rest)) = bytes.split_first() else { return Ok(None) };
    if *version != LOGIN_VERSION {
        return Err(Refusal::Malformed);
    }
    let Some((login, rest)) = counted(rest) else { return Ok(None) };
    let Some((password, _)) = counted(rest) else { return Ok(None) };
    let used = 3 + login.len() + password.len();
    Ok(Some((Credentials { login, password }, used)))
}

/// Chooses one of the ways that a client offers. What a lease asks for decides, not the client's
/// order: who comes from an authorised address needs no login, everybody else does.
pub(super) fn choose(guest: &mut Guest<'_>, bytes: &[u8]) -> Read<Choice> {
    let (offered, used) = match offered(bytes) {
        Ok(Some(found)) => found,
        Ok(None) => return Read::More,
        Err(_) => return Read::Done(Choice::Nothing, bytes.len()),
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

/// Lets a client in by its login and password, if they are right.
pub(super) fn login(guest: &mut Guest<'_>, bytes: &[u8]) -> Read<Result<Grant, Refusal>> {
    match credentials(bytes) {
        Ok(None) => Read::More,
        Ok(Some((Credentials { login, password }, used))) => {
            Read::Done(guest.admit(Claim::Login { login, password }), used)
        }
        Err(refusal) => Read::Done(Err(refusal), bytes.len()),
    }
}

/// Bytes after a byte that says how many they are, and what follows; nothing if there are fewer.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*count))
}
