//! Clients that connect inside TLS.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::Span;
use feed::lease::{Lease, Limits};
use gateway::{Certificate, Settings, Speaks};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Client, Echo, PATIENCE, Town, exit_of, lease, noise};

const FIRST: (&[u8], &[u8]) =
    (include_bytes!("../certificates/first.pem"), include_bytes!("../certificates/first.key"));
const SECOND: (&[u8], &[u8]) =
    (include_bytes!("../certificates/second.pem"), include_bytes!("../certificates/second.key"));

/// A connection to the gateway inside TLS.
struct Secured(StreamOwned<ClientConnection, TcpStream>);

impl Secured {
    /// Connects, trusting this certificate alone.
    fn try_connect(
        to: SocketAddr,
        trusted: (&[u8], &[u8]),
        protocols: &[&str],
    ) -> std::io::Result<Secured> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusted.0).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = "localhost".try_into().unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, Client::connect(to).0);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Secured(stream))
    }

    fn connect(to: SocketAddr) -> Secured {
        Secured::try_connect(to, FIRST, &["http/1.1"]).unwrap()
    }

    fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.extend(self.receive(1));
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// Opens a tunnel for the lease `id` and gives the status.
    fn http_connect(&mut self, to: SocketAddr, id: u64) -> u16 {
        let pair = STANDARD.encode(format!("u{id}:p{id}"));
        let head =
            format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {pair}");
        self.0.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
        let first = self.line();
        while !self.line().is_empty() {}
        first.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Says that nothing more will be said.
    fn finish(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().unwrap();
    }

    /// Whether the other side is there still.
    fn echoes(&mut self) -> bool {
        let mut back = [0; 4];
        self.0.write_all(b"ping").is_ok()
            && self.0.read_exact(&mut back).is_ok()
            && back == *b"ping"
    }
}

fn certificate((chain, key): (&[u8], &[u8])) -> Certificate {
    Certificate::read(chain, key).unwrap()
}

fn town() -> Town {
    let town = Town::new();
    town.gateway.set_certificate(Some(certificate(FIRST)));
    town.put(&lease(1));
    town
}

#[test]
fn tunnels_inside_tls_pass_everything_and_end_cleanly() {
    let (town, echo) = (town(), Echo::new());
    let mut client = Secured::connect(town.entry);
    assert_eq!(client.0.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(client.http_connect(echo.address, 1), 200);
    assert_eq!(client.line(), exit_of(1).to_string());
    let sent = noise(3 << 20);
    let mut back = Vec::new();
    for piece in sent.chunks(32 * 1024) {
        client.0.write_all(piece).unwrap();
        back.extend(client.receive(piece.len()));
    }
    client.0.write_all(b"last words").unwrap();
    client.finish();
    // What came back and a proper end: one that was made by somebody else would be an error.
    client.0.read_to_end(&mut back).unwrap();
    assert!(back == [&sent[..], b"last words"].concat());
    let count = u64::try_from(back.len()).unwrap();
    let line = u64::try_from(exit_of(1).to_string().len()).unwrap() + 1;
    let used = town.used(1, 2 * count + line);
    assert_eq!((used.flows, used.bytes_up, used.bytes_down), (1, count, count + line));
}

#[test]
fn a_client_that_reads_late_loses_nothing() {
    let town = town();
    let destination = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = destination.local_addr().unwrap();
    let all = noise(8 << 20);
    let sender = {
        let all = all.clone();
        thread::spawn(move || destination.accept().unwrap().0.write_all(&all).unwrap())
    };
    let mut client = Secured::connect(town.entry);
    assert_eq!(client.http_connect(to, 1), 200);
    thread::sleep(Duration::from_millis(300));
    let mut received = Vec::new();
    client.0.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(received == all, "{} of {} bytes", received.len(), all.len());
}

#[test]
fn requests_and_socks_are_understood_inside_tls_too() {
    let (town, echo) = (town(), Echo::new());
    let mut client = Secured::connect(town.entry);
    client.0.write_all(b"\x05\x01\x02").unwrap();
    assert_eq!(client.receive(2), b"\x05\x02");
    client.0.write_all(b"\x01\x02u1\x02p1").unwrap();
    assert_eq!(client.receive(2), b"\x01\x00");
    let SocketAddr::V4(to) = echo.address else { unreachable!("it is on 127.0.0.1") };
    let wish = [&b"\x05\x01\x00\x01"[..], &to.ip().octets(), &to.port().to_be_bytes()];
    client.0.write_all(&wish.concat()).unwrap();
    assert_eq!(client.receive(10)[..2], *b"\x05\x00");
    assert_eq!(client.line(), exit_of(1).to_string());
    assert!(client.echoes());

    let origin = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = origin.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = origin.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"GET /a HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
    });
    let mut client = Secured::connect(town.entry);
    let login = STANDARD.encode("u1:p1");
    let head = format!("GET http://{to}/a HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    client
        .0
        .write_all(format!("{head}Proxy-Authorization: Basic {login}\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    client.0.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhi"), "{answer}");
}

