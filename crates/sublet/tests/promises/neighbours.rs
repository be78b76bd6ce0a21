//! R22, R24: those who are slow go away and cost little, and one who takes much leaves the others
//! what they had.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::over::Over;
use e2e::proxies::{Proxy, seen};

use crate::town::{Town, memory_kib, percentile};

/// How long a client may take to say what it wants.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long after that it may still be there.
const GONE: Duration = Duration::from_secs(15);

#[test]
fn slow_clients_go_away_and_honest_ones_notice_nothing() {
    let town = Town::open();
    let count = figure(200, 1_000);
    let (_, rentals) = town.rents(20, 20);
    let proxies = &rentals[0].proxies;
    let echo = Echo::in_tunnels();
    let process = town.shop.process();
    let mut before = visits(proxies, &echo, figure(3, 10));
    let memory = memory_kib(process);
    let slow: Vec<TcpStream> =
        (0..count).map(|number| dribbling(number, &proxies[number % proxies.len()])).collect();
    let began = Instant::now();
    let mut grown = 0;
    let (mut during, gone) = thread::scope(|scope| {
        let gone = scope.spawn(|| dribble(slow, began));
        let during = visits(proxies, &echo, figure(3, 8));
        grown = memory_kib(process).saturating_sub(memory);
        (during, gone.join().unwrap())
    });
    let each = grown / u64::try_from(count).unwrap();
    let (alone, beside) = (percentile(&mut before, 990), percentile(&mut during, 990));
    println!(
        "{count} slow clients of {each} KiB each; the last was gone {gone:.1?} after it began; p99 of \
         honest ones {alone:.1} ms before and {beside:.1} ms beside them ({} and {} visits)",
        before.len(),
        during.len()
    );
    assert!(gone <= DEADLINE + GONE, "{gone:?}");
    assert!(each <= 64, "{each} KiB");
    assert!(beside < figure(alone.mul_add(3.0, 500.0), alone * 2.0), "{alone} {beside}");
}

/// A client that will take its time.
fn dribbling(number: usize, proxy: &Proxy) -> TcpStream {
    // From a few addresses, of which each may have so many.
    let from = Ipv4Addr::new(127, 30, 0, u8::try_from(number % 8).unwrap() + 1);
    let mut stream = proxy.open_from(IpAddr::V4(from), proxy.http).unwrap();
    let first: &[u8] = match number % 4 {
        // Nothing at all, a head, a handshake.
        0 => b"",
        1 => b"GET http://127.0.0.1:1/ HTTP/1.1\r\nX: ",
        2 => &[5, 200],
        _ => &[5, 1, 2],
    };
    stream.write_all(first).unwrap();
    stream
}

/// Sends a byte now and then, until all are closed. How long that took.
fn dribble(mut slow: Vec<TcpStream>, began: Instant) -> Duration {
    for stream in &slow {
        stream.set_nonblocking(true).unwrap();
    }
    while !slow.is_empty() && began.elapsed() < DEADLINE + GONE + GONE {
        slow.retain_mut(|stream| {
            let mut bytes = [0; 512];
            let open = match stream.read(&mut bytes) {
                Ok(count) => count > 0,
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            };
            let _ = stream.write(b"1");
            open
        });
        thread::sleep(Duration::from_millis(500));
    }
    began.elapsed()
}

/// How long honest clients need who come at a quiet pace for so many seconds.
fn visits(proxies: &[Proxy], echo: &Echo, seconds: u64) -> Vec<Duration> {
    let began = Instant::now();
    let mut times = Vec::new();
    for number in 0..u32::try_from(seconds * 50).unwrap() {
        thread::sleep((Duration::from_millis(20) * number).saturating_sub(began.elapsed()));
        times.push(visit(&proxies[number as usize % proxies.len()], echo));
    }
    times
}

/// One tunnel and one turn over it.
fn visit(proxy: &Proxy, echo: &Echo) -> Duration {
    let since = Instant::now();
    let mut stream = proxy.http_tunnel(echo.address).unwrap();
    assert_eq!(seen(&stream).unwrap(), proxy.exit());
    let mut back = [0; 100];
    stream.write_all(&[7; 100]).unwrap();
    stream.read_exact(&mut back).unwrap();
    since.elapsed()
}

#[test]
fn one_lease_that_takes_much_leaves_the_others_what_they_had() {
    let town = Town::open();
    let (_, rentals) = town.rents(21, 21);
    let (greedy, others) = rentals[0].proxies.split_first().unwrap();
    let echo = Echo::in_tunnels();
    let seconds = figure(4, 15);
    // By turns, and what is usual of them counts: the machine is not the same all the time. 20 others
    // share 50 visits a second.
    let turns = (0..figure(1, 7)).map(|_| {
        let alone = visits(others, &echo, seconds);
        // Clients and destination use the same machine as the gateway: what that costs the others
        // is seen when all of it goes past the gateway.
        let straight = || TcpStream::connect(echo.address).ok();
        let past = greed(straight, || visits(others, &echo, seconds));
        let through = || greedy.http_tunnel(echo.address).ok();
        let beside = greed(through, || visits(others, &echo, seconds));
        let turn = [alone, past, beside].map(|mut times| percentile(&mut times, 990));
        println!("p99 {turn:.2?} ms alone, beside a load past the gateway, and through it");
        turn
    });
    let turns: Vec<[f64; 3]> = turns.collect();
    let [alone, past, beside] = [0, 1, 2].map(|at| {
        let mut times: Vec<f64> = turns.iter().map(|turn| turn[at]).collect();
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!(
        "p99 {alone:.2} ms alone, {past:.2} ms beside the load past the gateway, {beside:.2} ms beside \
         one lease with that load ({:+.0} % and {:+.0} %)",
        (beside / alone - 1.0) * 100.0,
        (beside / past - 1.0) * 100.0
    );
    assert!(beside < figure(past.mul_add(3.0, 500.0), past.max(alone) * 1.2), "{past} {beside}");
}

/// Has somebody come 250 times a second while `others` do what they do: a hundred times as often as
/// each of those. What became of them.
fn greed<T>(open: impl Fn() -> Option<TcpStream> + Sync, others: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (over, open) = (&over, &open);
        let _load = Over(over);
        for at in 0..4 {
            scope.spawn(move || {
                let began = Instant::now();
                for number in (at..).step_by(4) {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let due = Duration::from_millis(4) * number;
                    thread::sleep(due.saturating_sub(began.elapsed()));
                    if let Some(mut stream) = open() {
                        let _ = stream
                            .write_all(&[7; 4096])
                            .and_then(|()| stream.read_exact(&mut [0; 4096]));
                    }
                }
            });
        }
        others()
    })
}
