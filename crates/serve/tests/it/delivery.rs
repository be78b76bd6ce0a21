use axum::{
    body::{Body, Bytes},
    response::IntoResponse,
};
use http::Response;
use serve::{Limits, Outcome};

use crate::app::{Client, SHORT, TestServer, soon};

#[tokio::test]
async fn an_answer_that_was_written_is_delivered() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();
    assert_eq!(call.peer.0, client.address());

    call.answer.send("hello".into_response()).unwrap();
    assert_eq!(client.answer().await.body, "hello");
    drop(client);

    assert_eq!(soon(outcome).await, Outcome::Delivered);
    server.sees(0, |stats| &stats.open).await;
    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Delivered);
    server.sees(0, |stats| &stats.gone).await;
}

/// The client is so quick that its end may be seen right after the last byte was written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_right_after_its_answer_has_had_it() {
    let mut server = TestServer::new();
    for length in [5, 1_000_000].repeat(50) {
        let mut client = Client::new(&server).await;
        client.get("/held").await;
        let call = server.call().await;
        let outcome = call.delivery.outcome();

        call.answer.send("x".repeat(length).into_response()).unwrap();
        client.head().await;
        client.read_exact(length).await;
        drop(client);

        assert_eq!(soon(outcome).await, Outcome::Delivered);
    }
    server.sees(0, |stats| &stats.gone).await;
}

#[tokio::test]
async fn a_client_that_closes_before_its_answer_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let mut call = server.call().await;
    assert!(!call.delivery.is_gone());

    drop(client);

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    assert!(call.delivery.is_gone());
    // The handler is dropped, and with it the receiver of the answer.
    soon(call.answer.closed()).await;
    server.sees(1, |stats| &stats.gone).await;
}

#[tokio::test]
async fn a_client_that_resets_before_its_answer_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    client.reset();

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
}

#[tokio::test]
async fn a_client_that_half_closes_before_its_answer_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    client.half_close().await;

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    client.is_closed().await;
}

/// Here the end is in the kernel, but no event has told the runtime of it.
#[tokio::test]
async fn a_client_that_closes_while_its_answer_is_on_its_way_is_gone() {
    let mut server = TestServer::new();
    for reset in [false, true].repeat(50) {
        let mut client = Client::new(&server).await;
        client.get("/held").await;
        let call = server.call().await;
        let outcome = call.delivery.outcome();

        if reset {
            client.reset();
        } else {
            drop(client);
        }
        call.answer.send("too late".into_response()).unwrap();

        assert_eq!(soon(outcome).await, Outcome::Gone);
    }
}

/// hyper does not look for the end of a connection while bytes of it are unread.
#[tokio::test]
async fn a_client_that_closes_behind_another_request_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();

    client.get("/held").await;
    drop(client);
    call.answer.send("too late".into_response()).unwrap();

    assert_eq!(soon(outcome).await, Outcome::Gone);
}

#[tokio::test]
async fn a_client_that_closes_within_its_body_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.send("POST /held HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();

    drop(client);
    let _ = call.answer.send("too late".into_response());

    assert_eq!(soon(outcome).await, Outcome::Gone);
}

/// Asked before the runtime has had a chance to gather the event.
#[tokio::test]
async fn a_client_that_has_left_is_found_gone_at_once() {
    let mut server = TestServer::new();
    for reset in [false, true].repeat(20) {
        let mut client = Client::new(&server).await;
        client.get("/held").await;
        let call = server.call().await;
        assert!(!call.delivery.is_gone_now());

        if reset {
            client.reset();
        } else {
            drop(client);
        }

        assert!(call.delivery.is_gone_now());
        assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
        assert!(call.delivery.is_gone_now());
    }
}

/// What is kept to ask about a client must not keep its connection.
#[tokio::test]
async fn a_delivery_that_is_kept_keeps_no_connection_open() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.send("GET /held HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let call = server.call().await;

    call.answer.send("hello".into_response()).unwrap();
    assert_eq!(client.answer().await.body, "hello");

    client.is_closed().await;
    assert!(!call.delivery.is_gone_now());
    server.sees(0, |stats| &stats.open).await;
}

#[tokio::test]
async fn each_answer_on_a_connection_has_its_own_fate() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;

    for body in ["one", "two"] {
        client.get("/held").await;
        let call = server.call().await;
        let outcome = call.delivery.outcome();
        call.answer.send(body.into_response()).unwrap();
        assert_eq!(client.answer().await.body, body);
        assert_eq!(soon(outcome).await, Outcome::Delivered);
    }
    client.get("/held").await;
    let call = server.call().await;
    drop(client);
    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
}