#[test]
fn limits_and_ends_hold_inside_tls() {
    let (town, echo) = (town(), Echo::new());
    town.put(&Lease { limits: Limits { flows: 1, ..Limits::default() }, ..lease(1) });
    let mut client = Secured::connect(town.entry);
    assert_eq!(client.http_connect(echo.address, 1), 200);
    client.line();
    assert!(client.echoes());
    assert_eq!(Secured::connect(town.entry).http_connect(echo.address, 1), 429);
    assert_eq!(Secured::connect(town.entry).http_connect(echo.address, 9), 407);
    town.turn_clock(Span::HOUR);
    let mut rest = Vec::new();
    assert_eq!(client.0.read_to_end(&mut rest).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(Secured::connect(town.entry).http_connect(echo.address, 1), 403);
}

#[test]
fn another_certificate_is_for_those_who_come_later() {
    let (town, echo) = (town(), Echo::new());
    let mut client = Secured::connect(town.entry);
    assert_eq!(client.http_connect(echo.address, 1), 200);
    client.line();
    town.gateway.set_certificate(Some(certificate(SECOND)));
    assert!(Secured::try_connect(town.entry, FIRST, &[]).is_err());
    assert!(Secured::try_connect(town.entry, SECOND, &[]).is_ok());
    assert!(client.echoes());
    town.gateway.set_certificate(None);
    assert!(Secured::try_connect(town.entry, SECOND, &[]).is_err());
    assert!(client.echoes());
}

#[test]
fn where_tls_is_understood() {
    let town = town();
    let at = |speaks| {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        town.gateway.listen_on_one_thread(any, speaks).unwrap().1
    };
    let understands = |to| Secured::try_connect(to, FIRST, &[]).is_ok();
    assert!(understands(at(Speaks::Http)) && understands(at(Speaks::Tls)));
    assert!(!understands(at(Speaks::Socks5)));
    // Nothing else is, where TLS alone is.
    let mut client = Client::connect(at(Speaks::Tls));
    client.send("CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n");
    assert!(!client.rest().starts_with(b"HTTP"));
    // Who can speak nothing that is spoken inside is told before anything else.
    assert!(Secured::try_connect(town.entry, FIRST, &["h2"]).is_err());
    assert!(Secured::try_connect(town.entry, FIRST, &["h2", "http/1.1"]).is_ok());
}

#[test]
fn a_handshake_that_does_not_end_is_ended() {
    let town = Town::with(Settings {
        handshake: Duration::from_millis(400),
        handshakes_per_source: 3,
        ..Settings::default()
    });
    town.gateway.set_certificate(Some(certificate(FIRST)));
    let began = Instant::now();
    let mut slow: Vec<_> = (0..3).map(|_| Client::connect(town.entry)).collect();
    slow.iter_mut().for_each(|client| client.send(b"\x16\x03\x01\x02\x00\x01\x00"));
    thread::sleep(Duration::from_millis(100));
    // They are counted like all others who have not said what they want.
    assert_eq!(Client::connect(town.entry).rest(), b"");
    for client in &mut slow {
        client.rest();
    }
    assert!((Duration::from_millis(300)..PATIENCE / 2).contains(&began.elapsed()));
}

#[test]
fn what_is_no_certificate_is_told() {
    let why = |chain, key| Certificate::read(chain, key).unwrap_err().to_string();
    assert!(why(b"", FIRST.1).contains("no certificate"));
    assert!(why(FIRST.1, FIRST.1).contains("no certificate"));
    assert!(
        why(b"-----BEGIN CERTIFICATE-----\n?", FIRST.1).contains("certificates cannot be read")
    );
    assert!(why(FIRST.0, FIRST.0).contains("private key cannot be read"));
    assert!(why(FIRST.0, SECOND.1).contains("cannot be used with this key"));
}
