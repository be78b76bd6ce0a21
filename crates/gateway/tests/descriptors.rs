//! What is opened is closed. Alone in its process, because it counts the process's descriptors.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "it/support.rs"]
mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use feed::lease::{Lease, Limits};
use gateway::Settings;
use support::{Client, Echo, PATIENCE, Town, lease, tunnel};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_stays_open_when_everybody_has_gone() {
    let pipes = 4;
    let town = Town::with(Settings { pipes, ..Settings::default() });
    let echo = Echo::new();
    let limits = Limits { bytes_per_second: 50_000_000, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    town.put(&lease(2));
    drop(tunnel(&town, 1, &echo));
    let before = descriptors();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || while stream.write_all(&[0; 65_536]).is_ok() {});
        }
    });
    for round in 0..6 {
        let mut clients = Vec::new();
        for id in [1, 2] {
            for kind in 0..8 {
                let mut client = Client::connect(town.entry);
                let known = (format!("u{id}"), format!("p{id}"));
                assert_eq!(client.http_connect(&to, Some((&known.0, &known.1))), 200);
                // Some leave in the middle of bulk, some before it, some have closed their side.
                if kind % 4 > 0 {
                    client.0.read_exact(&mut vec![0; 300_000 * kind]).unwrap();
                }
                if kind % 3 == 0 {
                    client.0.shutdown(Shutdown::Write).unwrap();
                }
                clients.push(client);
            }
        }
        clients.push(Client::connect(town.entry));
        if round == 5 {
            // Those are ended from within.
            town.put(&Lease { suspended: true, ..lease(1) });
            thread::sleep(Duration::from_millis(200));
        }
    }
    // One descriptor of the listener above, and the pipes that both threads keep.
    let most = before + 1 + 2 * 2 * pipes;
    let deadline = Instant::now() + PATIENCE;
    while town.gateway.connections() > 0 || descriptors() > most {
        assert!(
            Instant::now() < deadline,
            "{} connections and {} descriptors are open, {before} were before",
            town.gateway.connections(),
            descriptors(),
        );
        thread::sleep(Duration::from_millis(20));
    }
    assert!(tunnel(&town, 2, &echo).0.echoes());
}
