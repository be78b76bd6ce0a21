//! A process that runs out of descriptors, alone in it.

#![expect(clippy::unwrap_used, reason = "a test helper is no test to clippy")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serve::{Limits, Server, bind};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_server_outlives_a_lack_of_descriptors() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(Limits::default());
    let stats = server.stats();
    let router = Router::new().route("/", get(async || "here"));
    runtime.spawn(async move { server.run(listener, router, std::future::pending()).await });
    // One who was there before is served all along.
    let first = TcpStream::connect(address).unwrap();
    ask(&first);

    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(100), maximum: limit.maximum }).unwrap();

    // Each of them costs two descriptors, theirs and ours; when there are no more for ours, some
    // are turned away.
    let started = Instant::now();
    let mut clients = Vec::new();
    while stats.accept_errors.load(Ordering::Relaxed) == 0 {
        assert!(started.elapsed() < PATIENCE, "there was no lack of descriptors");
        match TcpStream::connect(address) {
            Ok(client) => clients.push(client),
            Err(_) => {
                // Ours is missing now, not the server's.
                clients.pop();
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    while stats.refused.load(Ordering::Relaxed) == 0 {
        assert!(started.elapsed() < PATIENCE, "nobody was turned away");
        std::thread::sleep(Duration::from_millis(5));
    }
    ask(&first);

    drop((first, clients));
    while stats.open.load(Ordering::Relaxed) > 0 {
        assert!(started.elapsed() < PATIENCE, "clients that left are still there");
        std::thread::sleep(Duration::from_millis(5));
    }
    ask(&TcpStream::connect(address).unwrap());
}

#[track_caller]
fn ask(mut client: &TcpStream) {
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhere") {
        let mut bytes = [0; 1024];
        let read = client.read(&mut bytes).unwrap();
        assert!(read > 0, "closed after {answer:?}");
        answer.extend_from_slice(&bytes[..read]);
    }
}
