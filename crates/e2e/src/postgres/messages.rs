//! As much of PostgreSQL's protocol as is needed to see where one message ends and whether it
//! commits.
//!
//! Nothing here reads a socket: each side is given what has arrived so far.

use std::collections::BTreeSet;

/// What comes first on a connection has no letter, so its length tells nothing from garbage; but no
/// client of ours sends more before it has an answer.
const FIRST_MAX: usize = 64 * 1024;

/// The longest message that is taken to be one.
const MESSAGE_MAX: usize = 64 * 1024 * 1024;

/// The first message that asks for encryption, or for Kerberos' kind of it.
const ASKS_FOR_ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

/// What a client sends.
#[derive(Debug, Default)]
pub(crate) struct FromClient {
    /// Whether it has said who it is.
    has_begun: bool,
    /// Names of prepared statements that are a commit, and of portals of such.
    statements: BTreeSet<Vec<u8>>,
    portals: BTreeSet<Vec<u8>>,
}

/// What a message of a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It asks whether the connection can be encrypted. The answer is one letter.
    AsksForEncryption,
    /// It commits.
    Commit,
    /// Anything else.
    Other,
}

/// What a message of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It says that something was committed.
    Committed,
    /// Anything else.
    Other,
}

/// The bytes are none of PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbled;

/// A message behind the first ones.
struct Message<'a> {
    /// Its letter.
    kind: u8,
    body: &'a [u8],
    /// How long it is in all.
    length: usize,
}

impl FromClient {
    /// Looks at the front of `bytes`: how long the first message is, and what it is. `None` if more
    /// of it is needed.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Result<Option<(usize, Sent)>, Garbled> {
        if self.has_begun {
            let Some(message) = Message::first(bytes)? else { return Ok(None) };
            return Ok(Some((message.length, self.sent(message.kind, message.body))));
        }
        let Some(length) = number(bytes) else { return Ok(None) };
        let length = length as usize;
        if !(8..=FIRST_MAX).contains(&length) {
            return Err(Garbled);
        }
        if bytes.len() < length {
            return Ok(None);
        }
        if number(&bytes[4..]).is_some_and(|code| ASKS_FOR_ENCRYPTION.contains(&code)) {
            return Ok(Some((length, Sent::AsksForEncryption)));
        }
        self.has_begun = true;
        Ok(Some((length, Sent::Other)))
    }

    fn sent(&mut self, kind: u8, body: &[u8]) -> Sent {
        let mut texts = body.split(|byte| *byte == 0);
        let mut text = || texts.next().unwrap_or_default();
        match kind {
            b'Q' if commits(text()) => return Sent::Commit,
            b'E' if self.portals.contains(text()) => return Sent::Commit,
            b'P' => {
                let (name, sql) = (text(), text());
                note(&mut self.statements, name, commits(sql));
            }
            b'B' => {
                let (portal, statement) = (text(), text());
                note(&mut self.portals, portal, self.statements.contains(statement));
            }
            b'C' => match text().split_first() {
                Some((b'S', name)) => note(&mut self.statements, name, false),
                Some((b'P', name)) => note(&mut self.portals, name, false),
                _ => {}
            },
            _ => {}
        }
        Sent::Other
    }
}

/// The same for what a server answers, except for the letter that answers the question for
/// encryption.
pub(crate) fn answered(bytes: &[u8]) -> Result<Option<(usize, Answered)>, Garbled> {
    let Some(message) = Message::first(bytes)? else { return Ok(None) };
    let committed = message.kind == b'C' && message.body == b"COMMIT\0";
    Ok(Some((message.length, if committed { Answered::Committed } else { Answered::Other })))
}

