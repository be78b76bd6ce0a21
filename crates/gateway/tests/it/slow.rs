//! Clients that dribble or say nothing go away on time, and nobody else feels them.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use gateway::http::Limits;
use gateway::{Settings, Speaks};

use crate::support::{Client, Echo, PATIENCE, Town, lease, tunnel};

/// What a slow client says at once, and what byte by byte.
const SHAPES: &[(&[u8], &[u8])] = &[
    (b"", b""),
    (b"\x05", b""),
    (b"\x05\xff", b"\x02"),
    (b"\x05\x01\x02", b""),
    (b"\x05\x01\x02\x01\xff", b"a"),
    (b"\x05\x01\x02\x01\x02u1\x02p1", b""),
    (b"\x05\x01\x02\x01\x02u1\x02p1\x05\x01\0\x03\xff", b"a"),
    (b"G", b""),
    (b"GET http://a.example/", b"a"),
    (b"GET http://a.example/ HTTP/1.1\r\n", b"a: b\r\n"),
    (b"", b"\r\n"),
    (b"CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ", b"A"),
];

#[test]
fn clients_that_dribble_or_say_nothing_are_gone_on_time() {
    let wait = Duration::from_millis(1_500);
    let http = Limits { head: wait, ..Limits::default() };
    let settings = Settings { handshake: wait, http, ..Settings::default() };
    let (town, echo) = (Town::with(settings), Echo::new());
    town.put(&lease(1));
    let any = "127.0.0.1:0".parse().unwrap();
    let (_, http) = town.gateway.listen(any, Speaks::Http).unwrap();
    let (_, socks) = town.gateway.listen(any, Speaks::Socks5).unwrap();
    let began = Instant::now();
    let mut clients = Vec::new();
    for round in 0..8 {
        for (at_once, byte_by_byte) in SHAPES {
            let mut entries = vec![town.entry];
            entries.push(if at_once.first() == Some(&5) { socks } else { http });
            for entry in entries {
                let mut client = Client::connect_from(&format!("127.6.6.{round}"), entry);
                client.send(at_once);
                client.0.set_nonblocking(true).unwrap();
                clients.push((client, byte_by_byte.iter().cycle()));
            }
        }
    }
    // First to what it says it is in HTTP, then to the rest of it: two deadlines at most.
    let late = began + 2 * wait + Duration::from_secs(15);
    let mut slowest = Duration::ZERO;
    while !clients.is_empty() {
        assert!(Instant::now() < late, "{} are still there", clients.len());
        let asked = Instant::now();
        assert!(tunnel(&town, 1, &echo).0.echoes());
        slowest = slowest.max(asked.elapsed());
        clients.retain_mut(|(client, rest)| {
            if let Some(byte) = rest.next() {
                // It may be closed already.
                let _ = client.0.write(&[*byte]);
            }
            loop {
                match client.0.read(&mut [0; 1000]) {
                    Ok(0) => break false,
                    Ok(_) => {}
                    Err(error) => break error.kind() == ErrorKind::WouldBlock,
                }
            }
        });
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("all gone after {:?}, the slowest tunnel took {slowest:?}", began.elapsed());
    assert!(slowest < PATIENCE / 4, "a tunnel took {slowest:?}");
}
