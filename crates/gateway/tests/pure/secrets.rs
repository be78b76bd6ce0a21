//! What the gateway says by itself is its own words: nothing of what a client or an origin has said
//! is in it.

use gateway::refusal::Refusal;

use crate::support::{Around, Origin, always, converse};

const CANARY: &str = "canary-19c2";

/// Requests that are refused, with the status that each gets.
const REFUSED: &[(&str, u16)] = &[
    ("GET http://{}.example/{} HTTP/1.1\r\nHost: {}\r\n{}: {}\r\n{} x\r\n\r\n", 400),
    ("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", 400),
    ("GET http://{}.example/{} HTTP/1.1\r\n{}: {}\r\n\r\n", 400),
    ("GET http://{}@a.example/{} HTTP/1.1\r\nHost: {}\r\n\r\n", 400),
    ("GET ftp://{}.example/{} HTTP/1.1\r\nHost: {}\r\n\r\n", 400),
    ("CONNECT {}.example HTTP/1.1\r\nHost: {}\r\n\r\n", 400),
    ("CONNECT {}.example:65536 HTTP/1.1\r\nHost: {}\r\n\r\n", 400),
    ("TRACE http://{}.example/{} HTTP/1.1\r\nHost: {}\r\n\r\n", 405),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nExpect: {}\r\n\r\n", 417),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nProxy-Authorization: Basic {}\r\n\r\n", 407),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nProxy-Authorization: {}\r\n\r\n", 407),
    ("GET http://{}.example/ HTTP/3.0\r\nHost: {}\r\n\r\n", 505),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n", 400),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: {}\r\n\r\n", 400),
    ("GET http://{}.example/ HTTP/1.1\r\nHost: {}\r\nConnection: {} {}\r\n\r\n", 400),
    ("{}", 408),
    ("{}\r\n\r\n", 400),
];

/// What origins answer that cannot be passed on.
const BAD: &[&str] = &[
    "{}",
    "HTTP/1.1 200 {}\r\n{}\r\n\r\n",
    "HTTP/1.1 407 {}\r\nProxy-Authenticate: Basic realm=\"{}\"\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.1 101 {}\r\nUpgrade: {}\r\nConnection: Upgrade\r\n\r\n{}",
    "HTTP/1.1 200 {}\r\nContent-Length: {}\r\n\r\n{}",
    "HTTP/1.1 200 {}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    "HTTP/1.1 200 {}\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n",
];

#[tokio::test(start_paused = true)]
async fn no_refusal_repeats_what_a_client_said() {
    for (request, status) in REFUSED {
        let outcome = converse(Around::new([]), request.replace("{}", CANARY).as_bytes()).await;
        if *status == 408 {
            // It has left before its time was over.
            assert_eq!(outcome.answer, b"");
            continue;
        }
        assert_eq!(outcome.status(), *status, "{request:?}");
        assert!(!outcome.text().contains(CANARY), "{}", outcome.text());
        assert!(!outcome.text().contains("example"), "{}", outcome.text());
        assert_eq!(outcome.seen.connections(), 0, "{request:?}");
    }
    for refusal in Refusal::ALL {
        let around = Around::new([Origin::Refuses(*refusal)]);
        let request = format!(
            "GET http://{CANARY}.example/{CANARY} HTTP/1.1\r\nHost: {CANARY}\r\nX: {CANARY}\r\n\r\n"
        );
        let outcome = converse(around, request.as_bytes()).await;
        assert_eq!(outcome.status(), refusal.wording().status);
        assert!(!outcome.text().contains(CANARY), "{}", outcome.text());
    }
}

#[tokio::test(start_paused = true)]
async fn no_refusal_repeats_what_an_origin_said() {
    for answer in BAD {
        let around = Around::new([always(answer.replace("{}", CANARY).as_bytes())]);
        let request = b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let outcome = converse(around, request).await;
        let text = outcome.text();
        // A head that is good has gone out before its body is found to be bad.
        if answer.contains("chunked\r\n\r\n") && !answer.contains("Length") {
            assert!(!text.contains(&format!("\r\n\r\n{CANARY}")), "{text}");
            continue;
        }
        // Half a head may be the beginning of a good one.
        assert!([502, 504].contains(&outcome.status()), "{text}");
        assert!(!text.contains(CANARY) && !text.contains("Basic"), "{text}");
    }
}