#[tokio::test]
async fn pipelined_answers_are_delivered_one_by_one() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.send(&"GET /held HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3)).await;

    for body in ["one", "two"] {
        let call = server.call().await;
        let outcome = call.delivery.outcome();
        assert!(!call.delivery.is_gone());
        call.answer.send(body.into_response()).unwrap();
        assert_eq!(client.answer().await.body, body);
        assert_eq!(soon(outcome).await, Outcome::Delivered);
    }
    let third = server.call().await;
    drop(client);
    assert_eq!(soon(third.delivery.outcome()).await, Outcome::Gone);
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_not_delivered() {
    let mut server = TestServer::with(Limits { write_stall: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    call.answer.send(huge()).unwrap();

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    server.sees(1, |stats| &stats.write_timeouts).await;
    server.sees(0, |stats| &stats.open).await;
    drop(client);
}

#[tokio::test]
async fn a_huge_answer_is_delivered_with_its_last_byte() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();

    call.answer.send(huge()).unwrap();
    client.head().await;
    client.read_exact(HUGE_BYTES).await;

    assert_eq!(soon(outcome).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_client_that_closes_within_a_huge_answer_is_gone() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    call.answer.send(huge()).unwrap();
    client.read_exact(HUGE_BYTES / 4).await;
    drop(client);

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
}

#[tokio::test]
async fn answers_without_a_body_are_delivered() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;

    for (method, answer, status) in [
        ("HEAD", "not sent".into_response(), 200),
        ("GET", http::StatusCode::NO_CONTENT.into_response(), 204),
        ("GET", ().into_response(), 200),
    ] {
        client.send(&format!("{method} /held HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        let call = server.call().await;
        let outcome = call.delivery.outcome();
        call.answer.send(answer).unwrap();
        assert!(client.head().await.starts_with(&format!("HTTP/1.1 {status}")));
        assert_eq!(soon(outcome).await, Outcome::Delivered);
    }
}

#[tokio::test]
async fn a_streamed_answer_is_delivered_when_its_stream_ends() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();

    let (chunks, body) = stream();
    call.answer.send(Response::new(body)).unwrap();
    chunks.send(Ok(Bytes::from_static(b"one"))).unwrap();
    client.head().await;
    client.read_exact("3\r\none\r\n".len()).await;
    drop(chunks);
    client.read_exact("0\r\n\r\n".len()).await;

    assert_eq!(soon(outcome).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_streamed_answer_that_fails_is_not_delivered() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    let (chunks, body) = stream();
    call.answer.send(Response::new(body)).unwrap();
    chunks.send(Ok(Bytes::from_static(b"one"))).unwrap();
    client.head().await;
    client.read_exact("3\r\none\r\n".len()).await;
    chunks.send(Err("broken")).unwrap();

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_handler_that_panics_takes_only_its_connection_with_it() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/panic").await;

    client.is_closed().await;

    server.sees(1, |stats| &stats.panics).await;
    server.sees(1, |stats| &stats.gone).await;
    server.sees(0, |stats| &stats.open).await;
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    server.call().await.answer.send("well".into_response()).unwrap();
    assert_eq!(client.answer().await.body, "well");
}

#[tokio::test]
async fn an_outcome_can_be_awaited_after_its_connection() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let waiting = tokio::spawn(call.delivery.outcome());

    drop(client);
    server.sees(0, |stats| &stats.open).await;

    assert_eq!(soon(waiting).await.unwrap(), Outcome::Gone);
    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
}

/// More than the buffers of both sides hold.
const HUGE_BYTES: usize = 64 * 1024 * 1024;

fn huge() -> Response<Body> {
    Response::new(Body::from(vec![b'x'; HUGE_BYTES]))
}

type Chunk = Result<Bytes, &'static str>;

fn stream() -> (tokio::sync::mpsc::UnboundedSender<Chunk>, Body) {
    let (chunks, receiver) = tokio::sync::mpsc::unbounded_channel();
    (chunks, Body::new(Chunks(receiver)))
}

struct Chunks(tokio::sync::mpsc::UnboundedReceiver<Chunk>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, &'static str>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(|chunk| chunk.map(http_body::Frame::data)))
    }
}
