//! Ambiguous messages, made by the hundred: each is refused, or goes on as exactly one that means
//! one thing.

use gateway::http::Ending;

use crate::plain::{self, Body, Kind};
use crate::support::{Around, OK, Origin, always, converse};

const SECRET: &str = "canary-7f3a";

/// What must never be seen behind the gateway.
const PRIVATE: &str = "Proxy-Authorization: Basic canary-7f3a\r\nVia: 1.1 canary-7f3a\r\n\
    X-Forwarded-For: canary-7f3a\r\nX-Forwarded-Proto: canary-7f3a\r\nForwarded: for=canary-7f3a\r\n\
    X-Real-IP: canary-7f3a\r\nTE: canary-7f3a\r\nKeep-Alive: canary-7f3a\r\n\
    Proxy-Anything: canary-7f3a\r\nConnection: X-Hop, x-HOP-2\r\nX-Hop: canary-7f3a\r\n\
    x-hop-2: canary-7f3a\r\nConnection: Connection\r\nProxy-Connection: Proxy-Connection\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Nothing,
    Sized,
    Chunked,
    Refused,
}

use Means::{Chunked, Nothing, Refused, Sized};

/// Fields that frame a body of five bytes, and what they mean in HTTP/1.1.
const FRAMINGS: &[(&str, Means)] = &[
    ("", Nothing),
    ("Content-Length: 5\r\n", Sized),
    ("content-length:5\r\n", Sized),
    ("CONTENT-LENGTH: \t5 \t\r\n", Sized),
    ("Content-Length: 0005\r\n", Sized),
    ("Content-Length: 5\r\nContent-Length: 5\r\n", Sized),
    ("Content-Length: 5\r\nContent-Length: 6\r\n", Refused),
    ("Content-Length: 6\r\nContent-Length: 5\r\n", Refused),
    ("Content-Length: 5\r\ncontent-length : 6\r\n", Refused),
    ("Content-Length : 5\r\n", Refused),
    ("Content-Length\t: 5\r\n", Refused),
    (" Content-Length: 5\r\n", Refused),
    ("Content-Length: 5, 5\r\n", Refused),
    ("Content-Length: 5,6\r\n", Refused),
    ("Content-Length: 5;\r\n", Refused),
    ("Content-Length:\r\n", Refused),
    ("Content-Length: \r\n", Refused),
    ("Content-Length: +5\r\n", Refused),
    ("Content-Length: -5\r\n", Refused),
    ("Content-Length: 0x5\r\n", Refused),
    ("Content-Length: 5.0\r\n", Refused),
    ("Content-Length: 5e0\r\n", Refused),
    ("Content-Length: 5 5\r\n", Refused),
    ("Content-Length: \"5\"\r\n", Refused),
    ("Content-Length: five\r\n", Refused),
    ("Content-Length: 5\0\r\n", Refused),
    ("Content-Length: \u{b}5\r\n", Refused),
    ("Content-Length: 18446744073709551621\r\n", Refused),
    ("Content-Length: 99999999999999999999999999999999999\r\n", Refused),
    ("Content-Length: 5\n", Refused),
    ("Content-Length: 5\r\r\n", Refused),
    ("Content-Length:\r\n 5\r\n", Refused),
    ("Content-Length: 5\r\n ,6\r\n", Refused),
    ("Transfer-Encoding: chunked\r\n", Chunked),
    ("transfer-encoding:chunked\r\n", Chunked),
    ("TRANSFER-ENCODING: CHUNKED\r\n", Chunked),
    ("Transfer-Encoding: \tChunked \r\n", Chunked),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Refused),
    ("Transfer-Encoding: chunked, chunked\r\n", Refused),
    ("Transfer-Encoding: gzip, chunked\r\n", Refused),
    ("Transfer-Encoding: chunked, gzip\r\n", Refused),
    ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Refused),
    ("Transfer-Encoding: identity\r\n", Refused),
    ("Transfer-Encoding: identity, chunked\r\n", Refused),
    ("Transfer-Encoding: xchunked\r\n", Refused),
    ("Transfer-Encoding: chunkedx\r\n", Refused),
    ("Transfer-Encoding: chunked;q=1\r\n", Refused),
    ("Transfer-Encoding: \"chunked\"\r\n", Refused),
    ("Transfer-Encoding: ,chunked\r\n", Refused),
    ("Transfer-Encoding: chunked,\r\n", Refused),
    ("Transfer-Encoding:\r\n", Refused),
    ("Transfer-Encoding:\r\n chunked\r\n", Refused),
    ("Transfer-Encoding: chunked\0\r\n", Refused),
    ("Transfer-Encoding: \u{b}chunked\r\n", Refused),
    ("Transfer-Encoding: chunked\n", Refused),
    ("Transfer-Encoding : chunked\r\n", Refused),
    ("Transfer-Encoding\t: chunked\r\n", Refused),
    (" Transfer-Encoding: chunked\r\n", Refused),
    ("X: y\nTransfer-Encoding: chunked\r\n", Refused),
    ("X: y\rTransfer-Encoding: chunked\r\n", Refused),
    (": x\r\nContent-Length: 5\r\n", Refused),
    ("Content-Length: 5\r\n: x\r\n", Refused),
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Refused),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Refused),
    ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", Refused),
    ("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", Refused),
    ("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", Refused),
    ("Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", Sized),
    ("Content-Length: 5\r\nX-Transfer-Encoding: chunked\r\n", Sized),
    ("Content_Length: 6\r\n", Nothing),
    ("Connection: Content-Length\r\nContent-Length: 5\r\n", Refused),
    ("Content-Length: 5\r\nConnection: close, content-length\r\n", Refused),
    ("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", Refused),
    ("Connection: Host\r\n", Refused),
    ("Connection: Proxy-Authorization\r\n", Refused),
    ("Connection: Authorization\r\n", Refused),
    ("Connection: Cookie\r\n", Refused),
    ("Connection: \"close\"\r\n", Refused),
    ("Host: b.example\r\n", Refused),
    ("host: a.example\r\n", Refused),
    ("Expect: 100-continue, x\r\n", Refused),
];

