use std::time::Duration;

use axum::response::IntoResponse;
use serve::{Limits, Outcome, Summary};
use tokio::net::TcpStream;

use crate::app::{Client, SHORT, TestServer, soon};

#[tokio::test]
async fn requests_finish_before_the_end() {
    let mut server =
        TestServer::with(Limits { drain: Duration::from_secs(3600), ..Limits::default() });
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;
    let outcome = call.delivery.outcome();
    let mut idle = Client::new(&server).await;
    idle.get("/echo").await;
    idle.answer().await;
    let mut silent = Client::new(&server).await;
    server.sees(3, |stats| &stats.accepted).await;

    server.shut_down();

    assert_eq!(idle.rest().await, "");
    assert_eq!(silent.rest().await, "");
    assert!(soon(TcpStream::connect(server.address)).await.is_err());
    call.answer.send("at last".into_response()).unwrap();
    let answer = client.answer().await;
    assert_eq!(answer.body, "at last");
    assert!(answer.head.contains("connection: close"));
    assert_eq!(soon(outcome).await, Outcome::Delivered);
    assert_eq!(server.end().await, Summary { open: 3, cut: 0 });
}

#[tokio::test]
async fn requests_that_do_not_finish_are_cut() {
    let mut server = TestServer::with(Limits { drain: SHORT, ..Limits::default() });
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    server.shut_down();

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    client.is_closed().await;
    assert_eq!(server.end().await, Summary { open: 1, cut: 1 });
}

#[tokio::test]
async fn a_server_that_is_dropped_cuts_its_connections() {
    let mut server = TestServer::new();
    let mut client = Client::new(&server).await;
    client.get("/held").await;
    let call = server.call().await;

    server.abort();

    assert_eq!(soon(call.delivery.outcome()).await, Outcome::Gone);
    client.is_closed().await;
}

#[tokio::test]
async fn a_server_without_clients_ends_at_once() {
    let mut server = TestServer::new();
    server.shut_down();
    assert_eq!(server.end().await, Summary { open: 0, cut: 0 });
}
