//! Never an open proxy: whatever somebody says who has no right, and in whatever order and pieces,
//! nothing is connected to and no datagram is sent. With `SUBLET_TRIES` so many tries more are made
//! of it by changing bytes at random.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feed::lease::Lease;
use gateway::Settings;

use crate::datagrams::{Sender, lease_with_udp};
use crate::mutation::Mutation;
use crate::support::{Client, Echo, START, Town, lease_for};

/// A try: what is said, piece by piece.
type Try = Vec<Vec<u8>>;

/// What stands for the destination in these.
const TO: &str = "{to}";

/// Fields of requests that give nobody a right.
fn http_credentials() -> Vec<Vec<u8>> {
    let basic = |pair: &str| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair));
    let right = basic("u1:p1");
    let mut fields: Vec<Vec<u8>> = [
        // Nobody, somebody else, and everything but the right.
        "",
        "u1:",
        ":p1",
        ":",
        "u1",
        "",
        "u1:p2",
        "u2:p1",
        "u9:p9",
        "U1:p1",
        "u1:P1",
        "u1:p1 ",
        " u1:p1",
        "u1:p",
        "u1:p11",
        "u1:p1\0",
        "u1\0:p1",
        "u1::p1",
        "u1:p1:",
        "*:*",
        "u1:p1\r\n",
        // Leases that are suspended, have ended, or are at another entry.
        "u3:p3",
        "u4:p4",
        "u5:p5",
    ]
    .map(|pair| basic(pair).into_bytes())
    .into();
    fields.push(Vec::new());
    for text in [
        "Authorization: Basic dTE6cDE=\r\n",
        "Proxy-Authorization: Bearer dTE6cDE=\r\n",
        "Proxy-Authorization: Digest username=\"u1\", response=\"p1\"\r\n",
        "Proxy-Authorization: Basicdte6cde=\r\n",
        "Proxy-Authorization: Basic\r\n dTE6cDE=\r\n",
        "Proxy-Authorization: Basic dTE6cDE\r\n",
        "Proxy-Authorization: Basic dTE6cDE==\r\n",
        "Proxy-Authorization: Basic dTE6c DE=\r\n",
        "Proxy-Authorization: Basic dTE6cDE=, Basic dTE6cDE=\r\n",
        "Proxy-Authorization : Basic dTE6cDE=\r\n",
        "Proxy_Authorization: Basic dTE6cDE=\r\n",
        "X-Proxy-Authorization: Basic dTE6cDE=\r\n",
        "Proxy-Authorization: dTE6cDE=\r\n",
        "Proxy-Authorization: u1:p1\r\n",
        "Proxy-Authorization: \"\r\n",
        "Proxy-Authorization:\r\n",
        "Proxy-Authorization: Basic !!!\r\n",
        "Cookie: Proxy-Authorization=Basic dTE6cDE=\r\n",
        "X-Forwarded-For: 127.9.8.7\r\n",
        "Forwarded: for=127.9.8.7\r\n",
        "X-Real-IP: 127.9.8.7\r\n",
        "Connection: Proxy-Authorization\r\n",
    ] {
        fields.push(text.into());
    }
    fields.push((right.clone() + &right).into());
    fields.push((right.clone() + &basic("u9:p9")).into());
    fields.push((basic("u9:p9") + &right).into());
    fields.push((right.clone() + "Connection: proxy-authorization\r\n").into());
    fields.push((right.clone() + "A: b\nC: d\r\n").into());
    fields.push([&b"Proxy-Authorization: Basic \xff\xfe"[..], b"\r\n"].concat());
    fields.push([right.as_bytes(), b"X: \0\r\n"].concat());
    fields.push(format!("Proxy-Authorization: Basic {}\r\n", "QUFB".repeat(300_000)).into());
    fields
}

