//! How requests that are passed on end: in time, with their lease, and not in between.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use domain::time::Span;
use feed::lease::Lease;
use gateway::Settings;
use gateway::http::Limits;

use crate::http_forward::request;
use crate::support::{Client, PATIENCE, Town, lease};

/// An origin of which each connection is served by the next of these.
fn origin(serve: Vec<fn(TcpStream)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for serve in serve {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            thread::spawn(move || serve(stream));
        }
    });
    format!("http://{address}/")
}

fn heard(stream: &mut TcpStream) -> usize {
    stream.read(&mut [0; 65_536]).unwrap_or(0)
}

/// Waits until the gateway has let go of everybody.
fn until_nobody_is_there(town: &Town) {
    let deadline = Instant::now() + PATIENCE;
    while town.gateway.connections() > 0 {
        assert!(Instant::now() < deadline, "the connection is still open");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn who_was_told_that_a_destination_is_silent_may_go_on() {
    let limits = Limits { response: Duration::from_millis(300), ..Limits::default() };
    let town = Town::with(Settings { http: limits, ..Settings::default() });
    town.put(&lease(1));
    let silent: fn(TcpStream) = |mut stream| while heard(&mut stream) > 0 {};
    let url = origin(vec![silent, silent, |mut stream| {
        heard(&mut stream);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    }]);
    let mut client = Client::connect(town.entry);
    for expected in [504, 504, 204] {
        client.send(request(1, "HEAD", &url, ""));
        assert_eq!(client.status(), expected);
    }
}

#[test]
fn who_asks_for_one_place_after_the_other_connects_no_faster() {
    let town = Town::new();
    let limits = feed::lease::Limits { flows_per_second: 5, ..Default::default() };
    town.put(&Lease { limits, ..lease(1) });
    let serve: fn(TcpStream) = |mut stream| {
        while heard(&mut stream) > 0 {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
    };
    let places = [origin(vec![serve; 100]), origin(vec![serve; 100])];
    let mut client = Client::connect(town.entry);
    let mut ask = |url: &str| {
        client.send(request(1, "GET", url, "Connection: keep-alive\r\n"));
        let status = client.status();
        if status == 429 {
            // The words that say why.
            client.receive("too_fast: connections of this lease come too fast\n".len());
        }
        status
    };
    let began = Instant::now();
    let served = (0..60).filter(|turn| ask(&places[turn % 2]) == 204).count();
    let most = 6.0 + 5.0 * began.elapsed().as_secs_f64();
    assert!(served >= 5 && (served as f64) <= most, "{served} in {:?}", began.elapsed());
    // To the same place there is a connection already.
    thread::sleep(Duration::from_millis(500));
    assert!((0..60).all(|_| ask(&places[0]) == 204));
}

#[test]
fn of_a_lease_that_has_ended_nothing_arrives_that_is_under_way() {
    let town = Town::new();
    town.put(&lease(1));
    let (tell, told) = std::sync::mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || tell.send(listener.accept().unwrap().0).unwrap());
    let mut client = Client::connect(town.entry);
    client.send(request(1, "POST", &url, "Content-Length: 100000000\r\n"));
    let mut server = told.recv().unwrap();
    // Until neither the origin nor the gateway takes more.
    client.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    while client.0.write_all(&[0; 65_536]).is_ok() {}
    town.turn_clock(Span::HOUR);
    until_nobody_is_there(&town);
    let error = loop {
        match server.read(&mut [0; 65_536]) {
            Ok(count) => assert!(count > 0, "it ended as if all had come"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn of_a_lease_that_has_ended_no_answer_arrives_any_more() {
    const SIZE: usize = 1_000_000;
    let town = Town::new();
    town.put(&lease(1));
    let url = origin(vec![|mut stream| {
        heard(&mut stream);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&vec![0; SIZE]).unwrap();
        while heard(&mut stream) > 0 {}
    }]);
    let mut client = Client::connect(town.entry);
    // So much of it lies at the client that the rest lies at the gateway.
    socket2::SockRef::from(&client.0).set_recv_buffer_size(16 * 1024).unwrap();
    client.send(request(1, "GET", &url, ""));
    town.used(1, u64::try_from(SIZE).unwrap());
    // The answer has been taken from the origin, and perhaps all of it given to the system.
    thread::sleep(Duration::from_millis(300));
    town.turn_clock(Span::HOUR);
    until_nobody_is_there(&town);
    assert!(client.rest().len() < SIZE, "all of it arrived");
}
