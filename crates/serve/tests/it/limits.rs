use std::time::Duration;

use serve::Limits;

use crate::app::{Client, SHORT, TestServer};

/// A deadline that is met once before it is meant to pass.
const LONGER: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_head_that_is_not_finished_in_time_is_answered_with_408() {
    let server = TestServer::with(Limits { head: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;

    client.send("GET /echo HTTP/1.1\r\nhost:").await;

    assert_eq!(client.answer().await.status, 408);
    assert_eq!(client.rest().await, "");
    server.sees(1, |stats| &stats.head_timeouts).await;
    server.sees(0, |stats| &stats.open).await;
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_too() {
    let server = TestServer::with(Limits { head: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;

    client.send("GET /echo HTTP/1.1\r\n").await;
    while server.stats.head_timeouts.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        client.try_send("x: y\r\n").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    assert_eq!(client.answer().await.status, 408);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_without_a_word() {
    let server = TestServer::with(Limits { head: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;

    assert_eq!(client.rest().await, "");
    server.sees(1, |stats| &stats.head_timeouts).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_without_a_word() {
    let server = TestServer::with(Limits { idle: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;
    client.get("/echo").await;
    assert_eq!(client.answer().await.status, 200);

    assert_eq!(client.rest().await, "");
    server.sees(1, |stats| &stats.idle_timeouts).await;
    server.sees(0, |stats| &stats.open).await;
}

/// The deadline of the head is nearer than that of the idle connection was.
#[tokio::test]
async fn a_second_head_has_its_own_deadline() {
    let limits = Limits { head: LONGER, idle: Duration::from_secs(3600), ..Limits::default() };
    let server = TestServer::with(limits);
    let mut client = Client::new(&server).await;
    client.get("/echo").await;
    assert_eq!(client.answer().await.status, 200);

    client.send("GET /echo").await;

    assert_eq!(client.answer().await.status, 408);
}

/// Working on a request is not idling, and its answer may come after every deadline.
#[tokio::test]
async fn a_handler_may_take_its_time() {
    let limits = Limits { head: LONGER, idle: SHORT, body: SHORT, ..Limits::default() };
    let mut server = TestServer::with(limits);
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    tokio::time::sleep(LONGER * 3 / 2).await;
    call.answer.send(axum::response::IntoResponse::into_response("at last")).unwrap();

    assert_eq!(client.answer().await.body, "at last");
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_fails() {
    let server = TestServer::with(Limits { body: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;

    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;

    let answer = client.answer().await;
    assert_eq!(answer.status, 408);
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert_eq!(client.rest().await, "");
    server.sees(1, |stats| &stats.body_timeouts).await;
}

#[tokio::test]
async fn a_body_that_dribbles_fails_too() {
    let server = TestServer::with(Limits { body: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;

    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
    while server.stats.body_timeouts.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        client.try_send("x").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    assert_eq!(client.answer().await.status, 408);
}

#[tokio::test]
async fn a_body_within_its_time_is_read_piece_by_piece() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;

    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n").await;
    for piece in ["one", "two", "six"] {
        tokio::time::sleep(Duration::from_millis(10)).await;
        client.send(piece).await;
    }

    assert_eq!(client.answer().await.body, "onetwosix");
}

/// The client hears the answer although it was still sending when the server closed.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body_is_heard() {
    let server = TestServer::new();
    for _ in 0..20 {
        let mut client = Client::new(&server).await;
        client.send("POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
        client.send(&"x".repeat(1_000_000)).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 413);
        assert!(answer.head.contains("connection: close"));
        assert_eq!(client.rest().await, "");
    }
    server.sees(0, |stats| &stats.open).await;
}

#[tokio::test]
async fn a_long_target_is_answered_with_414() {
    let server = TestServer::new();
    let allowed = Limits::default().target_bytes;
    for bytes in [allowed + 1, 31 * 1024, 40 * 1024, 64 * 1024, 512 * 1024] {
        let mut client = Client::new(&server).await;
        let path = format!("/{}", "x".repeat(bytes - 1));
        client.try_send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 414, "{bytes} bytes");
        assert!(answer.head.contains("connection: close"));
        assert_eq!(client.rest().await, "");
    }

    let mut client = Client::new(&server).await;
    let query = "x".repeat(allowed - "/echo?".len());
    client.get(&format!("/echo?{query}")).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_large_head_is_answered_with_431() {
    let server = TestServer::new();
    for (lines, bytes) in [(1, 33 * 1024), (40, 1024), (1, 512 * 1024), (150, 1)] {
        let mut client = Client::new(&server).await;
        let header = format!("x: {}\r\n", "x".repeat(bytes)).repeat(lines);
        client.try_send(&format!("GET /echo HTTP/1.1\r\nhost: x\r\n{header}\r\n")).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 431, "{lines} lines of {bytes} bytes");
        assert!(answer.head.contains("connection: close"));
        assert_eq!(client.rest().await, "");
    }

    let mut client = Client::new(&server).await;
    let header = format!("x: {}\r\n", "x".repeat(31 * 1024));
    client.send(&format!("GET /echo HTTP/1.1\r\nhost: x\r\n{header}\r\n")).await;
    assert_eq!(client.answer().await.status, 200);
}

/// A refused head that came along with a good request.
#[tokio::test]
async fn a_large_pipelined_head_is_refused_after_the_first_answer() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    let header = format!("x: {}\r\n", "x".repeat(40 * 1024));
    let good = "GET /echo HTTP/1.1\r\nhost: x\r\n\r\n";
    client.try_send(&format!("{good}GET /echo HTTP/1.1\r\nhost: x\r\n{header}\r\n")).await;

    assert_eq!(client.answer().await.status, 200);
    assert_eq!(client.answer().await.status, 431);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn there_are_no_more_connections_than_allowed() {
    let server = TestServer::with(Limits { connections: 2, ..Limits::default() });
    let mut first = Client::new(&server).await;
    first.get("/echo").await;
    assert_eq!(first.answer().await.status, 200);
    let mut second = Client::new(&server).await;
    second.get("/echo").await;
    assert_eq!(second.answer().await.status, 200);

    let mut third = Client::new(&server).await;
    assert_eq!(third.answer().await.status, 503);
    assert_eq!(third.rest().await, "");
    server.sees(1, |stats| &stats.refused).await;
    server.sees(2, |stats| &stats.open).await;

    drop(first);
    server.sees(1, |stats| &stats.open).await;
    let mut fourth = Client::new(&server).await;
    fourth.get("/echo").await;
    assert_eq!(fourth.answer().await.status, 200);
    server.sees(3, |stats| &stats.accepted).await;
    server.sees(3, |stats| &stats.requests).await;
}

#[tokio::test]
async fn a_source_has_no_more_connections_than_allowed() {
    let limits = Limits { per_source: 1, trusted_sources: Vec::new(), ..Limits::default() };
    let server = TestServer::with(limits);
    let mut first = Client::new(&server).await;
    first.get("/echo").await;
    assert_eq!(first.answer().await.status, 200);

    let mut second = Client::new(&server).await;
    assert_eq!(second.answer().await.status, 503);

    first.get("/echo").await;
    assert_eq!(first.answer().await.status, 200);
}

#[tokio::test]
async fn loopback_is_exempt_from_the_limit_per_source() {
    let server = TestServer::with(Limits { per_source: 1, ..Limits::default() });
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::new(&server).await;
        client.get("/echo").await;
        assert_eq!(client.answer().await.status, 200);
        clients.push(client);
    }
    server.sees(5, |stats| &stats.open).await;
}
