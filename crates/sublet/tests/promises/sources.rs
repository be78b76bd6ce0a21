//! R19: traffic leaves from the leased address alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::echo::Echo;
use e2e::figures::figure;
use e2e::proxies::{Proxy, seen};

use crate::town::Town;

#[test]
fn every_flow_leaves_from_its_own_address() {
    let town = Town::open();
    let (leases, flows) = (figure(100, 1_000), figure(500, 5_000));
    let (_, rentals) = town.rents(leases, 100);
    let proxies: Vec<Proxy> = rentals.into_iter().flat_map(|rental| rental.proxies).collect();
    let echo = Echo::in_tunnels();
    // The other family: the machine can go there, but no lease can.
    let other = Echo::try_at("[::1]:0").ok();
    let (next, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= flows {
                        break;
                    }
                    let proxy = &proxies[number * 7919 % proxies.len()];
                    if number % 10 == 9
                        && let Some(other) = &other
                    {
                        tunnel(number, proxy, other.address).unwrap_err();
                        continue;
                    }
                    let came = tunnel(number, proxy, echo.address).unwrap();
                    wrong.fetch_add(usize::from(came != proxy.exit()), Ordering::Relaxed);
                }
            });
        }
    });
    let came = echo.count();
    println!("{came} flows over {leases} leases: {wrong:?} from a wrong address");
    assert_eq!(wrong.into_inner(), 0);
    assert!(came >= (flows * 9 / 10).try_into().unwrap(), "{came}");
    assert_eq!(other.map_or(0, |other| other.count()), 0);
}

fn tunnel(number: usize, proxy: &Proxy, to: SocketAddr) -> Result<IpAddr, String> {
    let stream =
        if number.is_multiple_of(2) { proxy.http_tunnel(to)? } else { proxy.socks_tunnel(to)? };
    seen(&stream)
}
