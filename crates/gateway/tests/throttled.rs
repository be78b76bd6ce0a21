//! A lease that may pass few bytes costs little while it waits. Alone in its process, because it
//! measures what the process uses of the processor.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "it/support.rs"]
mod support;

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use feed::lease::{Lease, Limits};
use rustix::time::{ClockId, clock_gettime};
use support::{Client, Town, lease};

/// What the process has used of the processor.
fn used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.try_into().unwrap(), used.tv_nsec.try_into().unwrap())
}

#[test]
fn who_waits_for_his_turn_waits_asleep() {
    let town = Town::new();
    let limits = Limits { bytes_per_second: 8 * 1024, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        while stream.write_all(&[0; 65_536]).is_ok() {}
    });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to, Some(("u1", "p1"))), 200);
    client.receive(8 * 1024);
    let (began, before) = (Instant::now(), used());
    // The sender and this reader sleep nearly all the time, too.
    client.receive(16 * 1024);
    let (took, cost) = (began.elapsed(), used() - before);
    assert!(took > Duration::from_millis(1_500), "it took only {took:?}");
    assert!(cost * 10 < took, "{cost:?} of the processor in {took:?}");
}
