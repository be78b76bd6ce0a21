//! R32: memory and descriptors stay bounded, however many connections come and go.

use std::fs;
use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::proxies::{Proxy, seen, status};

use crate::town::{Town, memory_kib, soon};

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let town = Town::open();
    let (_, rentals) = town.rents(50, 50);
    let proxies = &rentals[0].proxies;
    let echo = Echo::in_tunnels();
    let process = town.shop.process();
    let work = |how_long: Duration| {
        let (since, count) = (Instant::now(), AtomicU64::new(0));
        thread::scope(|scope| {
            for at in 0..4 {
                let (count, echo) = (&count, &echo);
                scope.spawn(move || {
                    for number in (at..).step_by(4) {
                        if since.elapsed() >= how_long {
                            break;
                        }
                        come_and_go(number, &proxies[number % proxies.len()], echo);
                        count.fetch_add(1, Ordering::Relaxed);
                        // A rate that does not depend on how fast the machine is.
                        let due = Duration::from_millis(10) * u32::try_from(number).unwrap() / 4;
                        thread::sleep(due.saturating_sub(since.elapsed()));
                    }
                });
            }
        });
        count.into_inner()
    };
    let resting = descriptors(process);
    work(figure(Duration::from_secs(3), Duration::from_secs(60)));
    let (warm, files) = (memory_kib(process), descriptors(process));
    let count = work(figure(Duration::from_secs(6), Duration::from_secs(600)));
    let after = memory_kib(process);
    soon("descriptors are given back", || descriptors(process) <= resting);
    println!(
        "{count} connections: {warm} KiB before, {after} KiB after; {files} descriptors at work, \
         {resting} at rest"
    );
    // A hundredth, or what an allocator keeps of its own accord.
    let grown = after.saturating_sub(warm);
    assert!(grown <= (warm / 100).max(figure(4096, 1024)), "it has grown by {grown} KiB");
}

/// Connections that end in every way.
fn come_and_go(number: usize, proxy: &Proxy, echo: &Echo) {
    match number % 5 {
        // Well, from either side.
        0 => drop(seen(&proxy.http_tunnel(echo.address).unwrap()).unwrap()),
        1 => {
            let stream = proxy.socks_tunnel(echo.address).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            seen(&stream).unwrap();
        }
        // In the middle of the handshake, or with a wrong password.
        2 => {
            let mut stream = proxy.open(proxy.http).unwrap();
            stream.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHo").unwrap();
        }
        3 => {
            // From elsewhere: who is wrong too often is heard no more.
            let mut stream = proxy.open_from([127, 30, 0, 9].into(), proxy.http).unwrap();
            stream.write_all(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n").unwrap();
            assert!([407, 429].contains(&status(&mut stream).unwrap()));
        }
        // Where nobody listens.
        _ => drop(proxy.socks_tunnel("127.0.0.1:1".parse().unwrap())),
    }
}

fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}
