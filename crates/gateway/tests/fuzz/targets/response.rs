//! Heads of responses: what goes back has one meaning.

use std::mem::MaybeUninit;

use gateway::http::framing::Length;
use gateway::http::head::{FIELDS_MAX, HeadError, Scanner, Version, read_response};
use gateway::http::{Asked, Response};

pub(crate) fn run(bytes: &[u8]) {
    let Some((bits, bytes)) = bytes.split_first() else { return };
    let asked = Asked {
        version: if bits & 1 == 0 { Version::Http11 } else { Version::Http10 },
        keeps: bits & 2 == 0,
        is_head: bits & 4 == 0,
        is_repeatable: true,
        expects: bits & 8 == 0,
        upgrades: bits & 16 == 0,
        length: Length::Empty,
        trailers: true,
    };
    let Ok(Some(end)) = Scanner::default().end(bytes) else { return };
    let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let Ok(head) = read_response(&bytes[..end], &mut slots) else { return };
    let Ok(response) = Response::judge(head, &asked) else { return };
    let mut out = Vec::new();
    response.write(&asked, response.keeps(), &mut out);
    assert_eq!(Scanner::default().end(&out), Ok(Some(out.len())));
    // It is read the same by the next who reads it.
    let mut slots = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let head = match read_response(&out, &mut slots) {
        // One field more than there may be was added.
        Err(HeadError::TooLarge) => return,
        head => head.expect("what was written can be read"),
    };
    let again = Response::judge(head, &asked).expect("and judged");
    if asked.version == Version::Http11 {
        assert_eq!(again.follows(), response.follows());
    }
}
