//! R16: what is revoked stops working at once, under load, and nothing else does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::over::Over;
use e2e::proxies::{Proxy, seen};
use serde_json::json;

use crate::town::Town;

/// What new connections are held to, and what those are that were open.
const NEW: Duration = Duration::from_secs(1);
const OPEN: Duration = Duration::from_secs(5);

#[test]
fn a_login_that_is_revoked_under_load_stops_working_at_once() {
    let town = Town::open();
    let (revoked, others) = (figure(6, 20), 10);
    // Each in an order of its own, so that each has a login of its own.
    let (ann, rentals) = town.rents(revoked + others, 1);
    let ways = town.shop.seller(&ann, "GET", "auth/list", &json!({}));
    let ways = ways.as_array().unwrap();
    let proxies: Vec<Proxy> = rentals.into_iter().flat_map(|rental| rental.proxies).collect();
    let (revoked, others) = proxies.split_at(revoked.try_into().unwrap());
    let echo = Echo::in_tunnels();
    let (over, cut, turns) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let (mut slowest_new, mut slowest_open) = (Duration::ZERO, Duration::ZERO);
    thread::scope(|scope| {
        let load = Over(&over);
        // The load: tunnels of the others, in which bytes go to and fro all the time, and new ones.
        for proxy in others {
            scope.spawn(|| {
                let mut stays = open(proxy, &echo);
                while !over.load(Ordering::Relaxed) {
                    let is_well = echoes(&mut stays) && echoes(&mut open(proxy, &echo));
                    cut.fetch_add(u64::from(!is_well), Ordering::Relaxed);
                    turns.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(10));
                }
            });
        }
        for (number, proxy) in revoked.iter().enumerate() {
            let mut tunnels: Vec<TcpStream> = (0..5).map(|_| open(proxy, &echo)).collect();
            let way = ways.iter().find(|way| way["login"] == proxy.login.as_str()).unwrap();
            let body = match number % 2 {
                0 => json!({ "id": way["id"], "active": false }),
                _ => json!({ "id": way["id"], "password": "an0ther-secret" }),
            };
            town.shop.seller(&ann, "POST", "auth/change", &body);
            let since = Instant::now();
            while proxy.http_tunnel(echo.address).is_ok() {
                assert!(since.elapsed() < OPEN, "it still works");
            }
            slowest_new = slowest_new.max(since.elapsed());
            for tunnel in &mut tunnels {
                tunnel.set_read_timeout(Some(OPEN)).unwrap();
                let mut last = [0; 1];
                let ended = match tunnel.read(&mut last) {
                    Ok(count) => count == 0,
                    Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
                };
                assert!(ended, "it is still open");
            }
            slowest_open = slowest_open.max(since.elapsed());
        }
        drop(load);
    });
    let (revoked, turns) = (revoked.len(), turns.into_inner());
    println!(
        "{revoked} revocations under load ({turns} turns of others): new ones were refused after \
         {slowest_new:.0?} at the latest, open ones cut after {slowest_open:.0?}"
    );
    assert_eq!(cut.into_inner(), 0, "others were cut");
    assert!(turns > 10, "there was no load");
    assert!(slowest_new < figure(OPEN, NEW), "{slowest_new:?}");
}

#[track_caller]
fn open(proxy: &Proxy, echo: &Echo) -> TcpStream {
    let stream = proxy.socks_tunnel(echo.address).unwrap();
    assert_eq!(seen(&stream).unwrap(), proxy.exit());
    stream
}

fn echoes(stream: &mut TcpStream) -> bool {
    let mut back = [0; 64];
    stream.write_all(&[7; 64]).is_ok() && stream.read_exact(&mut back).is_ok() && back == [7; 64]
}