impl Message<'_> {
    /// The one at the front.
    fn first(bytes: &[u8]) -> Result<Option<Message<'_>>, Garbled> {
        let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
        let Some(length) = number(rest) else { return Ok(None) };
        let length = length as usize;
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Err(Garbled);
        }
        let body = rest.get(4..length);
        Ok(body.map(|body| Message { kind: *kind, body, length: length + 1 }))
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// Whether the last of these statements commits.
fn commits(sql: &[u8]) -> bool {
    let text = String::from_utf8_lossy(sql);
    let last = text.split(';').map(str::trim).rfind(|statement| !statement.is_empty());
    last.is_some_and(|statement| statement.eq_ignore_ascii_case("commit"))
}

/// A new meaning takes the place of the old.
fn note(names: &mut BTreeSet<Vec<u8>>, name: &[u8], is_commit: bool) {
    match is_commit {
        true => names.insert(name.to_vec()),
        false => names.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn begun() -> FromClient {
        FromClient { has_begun: true, ..FromClient::default() }
    }

    /// Checks the whole message, every beginning of it, and the message with another behind it.
    #[track_caller]
    fn check(from: &mut FromClient, bytes: &[u8], expected: Sent) {
        for cut in 0..bytes.len() {
            assert_eq!(from.look(&bytes[..cut]), Ok(None), "cut after {cut} bytes");
        }
        let followed = [bytes, &framed(b'S', b"")].concat();
        assert_eq!(from.look(&followed), Ok(Some((bytes.len(), expected))));
    }

    #[test]
    fn a_commit_is_seen_in_a_simple_query() {
        for (sql, expected) in [
            ("COMMIT", Sent::Commit),
            (" commit ; ", Sent::Commit),
            ("INSERT INTO t VALUES (1); COMMIT", Sent::Commit),
            ("COMMIT; BEGIN", Sent::Other),
            ("SELECT 'COMMIT'", Sent::Other),
            ("", Sent::Other),
        ] {
            check(&mut begun(), &framed(b'Q', format!("{sql}\0").as_bytes()), expected);
        }
    }

    #[test]
    fn a_commit_is_seen_when_it_is_executed_and_not_when_it_is_prepared() {
        let mut from = begun();
        check(&mut from, &framed(b'P', b"s1\0COMMIT\0\0\0"), Sent::Other);
        check(&mut from, &framed(b'B', b"\0s1\0\0\0\0\0\0\0"), Sent::Other);
        check(&mut from, &framed(b'E', b"\0\0\0\0\0"), Sent::Commit);
        check(&mut from, &framed(b'B', b"\0s2\0\0\0\0\0\0\0"), Sent::Other);
        check(&mut from, &framed(b'E', b"\0\0\0\0\0"), Sent::Other);
        check(&mut from, &framed(b'C', b"Ss1\0"), Sent::Other);
        check(&mut from, &framed(b'B', b"\0s1\0\0\0\0\0\0\0"), Sent::Other);
        check(&mut from, &framed(b'E', b"\0\0\0\0\0"), Sent::Other);
    }

    #[test]
    fn what_comes_first_has_no_letter() {
        let mut from = FromClient::default();
        check(&mut from, &[0, 0, 0, 8, 4, 210, 22, 47], Sent::AsksForEncryption);
        let mut from = FromClient::default();
        let first = [&[0, 0, 0, 16, 0, 3, 0, 0][..], b"user\0me\0"].concat();
        assert_eq!(from.look(&first), Ok(Some((16, Sent::Other))));
        check(&mut from, &framed(b'Q', b"COMMIT\0"), Sent::Commit);
        assert_eq!(FromClient::default().look(b"GET / HTTP/1.1"), Err(Garbled));
    }

    #[test]
    fn an_answer_says_that_something_was_committed() {
        let answer = framed(b'C', b"COMMIT\0");
        assert_eq!(answered(&answer), Ok(Some((answer.len(), Answered::Committed))));
        assert_eq!(answered(&answer[..7]), Ok(None));
        let other = framed(b'C', b"INSERT 0 1\0");
        assert_eq!(answered(&other), Ok(Some((other.len(), Answered::Other))));
    }
}