/// Requests with a place for credentials, `{auth}`.
const HTTP: &[&str] = &[
    "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT {to} HTTP/1.0\r\n{auth}\r\n",
    "CONNECT {to} HTTP/1.1\r\n{auth}Host: {to}\r\n\r\n\x16\x03\x01hello",
    "connect {to} HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT u1:p1@{to} HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT {to} HTTP/2.0\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT  {to} HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{auth}Content-Length: 0\r\n\r\n",
    "CONNECT {to} HTTP/1.1\nHost: {to}\n{auth}\n",
    "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "GET http://{to}/ HTTP/1.0\r\n{auth}\r\n",
    "GET http://u1:p1@{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "HEAD http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}Connection: close\r\n\r\n",
    "OPTIONS http://{to} HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "TRACE http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}Content-Length: 5\r\n\r\nhello",
    "PUT http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}Transfer-Encoding: chunked\r\n\r\n\
     5\r\nhello\r\n0\r\n\r\n",
    "POST http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    "GET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "GET //{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "GET https://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "\r\nGET http://{to}/ HTTP/1.1\r\nHost: {to}\r\n{auth}\r\n",
    "GET http://{to}/ HTTP/1.1\r\n{auth}\r\n",
    // A request behind one that is refused, and one inside of its body.
    "GET http://{to}/ HTTP/1.1\r\nHost: a\r\n\r\nGET http://{to}/ HTTP/1.1\r\nHost: a\r\n{auth}\r\n",
    "POST http://{to}/ HTTP/1.1\r\nHost: a\r\n{auth}Content-Length: 84\r\n\r\nCONNECT {to} HTTP/1.1\r\n\
     Host: a\r\nProxy-Authorization: Basic dTE6cDE=\r\n\r\n",
];

/// What stands at the beginning of a SOCKS5 conversation.
const METHODS: &[&[u8]] = &[
    b"",
    b"\x05\x00",
    b"\x05\x01\x00",
    b"\x05\x01\x01",
    b"\x05\x01\x02",
    b"\x05\x01\xff",
    b"\x05\x02\x00\x02",
    b"\x05\x02\x02\x00",
    b"\x05\x02\x00\x00",
    b"\x05\x03\x00\x01\x02",
    b"\x05\x04\x03\x80\xfe\xff",
    b"\x05\x02\x02",
    b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
    b"\x05\x05\x00\x00\x00\x00\x00",
    // Twice.
    b"\x05\x01\x02\x05\x01\x00",
    b"\x05\x01\x00\x05\x01\x02",
];

const LOGINS: &[&[u8]] = &[
    b"",
    b"\x01\x02u1\x02p2",
    b"\x01\x02u2\x02p1",
    b"\x01\x02u9\x02p9",
    b"\x01\x00\x00",
    b"\x01\x02u1\x00",
    b"\x01\x00\x02p1",
    b"\x01\x02u3\x02p3",
    b"\x01\x02u4\x02p4",
    b"\x01\x02u5\x02p5",
    b"\x01\x02U1\x02p1",
    b"\x01\x03u1\0\x02p1",
    b"\x01\x02u1\x03p1\0",
    b"\x01\x02u1\x01p",
    b"\x01\x02u1",
    b"\x01\xffu1",
    b"\x05\x02u1\x02p1",
    b"\x00\x02u1\x02p1",
    b"\x02\x02u1\x02p1",
];