const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";
const NEXT: &str = "GET http://next.example/ HTTP/1.1\r\nHost: next.example\r\n\r\n";

/// What follows the head, what of it is the body if the head says Sized and if it says Chunked.
const BODIES: &[&str] = &["", "hello", CHUNKS, "hello0\r\n\r\n", "0\r\n\r\nG", "0\r\n\r\n"];

#[tokio::test(start_paused = true)]
async fn no_request_has_two_ends() {
    let mut tried = 0;
    for (framing, means) in FRAMINGS {
        for method in ["GET", "POST", "HEAD", "DELETE", "OPTIONS"] {
            for body in BODIES {
                for next in ["", NEXT] {
                    let request = format!(
                        "{method} http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{PRIVATE}\
                         {framing}\r\n{body}{next}"
                    );
                    check_request(&request, *means, &format!("{body}{next}")).await;
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 4000, "{tried}");
}

async fn check_request(request: &str, means: Means, rest: &str) {
    // The password is not one, and this gateway lets everybody in without.
    let request = request.replace("Basic canary-7f3a", "Basic Y2FuYXJ5LTdmM2E6cGFzcw==");
    let outcome = converse(Around::new([always(OK), always(OK)]), request.as_bytes()).await;
    let seen = outcome.seen.all();
    let show = format!("{request:?}\n=> {:?}", String::from_utf8_lossy(&seen));
    let text = String::from_utf8(seen.clone()).unwrap().to_ascii_lowercase();
    assert!(!text.contains(SECRET) && !text.contains("y2fuyxj5"), "{show}");
    assert!(!text.contains("\r\nvia:") && !text.contains("\r\nx-hop"), "{show}");
    let expected = match means {
        Refused => {
            assert!((400..500).contains(&outcome.status()), "{show}");
            assert!(seen.is_empty() && outcome.seen.connections() == 0, "{show}");
            assert!(matches!(outcome.ending, Ending::Closed), "{show}");
            return;
        }
        Nothing => Body::None,
        // A body that has not all come is not a whole request, and no answer was sent to it.
        Sized if rest.len() < 5 => return,
        Sized => Body::Sized(rest.as_bytes()[..5].to_vec()),
        Chunked if rest.starts_with("5\r\n") => Body::Chunked(b"hello".to_vec()),
        Chunked if rest.starts_with("0\r\n") => Body::Chunked(Vec::new()),
        // The head may have gone out, but no end of a body has.
        Chunked => {
            assert!(!text.contains("\r\n0\r\n"), "{show}");
            assert!(!text.contains("next.example"), "{show}");
            return;
        }
    };
    let (first, length) = plain::read(&seen, Kind::Request, true).expect(&show);
    assert_eq!(first.body, expected, "{show}");
    assert_eq!(first.field("Host"), Some("a.example"), "{show}");
    // Behind it comes what the client wrote behind it, or nothing.
    let behind = plain::read_all(&seen[length..], Kind::Request);
    assert!(behind.len() <= 1, "{show}");
    assert!(behind.iter().all(|message| message.field("Host") == Some("next.example")), "{show}");
}

#[tokio::test(start_paused = true)]
async fn no_old_request_is_in_chunks() {
    for (framing, means) in FRAMINGS {
        let means = if *means == Chunked { Refused } else { *means };
        let request = format!("POST http://a.example/ HTTP/1.0\r\n{framing}\r\nhello");
        // Who names no host may name one.
        if !framing.to_ascii_lowercase().starts_with("host") {
            check_request(&request, means, "hello").await;
        }
    }
}

/// Every byte of a head replaced by, and preceded by, those that readers disagree about.
#[tokio::test(start_paused = true)]
async fn no_byte_in_a_request_makes_it_two() {
    let request = "POST http://a.example/p HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\
                   X-A: b\r\n\r\nhello";
    let head = request.len() - 5;
    let mut tried = 0;
    for at in 0..head {
        for byte in [
            b"\0".as_slice(),
            b"\t",
            b"\n",
            b"\r",
            b"\r\n",
            b" ",
            b",",
            b":",
            b";",
            b"\"",
            b"#",
            b"%",
            b"/",
            b"@",
            b"\\",
            b"0",
            b"1",
            b"\x0b",
            b"\x0c",
            b"\x7f",
            b"\x80",
            b"\xc3\xa4",
        ] {
            for replaced in [0, 1] {
                let bytes = [&request.as_bytes()[..at], byte, &request.as_bytes()[at + replaced..]]
                    .concat();
                let outcome = converse(Around::new([always(OK), always(OK)]), &bytes).await;
                let seen = outcome.seen.all();
                // Panics if it is not plain.
                if plain::read(&seen, Kind::Request, true).is_some() {
                    let all = plain::read_all(&seen, Kind::Request);
                    assert_eq!(all.len(), 1, "{}", bytes.escape_ascii());
                } else if seen.is_empty() {
                    assert_eq!(outcome.seen.connections(), 0);
                    assert!(
                        (400..600).contains(&outcome.status()) || outcome.answer.is_empty(),
                        "{}\n=> {}",
                        bytes.escape_ascii(),
                        outcome.text()
                    );
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 3000, "{tried}");
}

#[tokio::test(start_paused = true)]
async fn no_response_has_two_ends() {
    let request = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n".repeat(2);
    let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
    let mut tried = 0;
    for (framing, means) in FRAMINGS {
        // These are the request's.
        if ["host", "expect"].iter().any(|name| framing.to_ascii_lowercase().starts_with(name)) {
            continue;
        }
        for status in ["200 OK", "404 Not Found", "204 No Content", "304 Not Modified"] {
            for body in BODIES {
                let answer = format!("HTTP/1.1 {status}\r\n{framing}\r\n{body}{smuggled}");
                let around = Around::new([Origin::Answers(vec![answer.into_bytes()])]);
                let outcome = converse(around, request.as_bytes()).await;
                check_response(&outcome.answer, framing, *means, status, body);
                tried += 1;
            }
        }
    }
    assert!(tried > 1500, "{tried}");
}

fn check_response(answer: &[u8], framing: &str, means: Means, status: &str, body: &str) {
    let show = format!("{status} {framing:?} {body:?}\n=> {}", answer.escape_ascii());
    let bodiless = status.starts_with("204") || status.starts_with("304");
    let kind = if bodiless { Kind::Bodiless } else { Kind::Response };
    // Servers name what they may not in Connection; that is forgiven, as nothing comes of it.
    let nominates = framing.starts_with("Connection: ") || framing.contains("close, ");
    let forgiven = nominates && !framing.contains('"');
    let text = String::from_utf8_lossy(answer);
    if means == Refused && !forgiven {
        assert!(text.starts_with("HTTP/1.1 502 "), "{show}");
        return;
    }
    let ends_badly = !bodiless
        && (framing.contains("hunked") || framing.contains("CHUNKED"))
        && !framing.contains("ransfer_")
        && !framing.contains("X-Transfer")
        && !body.starts_with("5\r\n")
        && !body.starts_with("0\r\n");
    if ends_badly {
        assert!(!text.contains("smuggled") && !text.contains("\r\n0\r\n"), "{show}");
        return;
    }
    let (first, length) = plain::read(answer, kind, true).expect(&show);
    let until_close = matches!(first.body, Body::UntilClose(_));
    assert!(!String::from_utf8_lossy(&answer[length..]).contains("smuggled"), "{show}");
    assert!(
        until_close
            || bodiless
            || framing.to_ascii_lowercase().contains("content-length")
            || framing.to_ascii_lowercase().contains("transfer-encoding"),
        "{show}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_byte_in_a_response_makes_it_two() {
    let response = "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";
    let request = b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
    for at in 0..response.len() - 5 {
        for byte in [
            b"\0".as_slice(),
            b"\t",
            b"\n",
            b"\r",
            b"\r\n",
            b" ",
            b",",
            b":",
            b";",
            b"1",
            b"\x0b",
            b"\x7f",
        ] {
            for replaced in [0, 1] {
                let bytes =
                    [&response.as_bytes()[..at], byte, &response.as_bytes()[at + replaced..]]
                        .concat();
                let around = Around::new([Origin::Answers(vec![bytes.clone()])]);
                let outcome = converse(around, request).await;
                let whole = matches!(outcome.ending, Ending::Closed);
                if whole {
                    let all = plain::read_all(&outcome.answer, Kind::Response);
                    assert_eq!(all.len(), 1, "{}", bytes.escape_ascii());
                }
            }
        }
    }
}
