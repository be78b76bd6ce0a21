//! Whole conversations: what a client says, in pieces, and what an origin answers. Whatever they
//! say, the origin reads plain requests and the client plain answers.

use std::cell::LazyCell;
use std::time::Duration;

use gateway::http::Ending;
use tokio::runtime::{Builder, Runtime};

use crate::plain::{self, Kind};
use crate::support::{Around, Origin, converse_in_steps};

/// What no origin is told. Trailers may have other names that are nobody's business.
const PRIVATE: [&str; 7] =
    ["proxy-authorization", "via", "forwarded", "x-forwarded-for", "x-real-ip", "te", "keep-alive"];

/// Between what the client says and what the origin answers.
const SWITCH: &[u8] = b"\xff\xff";

thread_local! {
    static RUNTIME: LazyCell<Runtime> = const {
        LazyCell::new(|| {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime can be made")
        })
    };
}

/// The first byte says how the rest goes: how long the pieces are, and who closes when.
pub(crate) fn run(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let switch = bytes.windows(2).position(|two| two == SWITCH).unwrap_or(bytes.len());
    let (said, answer) = bytes.split_at(switch);
    let answer = answer.get(2..).unwrap_or_default();
    let piece = if how & 1 == 0 { said.len() } else { usize::from(how >> 3) + 1 };
    let pieces: Vec<&[u8]> = said.chunks(piece.max(1)).take(200).collect();
    let origin = || match how & 2 {
        0 => Origin::After(1, answer.to_vec()),
        _ => Origin::Pieces(answer.chunks(piece.max(1)).take(50).map(<[u8]>::to_vec).collect()),
    };
    let converse = async {
        let mut around = Around::new([origin(), origin(), origin()]);
        around.pause = Duration::from_millis(1);
        around.needs_credentials = how & 4 != 0;
        converse_in_steps(around, &pieces, how & 4 == 0).await
    };
    let outcome = RUNTIME.with(|runtime| runtime.block_on(converse));

    for number in 0..outcome.seen.connections() {
        let heard = outcome.seen.connection(number);
        let mut rest = heard.as_slice();
        while let Some((message, length)) = plain::read(rest, Kind::Request, true) {
            for (name, _) in &message.fields {
                assert!(!PRIVATE.contains(&name.to_ascii_lowercase().as_str()), "{message:?}");
            }
            rest = &rest[length..];
            if message.field("Upgrade").is_some() {
                // What follows may be in the other protocol.
                rest = &[];
            }
        }
        // What is left is the beginning of a request, which has not been read to its end.
        assert!(rest.is_empty() || number + 1 == outcome.seen.connections() || half(rest));
    }
    // An answer to HEAD cannot be told from others by itself.
    if said.windows(4).any(|four| four.eq_ignore_ascii_case(b"HEAD")) {
        return;
    }
    let mut rest = outcome.answer.as_slice();
    while let Some((message, length)) = plain::read(rest, Kind::Response, true) {
        rest = &rest[length..];
        if message.status() == 101 {
            return;
        }
    }
    let whole = matches!(outcome.ending, Ending::Closed | Ending::Connect { .. });
    assert!(rest.is_empty() || !whole, "half an answer: {}", rest.escape_ascii());
}

/// Whether it is a request whose body has not all come.
fn half(bytes: &[u8]) -> bool {
    plain::read(bytes, Kind::Request, false).is_none()
}
