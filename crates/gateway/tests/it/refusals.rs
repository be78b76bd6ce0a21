//! What is refused is remembered, and destinations that are closed later are closed.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feed::lease::{Lease, Limits};
use gateway::policy::{Policy, Rules};
use gateway::refusal::Refusal;

use crate::support::{Client, Echo, Town, lease, noise, tunnel};

fn reasons(town: &Town, lease: u64) -> Vec<(String, Option<String>)> {
    let last = town.gateway.refusals(lease).last;
    assert!(last.iter().all(|it| it.source.is_loopback() && it.at > 1_800_000_000_000 - 1));
    last.into_iter().map(|it| (it.reason, it.destination)).collect()
}

#[test]
fn what_is_refused_is_remembered_with_its_reason() {
    let town = Town::new();
    town.put(&lease(1));
    town.put(&Lease { suspended: true, ..lease(2) });
    let connect = |to: &str, known| Client::connect(town.entry).http_connect(to, known);
    let known = Some(("u1", "p1"));
    assert_eq!(connect("127.0.0.1:25", known), 403);
    assert_eq!(connect("127.66.0.1:443", known), 403);
    assert_eq!(connect("printer.local:443", known), 403);
    assert_eq!(connect("127.0.0.1:1", known), 502);
    assert_eq!(connect("127.0.0.1:443", Some(("u1", "wrong"))), 407);
    assert_eq!(connect("127.0.0.1:443", Some(("u2", "p2"))), 403);
    let mut socks = Client::connect(town.entry);
    socks.send(b"\x05\x01\x02");
    socks.send(b"\x01\x02u1\x02p1");
    socks.send(b"\x05\x01\x00\x03\x09a.invalid\x01\xbb");
    assert_eq!(socks.receive(6)[5], 2);
    let login = STANDARD.encode("u1:p1");
    let mut forward = Client::connect(town.entry);
    forward.send(format!(
        "GET http://10.9.9.9/secret HTTP/1.1\r\nHost: 10.9.9.9\r\nProxy-Authorization: Basic \
         {login}\r\n\r\n"
    ));
    assert_eq!(forward.status(), 403);
    let of = |reason: &str, to: &str| (reason.to_owned(), Some(to.to_owned()));
    let expected = [
        of("destination_not_allowed", "10.9.9.9:80"),
        of("destination_not_allowed", "a.invalid:443"),
        of("connection_refused", "127.0.0.1:1"),
        of("destination_not_allowed", "printer.local:443"),
        of("destination_not_allowed", "127.66.0.1:443"),
        of("port_not_allowed", "127.0.0.1:25"),
    ];
    assert_eq!(reasons(&town, 1), expected);
    assert_eq!(reasons(&town, 2), [("lease_suspended".to_owned(), None)]);
    assert_eq!(reasons(&town, 3), []);
    let count = |why| town.gateway.refusal_counts().into_iter().find(|(it, _)| *it == why);
    for (why, times) in [
        (Refusal::DestinationNotAllowed, 4),
        (Refusal::CredentialsWrong, 1),
        (Refusal::LeaseSuspended, 1),
        (Refusal::CredentialsNeeded, 0),
    ] {
        assert_eq!(count(why), Some((why, times)));
    }
}

#[test]
fn another_policy_is_for_what_begins_later() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let origin = TcpListener::bind("127.0.0.3:0").unwrap();
    let to = origin.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = origin.accept().unwrap();
        let mut byte = [0];
        let mut head = Vec::new();
        while stream.read_exact(&mut byte).is_ok() {
            head.push(byte[0]);
            if head.ends_with(b"\r\n\r\n") {
                head.clear();
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            }
        }
    });
    let login = STANDARD.encode("u1:p1");
    let head = format!("GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic");
    let request = format!("{head} {login}\r\n\r\n");
    let mut forward = Client::connect(town.entry);
    for _ in 0..2 {
        forward.send(&request);
        assert_eq!(forward.status(), 200);
    }
    let mut open = tunnel(&town, 1, &echo).0;
    let deny = ["127.0.0.1/32", "127.0.0.3/32"].map(|prefix| prefix.parse().unwrap()).into();
    town.gateway.set_policy(Policy::new(Rules { deny, ..Town::rules() }));
    assert!(open.echoes());
    let address = echo.address.to_string();
    assert_eq!(Client::connect(town.entry).http_connect(&address, Some(("u1", "p1"))), 403);
    // A connection that is kept for the next request is judged anew.
    forward.send(&request);
    assert_eq!(forward.status(), 403);
    town.gateway.set_policy(Policy::new(Town::rules()));
    assert_eq!(Client::connect(town.entry).http_connect(&address, Some(("u1", "p1"))), 200);
}

#[test]
fn a_tunnel_that_is_open_feels_another_limit() {
    let town = Town::new();
    let limited = |bytes_per_second| {
        town.put(&Lease { limits: Limits { bytes_per_second, ..Limits::default() }, ..lease(1) });
    };
    limited(50_000);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let sent = noise(6_000_000);
    let source = sent.clone();
    let server = thread::spawn(move || listener.accept().unwrap().0.write_all(&source).unwrap());
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    let began = Instant::now();
    let mut received = client.receive(30_000);
    assert!(began.elapsed() > Duration::from_millis(400), "{:?}", began.elapsed());
    // At the old speed this would take two minutes.
    limited(0);
    received.extend(client.receive(sent.len() - received.len()));
    assert!(began.elapsed() < Duration::from_secs(20) && received == sent);
    server.join().unwrap();
}