/// Requests for this destination, of all kinds.
fn socks_requests(to: SocketAddr) -> Vec<Vec<u8>> {
    let port = to.port().to_be_bytes();
    let after = |start: &[u8]| [start, &port].concat();
    vec![
        after(b"\x05\x01\x00\x01\x7f\x00\x00\x01"),
        after(b"\x05\x01\x00\x03\x09127.0.0.1"),
        after(b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\x00\x00\x01"),
        after(b"\x05\x02\x00\x01\x7f\x00\x00\x01"),
        after(b"\x05\x03\x00\x01\x7f\x00\x00\x01"),
        // With a method list and a login in between, or once more.
        after(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01"),
        after(b"\x01\x00\x00\x05\x01\x00\x01\x7f\x00\x00\x01"),
    ]
}

fn tries(to: SocketAddr) -> Vec<Try> {
    let mut tries = Vec::new();
    for auth in http_credentials() {
        for request in HTTP {
            let request = request.replace(TO, &to.to_string());
            let (before, after) = request.split_once("{auth}").unwrap();
            let whole = [before.as_bytes(), &auth, after.as_bytes()].concat();
            tries.push(vec![[before.as_bytes(), &auth].concat(), after.into()]);
            tries.push(vec![whole]);
        }
    }
    for methods in METHODS {
        for login in LOGINS {
            for request in socks_requests(to) {
                tries.push(vec![[methods, login, request.as_slice()].concat()]);
                tries.push(vec![methods.to_vec(), login.to_vec(), request]);
            }
        }
    }
    tries
}

/// Says it, and waits until the gateway has said all it says to that.
fn say(entry: SocketAddr, number: usize, said: &[Vec<u8>]) {
    // Another source each time: who fails too often is not even heard.
    let number = u32::try_from(number).unwrap();
    let from = Ipv4Addr::from_bits(0x7f20_0000 + number % 0x1f_0000);
    let Client(mut stream) = Client::connect_from(&from.to_string(), entry);
    for (number, piece) in said.iter().enumerate() {
        if number > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        // It may have been closed already.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn nobody_without_a_right_makes_it_connect_or_send() {
    let town = Town::with(Settings { handshakes_per_source: 10_000, ..Settings::default() });
    let echo = Echo::new();
    let ear = UdpSocket::bind(echo.address).unwrap();
    for id in [1, 2] {
        town.put(&lease_with_udp(id));
    }
    town.put(&Lease { suspended: true, ..lease_with_udp(3) });
    town.put(&Lease { ends_at: START.millis(), ..lease_with_udp(4) });
    let elsewhere = SocketAddr::from(([127, 0, 0, 9], town.entry.port()));
    town.put(&Lease { entries: vec![elsewhere], ..lease_with_udp(5) });
    town.put(&lease_for(6, "127.9.8.7", 32));

    let mut all = tries(echo.address);
    assert!(all.len() > 5_000, "{} tries are too few", all.len());
    let more = std::env::var("SUBLET_TRIES").map_or(0, |text| text.parse().unwrap());
    let seeds = all.iter().filter(|said| said[0].len() < 4096).map(|said| said.concat());
    let mut mutation = Mutation::new(seeds.collect(), 1);
    // Changing bytes may make it right.
    let right = |bytes: &[u8]| {
        bytes.windows(8).any(|eight| eight == b"dTE6cDE=" || eight == b"dTI6cDI=")
            || bytes.windows(6).any(|six| six == b"\x02u1\x02p1" || six == b"\x02u2\x02p2")
    };
    while all.len() < more {
        let bytes = mutation.next();
        if !right(&bytes) {
            all.push(vec![bytes]);
        }
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(said) = all.get(number)
                {
                    say(town.entry, number, said);
                }
            });
        }
    });
    println!("{} tries", all.len());

    // Somebody else's association.
    let sender = Sender::new(&town, 1);
    let stranger = UdpSocket::bind("127.3.3.3:0").unwrap();
    let port = echo.address.port().to_be_bytes();
    let datagram = [&b"\0\0\0\x01\x7f\0\0\x01"[..], &port, b"x"].concat();
    for _ in 0..100 {
        stranger.send_to(&datagram, sender.entry).unwrap();
        let entry = UdpSocket::bind("127.3.3.4:0").unwrap();
        entry.send_to(&datagram, town.entry).unwrap();
    }
    thread::sleep(Duration::from_millis(100));
    ear.set_nonblocking(true).unwrap();
    assert!(ear.recv_from(&mut [0; 10]).is_err(), "a datagram was sent");
    assert_eq!(echo.count(), 0, "it was connected to");

    // Who has a right can: all this would have been seen.
    sender.send(&echo.address.to_string(), b"y");
    ear.set_nonblocking(false).unwrap();
    ear.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let mut bytes = [0; 10];
    assert_eq!(ear.recv_from(&mut bytes).unwrap().0, 1);
    assert_eq!(bytes[0], b'y');
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&echo.address.to_string(), Some(("u1", "p1"))), 200);
    // Who came before would have been counted before.
    client.line();
    assert_eq!(echo.count(), 1);
}
