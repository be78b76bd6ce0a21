//! Requests and their responses, as clients and servers have them in practice.

use std::time::Duration;

use gateway::http::Ending;
use gateway::refusal::Refusal;
use tokio::time::Instant;

use crate::plain::{self, Body, Kind};
use crate::support::{Around, OK, Origin, always, converse, converse_in_steps};

fn get(path: &str) -> String {
    format!("GET http://a.example{path} HTTP/1.1\r\nHost: a.example\r\n\r\n")
}

fn texts(messages: &[plain::Message]) -> Vec<&str> {
    messages.iter().map(|message| message.first.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_client_to_one_place_share_a_connection() {
    let requests = [get("/1"), get("/2"), get("/3")].concat();
    let outcome = converse(Around::new([]), requests.as_bytes()).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(texts(&answers), ["HTTP/1.1 200 OK"; 3]);
    assert_eq!(outcome.seen.connections(), 1);
    let requests = plain::read_all(&outcome.seen.all(), Kind::Request);
    assert_eq!(texts(&requests), ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1", "GET /3 HTTP/1.1"]);
    assert!(matches!(outcome.ending, Ending::Closed));
}

#[tokio::test(start_paused = true)]
async fn another_place_is_another_connection() {
    let requests = get("/1") + "GET http://b.example:81/ HTTP/1.1\r\nHost: x\r\n\r\n" + &get("/3");
    let outcome = converse(Around::new([]), requests.as_bytes()).await;
    let targets = outcome.seen.targets.borrow().clone();
    assert_eq!(targets, ["a.example:80", "b.example:81", "a.example:80"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_gone_is_made_anew_if_nothing_can_happen_twice() {
    let gone = Origin::Answers(vec![OK.to_vec()]);
    let requests = [get("/1"), get("/2")].concat();
    let outcome = converse(Around::new([gone.clone()]), requests.as_bytes()).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(texts(&answers), ["HTTP/1.1 200 OK"; 2]);
    assert_eq!(outcome.seen.connections(), 2);
    assert_eq!(outcome.seen.connection(1), b"GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n");

    // It closes only when it gets the second request, and so may have done something with it.
    let closes_late = Origin::After(60, OK.to_vec());
    let post = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx";
    let outcome = converse(
        Around::new([Origin::Answers(vec![OK.to_vec()]), Origin::Closes, closes_late]),
        format!("{}{post}", get("/1")).as_bytes(),
    )
    .await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(answers.iter().map(plain::Message::status).collect::<Vec<_>>(), [200, 502]);
    assert_eq!(outcome.seen.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_repeated_does_not_go_over_a_connection_that_was_idle() {
    let post = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\nx";
    for (pause, request, connections) in
        [(1, post, 1), (3, post, 2), (3, get("/").as_str(), 1), (59, get("/").as_str(), 1)]
    {
        let steps = [get("/1").into_bytes(), request.into()];
        let steps = steps.each_ref().map(Vec::as_slice);
        let mut around = Around::new([]);
        around.pause = Duration::from_secs(pause);
        let outcome = converse_in_steps(around, &steps, true).await;
        assert_eq!(plain::read_all(&outcome.answer, Kind::Response).len(), 2);
        assert_eq!(outcome.seen.connections(), connections, "{pause} s, then {request}");
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_arrive_both_ways() {
    let big: Vec<u8> = (0..200_000u32).map(|number| (number % 251) as u8).collect();
    let answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n", big.as_slice()].concat();
    let mut request =
        b"POST http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n".to_vec();
    request.extend_from_slice(&big);
    let outcome = converse(Around::new([always(&answer)]), &request).await;
    let sent = plain::read_all(&outcome.seen.all(), Kind::Request);
    assert_eq!(sent[0].body, Body::Sized(big.clone()));
    let back = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(back[0].body, Body::Sized(big.clone()));

    // The same in chunks, of many sizes, with extensions.
    let chunked = |bytes: &[u8]| {
        let mut out = Vec::new();
        let mut rest = bytes;
        let mut size = 1;
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(size.min(rest.len()));
            out.extend_from_slice(format!("{:04X};x\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
            rest = behind;
            size = size * 3 % 9973 + 1;
        }
        out.extend_from_slice(b"0\r\nX-Sum: 1\r\n\r\n");
        out
    };
    let coding = b"Transfer-Encoding: chunked\r\n\r\n".as_slice();
    let answer = [b"HTTP/1.1 200 OK\r\n", coding, &chunked(&big)].concat();
    let request =
        [b"PUT http://a.example/ HTTP/1.1\r\nHost: a\r\n", coding, &chunked(&big)].concat();
    let two = [request.as_slice(), get("/next").as_bytes()].concat();
    let outcome = converse(Around::new([always(&answer)]), &two).await;
    let sent = plain::read_all(&outcome.seen.all(), Kind::Request);
    assert_eq!(sent[0].body, Body::Chunked(big.clone()));
    assert_eq!(sent[1].first, "GET /next HTTP/1.1");
    let back = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(back[0].body, Body::Chunked(big.clone()));
    assert_eq!(back.len(), 2);
    assert_eq!(outcome.seen.connections(), 1);

    // And to a client that knows no chunks.
    let old = b"GET http://a.example/ HTTP/1.0\r\n\r\n";
    let outcome = converse(Around::new([always(&answer)]), old).await;
    let back = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(back[0].body, Body::UntilClose(big));
}

#[tokio::test(start_paused = true)]
async fn responses_without_a_body_keep_the_connection() {
    for (method, answer) in [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"),
        ("DELETE", "HTTP/1.1 204 No Content\r\n\r\n"),
    ] {
        let request = format!("{method} http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n");
        let twice = request.repeat(2);
        let outcome = converse(Around::new([always(answer.as_bytes())]), twice.as_bytes()).await;
        let answers = plain::read_all(&outcome.answer, Kind::Bodiless);
        assert_eq!(answers.len(), 2, "{answer}");
        assert_eq!(outcome.seen.connections(), 1, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_with_the_connection_ends_the_clients_too() {
    for answer in
        ["HTTP/1.0 200 OK\r\n\r\nbody", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody"]
    {
        let origin = Origin::Answers(vec![answer.as_bytes().to_vec()]);
        let two = get("/1").repeat(2);
        let outcome = converse(Around::new([origin]), two.as_bytes()).await;
        let answers = plain::read_all(&outcome.answer, Kind::Response);
        assert_eq!(answers[0].field("Connection"), Some("close"));
        assert_eq!(answers[0].body, Body::UntilClose(b"body".to_vec()));
        assert_eq!(answers.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_breaks_off_is_not_ended_for_its_server() {
    let (sized, chunked) = ("Content-Length: 10", "Transfer-Encoding: chunked");
    for (framing, half, rest) in [
        (sized, "half", ""),
        (chunked, "4\r\nhalf\r\n", ""),
        (chunked, "4\r\nhalf\r\n", "zz\r\n"),
        (chunked, "4\r\nhalf\r\n", "0\r\nbad trailer\r\n\r\n"),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{half}");
        let origin = Origin::Pieces(vec![head.into(), rest.into()]);
        let outcome = converse(Around::new([origin]), get("/").as_bytes()).await;
        assert!(matches!(outcome.ending, Ending::Aborted), "{rest}");
        assert!(outcome.text().ends_with(half), "{rest}");
    }
    // As long as nothing of it has gone out, it can be said what is wrong.
    let bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n";
    let outcome = converse(Around::new([always(bad)]), get("/").as_bytes()).await;
    assert_eq!(outcome.status(), 502);
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_the_word_to_go_on() {
    let head = b"POST http://a.example/ HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\
                 Content-Length: 4\r\n\r\n";
    let go_on = [b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), OK].concat();
    let outcome = converse_in_steps(
        Around::new([Origin::After(20, go_on)]),
        &[head, b"body", get("/2").as_bytes()],
        true,
    )
    .await;
    let answer = outcome.text();
    assert!(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answer}");
    let seen = String::from_utf8(outcome.seen.connection(0)).unwrap();
    assert!(seen.contains("\r\nExpect: 100-continue\r\n"), "{seen}");

    // A final response in place of the word: what was not sent is not waited for.
    let no = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n".to_vec();
    let outcome = converse_in_steps(Around::new([Origin::After(20, no)]), &[head], false).await;
    assert_eq!(outcome.status(), 413);
    assert!(outcome.text().contains("\r\nConnection: close\r\n"));

    // Nobody who has not asked is told.
    let go_on =
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n".as_slice(), OK]
            .concat();
    let outcome = converse(Around::new([always(&go_on)]), get("/").as_bytes()).await;
    assert!(outcome.text().starts_with("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n"));
    let old = b"GET http://a.example/ HTTP/1.0\r\n\r\n";
    let outcome = converse(Around::new([always(&go_on)]), old).await;
    assert_eq!(outcome.status(), 200);
    let endless = b"HTTP/1.1 103 Early\r\n\r\n".repeat(50);
    let outcome = converse(Around::new([Origin::After(1, endless)]), get("/").as_bytes()).await;
    assert!(outcome.text().contains("HTTP/1.1 502 "), "{}", outcome.text());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_before_the_body_ends_the_conversation() {
    let no = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno".to_vec();
    let mut request =
        b"POST http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n".to_vec();
    request.resize(50_000, b'x');
    let outcome = converse_in_steps(Around::new([Origin::Early(no)]), &[&request], false).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!((answers.len(), answers[0].status()), (1, 403));
    assert_eq!(answers[0].field("Connection"), Some("close"));
}

#[tokio::test(start_paused = true)]
async fn websocket_takes_over_only_when_both_agree() {
    let request = b"GET http://a.example/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
                    Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nclient first";
    let yes = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Accept: a\r\n\r\nserver first";
    let outcome = converse(Around::new([Origin::After(20, yes.to_vec())]), request).await;
    assert!(matches!(outcome.ending, Ending::Upgraded { .. }), "{:?}", outcome.ending);
    let answer = outcome.text();
    assert!(answer.contains("\r\nUpgrade: websocket\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nserver first"), "{answer}");
    let seen = String::from_utf8(outcome.seen.all()).unwrap();
    assert!(seen.ends_with("\r\n\r\nclient first"), "{seen}");

    // Without agreement, what came behind belongs to nobody, even if it looks like a request.
    let two = [request.as_slice(), get("/2").as_bytes()].concat();
    for request in
        [request.to_vec(), String::from_utf8(two).unwrap().replace("client first", "").into()]
    {
        let outcome = converse(Around::new([always(OK)]), &request).await;
        assert!(matches!(outcome.ending, Ending::Closed));
        let answers = plain::read_all(&outcome.answer, Kind::Response);
        assert_eq!((answers.len(), answers[0].status()), (1, 200));
        assert_eq!(answers[0].field("Connection"), Some("close"));
        assert_eq!(plain::read_all(&outcome.seen.all(), Kind::Request).len(), 1);
    }
    let outcome = converse(Around::new([always(yes)]), get("/").as_bytes()).await;
    assert_eq!(outcome.status(), 502);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_is_handed_over_with_what_came_behind() {
    let request = b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n\x16\x03\x01";
    let outcome = converse(Around::new([]), request).await;
    let Ending::Connect { target, early, .. } = outcome.ending else { panic!() };
    assert_eq!(target.to_string(), "a.example:443");
    assert_eq!(early.bytes(), b"\x16\x03\x01");
    assert_eq!(outcome.answer, b"");

    for request in [
        "CONNECT a.example HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a.example:0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a.example:65536 HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT http://a.example:443/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\n\r\n",
    ] {
        // Bytes that follow a tunnel that is refused are not a request.
        let outcome = converse(Around::new([]), (request.to_owned() + &get("/")).as_bytes()).await;
        let answers = plain::read_all(&outcome.answer, Kind::Response);
        assert_eq!((answers.len(), answers[0].status()), (1, 400), "{request}");
        assert_eq!(outcome.seen.connections(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn each_request_is_admitted_by_itself() {
    let with = |credentials: &str| {
        format!(
            "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\
             Proxy-Authorization: Basic {credentials}\r\n\r\n"
        )
    };
    // user:pass, user:fail, none, user:pass
    let requests =
        [with("dXNlcjpwYXNz"), with("dXNlcjpmYWls"), get("/"), with("dXNlcjpwYXNz")].concat();
    let mut around = Around::new([]);
    around.needs_credentials = true;
    let outcome = converse(around, requests.as_bytes()).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    let statuses: Vec<_> = answers.iter().map(plain::Message::status).collect();
    assert_eq!(statuses, [200, 407, 407, 200]);
    assert!(answers[1].field("Proxy-Authenticate").unwrap().starts_with("Basic realm="));
    assert_eq!(plain::read_all(&outcome.seen.all(), Kind::Request).len(), 2);
    assert!(!String::from_utf8(outcome.seen.all()).unwrap().contains("dXNlc"));

    let twice = "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n".repeat(2);
    let request = format!("GET http://a.example/ HTTP/1.1\r\nHost: a\r\n{twice}\r\n");
    let outcome = converse(Around::new([]), request.as_bytes()).await;
    assert_eq!(outcome.status(), 400);
    assert_eq!(outcome.seen.connections(), 0);

    // A tunnel that is refused is closed.
    let mut around = Around::new([]);
    around.needs_credentials = true;
    let request =
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned() + &with("dXNlcjpwYXNz");
    let outcome = converse(around, request.as_bytes()).await;
    assert_eq!(outcome.status(), 407);
    assert_eq!(outcome.seen.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_destination_are_told_and_the_client_may_go_on() {
    for (refusal, status) in [
        (Refusal::NameUnknown, 502),
        (Refusal::ConnectionRefused, 502),
        (Refusal::ConnectTimeout, 504),
        (Refusal::DestinationNotAllowed, 403),
        (Refusal::FamilyUnavailable, 502),
    ] {
        let outcome =
            converse(Around::new([Origin::Refuses(refusal)]), get("/").repeat(2).as_bytes()).await;
        let answers = plain::read_all(&outcome.answer, Kind::Response);
        assert_eq!(answers.iter().map(plain::Message::status).collect::<Vec<_>>(), [status, 200]);
        assert!(answers[0].field("Proxy-Status").unwrap().starts_with("gateway; error="));
        assert!(!outcome.text().contains("a.example"));
    }
    // With a body on its way, there is no going on.
    let post = "POST http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
    let request = post.to_owned() + &get("/");
    let outcome =
        converse(Around::new([Origin::Refuses(Refusal::NameUnknown)]), request.as_bytes()).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(answers.len(), 1);
    assert_eq!(outcome.seen.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_without_end() {
    let start = Instant::now();
    let outcome = converse_in_steps(Around::new([]), &[], false).await;
    assert_eq!((outcome.answer.len(), start.elapsed().as_secs()), (0, 10));

    let start = Instant::now();
    let outcome = converse_in_steps(Around::new([]), &[b"GET http://a.example/ HTT"], false).await;
    assert_eq!((outcome.status(), start.elapsed().as_secs()), (408, 11));

    // A byte now and then does not help.
    let start = Instant::now();
    let dribble = vec![b"a".as_slice(); 2000];
    let outcome = converse_in_steps(Around::new([]), &dribble, false).await;
    assert_eq!(outcome.status(), 408);
    assert!(start.elapsed() < Duration::from_secs(50));

    // Nor do empty lines, of which one is forgiven.
    let start = Instant::now();
    let mut around = Around::new([]);
    around.pause = Duration::from_secs(9);
    let outcome = converse_in_steps(around, &vec![b"\r\n".as_slice(); 50], false).await;
    assert_eq!(outcome.status(), 400);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());

    // Between two requests there is more time.
    let start = Instant::now();
    let outcome = converse_in_steps(Around::new([]), &[get("/").as_bytes()], false).await;
    assert_eq!((outcome.status(), start.elapsed().as_secs()), (200, 60));

    let start = Instant::now();
    let silent = Origin::After(usize::MAX, Vec::new());
    let outcome = converse_in_steps(Around::new([silent]), &[get("/").as_bytes()], false).await;
    assert_eq!(outcome.status(), 504);
    assert!(start.elapsed() < Duration::from_secs(130), "{:?}", start.elapsed());

    let half = b"POST http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf";
    let silent = Origin::After(usize::MAX, Vec::new());
    let outcome = converse_in_steps(Around::new([silent]), &[half], false).await;
    assert_eq!(outcome.status(), 408);

    let stalls = Origin::After(1, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec());
    let outcome = converse_in_steps(Around::new([stalls]), &[get("/").as_bytes()], false).await;
    assert!(matches!(outcome.ending, Ending::Aborted));
}

#[tokio::test(start_paused = true)]
async fn heads_have_bounds() {
    let huge =
        format!("GET http://a.example/ HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(65_536));
    let many =
        format!("GET http://a.example/ HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(200));
    let long = format!("GET http://a.example/{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(40_000));
    let endless = "X".repeat(70_000);
    for request in [huge, many, long, endless] {
        let outcome = converse(Around::new([]), request.as_bytes()).await;
        assert_eq!(outcome.status(), 431);
        assert_eq!(outcome.seen.connections(), 0);
    }
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200));
    let outcome = converse(Around::new([always(many.as_bytes())]), get("/").as_bytes()).await;
    assert_eq!(outcome.status(), 502);
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_a_response_belong_to_nobody() {
    let two = [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"].concat();
    let origin = Origin::Answers(vec![two.clone(), two]);
    let outcome = converse(Around::new([origin]), get("/").repeat(2).as_bytes()).await;
    let answers = plain::read_all(&outcome.answer, Kind::Response);
    assert_eq!(answers.len(), 2);
    assert!(!outcome.text().contains("evil"));
    assert_eq!(outcome.seen.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_leaves_when_the_gateway_drains() {
    let mut around = Around::new([]);
    around.drains = true;
    let outcome = converse_in_steps(around, &[get("/").as_bytes()], false).await;
    assert_eq!(outcome.status(), 200);
    assert!(matches!(outcome.ending, Ending::Closed));
}

#[tokio::test(start_paused = true)]
async fn other_protocols_are_told_so_at_once() {
    for bytes in
        [b"\x16\x03\x01\x02\x00".as_slice(), b"\x05\x01\x00", b"\x00", b"\xff\xff", b" G", b"\n"]
    {
        let outcome = converse_in_steps(Around::new([]), &[bytes], false).await;
        assert_eq!(outcome.status(), 400, "{}", bytes.escape_ascii());
    }
    let outcome = converse(Around::new([]), format!("\r\n{}", get("/")).as_bytes()).await;
    assert_eq!(outcome.status(), 200);
}
