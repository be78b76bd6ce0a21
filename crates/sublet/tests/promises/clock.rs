//! R26: a system's clock that is set changes nothing: leases end when they should.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::proxies::Proxy;
use e2e::shim::WallClock;

use crate::town::{Town, setup, soon};

/// How far from the true moment leases may end.
const TOLERANCE: Duration = Duration::from_secs(2);

/// How the clock is set, in seconds: to the second, the hour and the day, both ways, each time
/// before the last one is undone.
const STEPS: [i64; 10] = [1, -1, 3_600, -3_600, 86_400, -86_400, 90_000, 0, -90_000, 0];

#[test]
fn leases_end_when_they_should_although_the_clock_is_set() {
    let mut shop = setup().open();
    shop.kill9();
    let mut clock = None;
    shop.reopen_with(|command| clock = Some(WallClock::prepare(command)));
    let clock = clock.unwrap();
    let town = Town::opened(shop);
    let echo = Echo::in_tunnels();
    let steps = figure(&STEPS[3..5], &STEPS[..]);
    // One after the other ends while the clock is off by each step.
    for (number, step) in steps.iter().enumerate() {
        let (_, rentals) = town.rents(1, 1);
        let (proxy, (from, to)) = (&rentals[0].proxies[0], rentals[0].ordered);
        let left = Duration::from_secs(from.elapsed().as_secs() + 10);
        town.shop.advance(&format!("{}s", 30 * 86_400 - left.as_secs()));
        let open = proxy.socks_tunnel(echo.address).unwrap();
        thread::sleep(Duration::from_millis(500));
        clock.set(step * 1000);
        let ended = ends(proxy, &echo, open);
        let (early, late) = (
            (from + left).saturating_duration_since(ended),
            ended.saturating_duration_since(to + left),
        );
        println!("the clock was set to {step:+} s: {early:.0?} too early, {late:.0?} too late");
        assert!(early <= TOLERANCE && late <= TOLERANCE, "step {number}: {early:?} {late:?}");
    }
    // And the shop goes on, with the clock as it is.
    clock.set(0);
    let (_, rentals) = town.rents(1, 1);
    let proxy = &rentals[0].proxies[0];
    soon("it is served", || proxy.socks_tunnel(echo.address).is_ok());
    town.shop.audit();
}

/// When a tunnel is cut; new ones must not be refused much earlier or later.
fn ends(proxy: &Proxy, echo: &Echo, open: TcpStream) -> Instant {
    let mut refused = None;
    let since = Instant::now();
    let cut = loop {
        assert!(since.elapsed() < Duration::from_secs(20), "it does not end");
        if refused.is_none() && proxy.socks_tunnel(echo.address).is_err() {
            refused = Some(Instant::now());
        }
        open.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut bytes = [0; 64];
        match std::io::Read::read(&mut &open, &mut bytes) {
            Ok(0) => break Instant::now(),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                break Instant::now();
            }
            _ => {}
        }
    };
    soon("new ones are refused", || proxy.socks_tunnel(echo.address).is_err());
    if let Some(refused) = refused {
        assert!(cut.saturating_duration_since(refused) < TOLERANCE);
    }
    cut
}
