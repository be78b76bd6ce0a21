use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use serve::{Limits, Outcome, Server, Summary};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

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
async fn who_has_just_connected_is_answered() {
    let mut server =
        TestServer::with(Limits { drain: Duration::from_secs(3600), ..Limits::default() });
    let mut clients = [Client::new(&server).await, Client::new(&server).await];
    let mut silent = Client::new(&server).await;
    server.sees(3, |stats| &stats.accepted).await;
    server.shut_down();
    // From now on nobody is listened to who comes anew.
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for client in &mut clients {
        client.get("/echo").await;
        let answer = client.answer().await;
        assert!(answer.head.starts_with("HTTP/1.1 200 "), "{}", answer.head);
        // Once it has its answer, it is as idle as any other.
        assert_eq!(client.rest().await, "");
    }
    // Who says nothing is not waited for as long as the rest.
    assert_eq!(silent.rest().await, "");
    assert_eq!(server.end().await.cut, 0);
}

/// Another process listens at the same socket, as one does that takes over: whoever connects again and
/// again is that one's, and the end is not held up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_again_and_again_does_not_hold_up_the_end() {
    let listener = serve::bind(([127, 0, 0, 1], 0).into()).unwrap().into_std().unwrap();
    let (address, other) = (listener.local_addr().unwrap(), listener.try_clone().unwrap());
    let server = Server::new(Limits { drain: Duration::from_secs(3600), ..Limits::default() });
    let (stats, (shut_down, asked)) = (server.stats(), oneshot::channel::<()>());
    let running = tokio::spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        server.run(listener, axum::Router::new(), async { asked.await.unwrap() }).await
    });
    let comes = tokio::spawn(async move {
        let mut silent = std::collections::VecDeque::new();
        loop {
            silent.push_back(TcpStream::connect(address).await);
            if silent.len() > 100 {
                silent.pop_front();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    while stats.accepted.load(Ordering::Relaxed) < 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let since = Instant::now();
    shut_down.send(()).unwrap();
    let summary = soon(running).await.unwrap();
    assert_eq!(summary.cut, 0);
    assert!(summary.open > 0, "nobody was there");
    assert!(since.elapsed() < Duration::from_secs(3), "it took {:?}", since.elapsed());
    assert!(!comes.is_finished());
    comes.abort();
    drop(other);
}

#[tokio::test]
async fn what_has_come_unread_is_answered() {
    let mut server =
        TestServer::with(Limits { drain: Duration::from_secs(3600), ..Limits::default() });
    let mut kept = Client::new(&server).await;
    kept.get("/echo").await;
    kept.answer().await;
    // From here to the shutdown nothing lets the server run: one client is in the queue of the
    // listener, and the bytes of both are where only the kernel has them.
    let request = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nlate";
    let (first, rest) = request.split_at(20);
    let mut queued = std::net::TcpStream::connect(server.address).unwrap();
    queued.write_all(first.as_bytes()).unwrap();
    kept.send_now(first);
    server.shut_down();

    server.sees(2, |stats| &stats.accepted).await;
    let mut queued = Client::over(queued);
    for client in [&mut kept, &mut queued] {
        client.send(rest).await;
    }
    for client in [&mut kept, &mut queued] {
        let answer = client.answer().await;
        assert_eq!(answer.body, "late");
        assert_eq!(client.rest().await, "");
    }
    assert_eq!(server.end().await, Summary { open: 2, cut: 0 });
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
