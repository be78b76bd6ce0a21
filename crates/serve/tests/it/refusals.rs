//! What hyper refuses and what it takes. Some of these are the difference between one request and
//! two to somebody in front of us, so an upgrade must not change them unnoticed.

use crate::app::{Client, TestServer};

#[tokio::test]
async fn malformed_heads_are_refused() {
    check("GET /echo HTTP/1.1\r\nhost : x\r\n\r\n", 400).await;
    check("GET /echo HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n", 400).await;
    check("GET /echo HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n", 400).await;
    check("GET /echo HTTP/1.1\r\nhost: x\0\r\n\r\n", 400).await;
    check("GET /echo HTTP/1.1\r\nhost: x\ry\r\n\r\n", 400).await;
    check("GET  /echo HTTP/1.1\r\nhost: x\r\n\r\n", 400).await;
    check("GET /echo HTTP/3.7\r\nhost: x\r\n\r\n", 400).await;
    check("GET /echo\r\n\r\n", 400).await;
    check("nonsense\r\n\r\n", 400).await;
}

#[tokio::test]
async fn unclear_lengths_are_refused() {
    for headers in [
        "content-length: 2\r\ncontent-length: 3",
        "content-length: 2, 2",
        "content-length: +2",
        "content-length: -2",
        "content-length:",
        "content-length: 2 2",
        "content-length: 0x2",
        "content-length: 99999999999999999999",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: unheard-of",
    ] {
        check(&format!("POST /echo HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\nab"), 400).await;
    }
    check("POST /echo HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400)
        .await;
}

#[tokio::test]
async fn malformed_chunks_are_refused() {
    for chunks in [
        "+2\r\nab\r\n0\r\n\r\n",
        "-2\r\nab\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "g\r\nab\r\n0\r\n\r\n",
        "\r\nab\r\n0\r\n\r\n",
        "2 2\r\nab\r\n0\r\n\r\n",
        "10000000000000002\r\nab\r\n0\r\n\r\n",
        "2\r\nabc\r\n0\r\n\r\n",
    ] {
        let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
        check(&format!("{head}{chunks}"), 400).await;
    }
}

/// Sends `request`, which must be answered with `status` and the end of the connection.
#[track_caller]
fn check(request: &str, status: u16) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let server = TestServer::new();
        let mut client = Client::new(&server).await;
        client.send(request).await;
        assert_eq!(client.answer().await.status, status, "{request:?} at {caller}");
        assert_eq!(client.rest().await, "", "{request:?} at {caller}");
    }
}

#[tokio::test]
async fn chunks_are_read() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(&format!("{head}2\r\nab\r\n1;extension\r\nc\r\n0\r\n\r\n")).await;
    assert_eq!(client.answer().await.body, "abc");

    client.get("/echo").await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_length_that_is_repeated_is_a_length() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab")
        .await;
    assert_eq!(client.answer().await.body, "ab");
}

/// The chunks count. What follows them may have been meant as part of the body by whoever believed
/// the length, so it is not read as a request.
#[tokio::test]
async fn a_length_beside_chunks_is_ignored_and_the_connection_closed() {
    for headers in [
        "content-length: 60\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 60",
    ] {
        let server = TestServer::new();
        let mut client = Client::new(&server).await;
        let head = format!("POST /echo HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n");
        let smuggled = "GET /echo HTTP/1.1\r\nhost: x\r\n\r\n";
        client.send(&format!("{head}2\r\nab\r\n0\r\n\r\n{smuggled}")).await;

        let answer = client.answer().await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ab"));
        assert!(answer.head.contains("connection: close"));
        assert_eq!(client.rest().await, "");
        server.sees(1, |stats| &stats.requests).await;
    }
}

#[tokio::test]
async fn http_1_0_is_served_and_closed() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.send("POST /echo HTTP/1.0\r\ncontent-length: 2\r\n\r\nab").await;

    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nab"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_whether_to_continue_is_told() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
        .await;

    assert_eq!(client.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab").await;
    assert_eq!(client.answer().await.body, "ab");

    client.get("/echo").await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn http_2_is_not_spoken() {
    let server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.is_closed().await;
}
