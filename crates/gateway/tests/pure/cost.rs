//! What judging costs. Says so in any build, and holds the bounds in an optimised one.

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use gateway::http::Request;
use gateway::http::head::{Scanner, read_request};
use gateway::policy::{Policy, Rules, Transport};
use gateway::ranges::Prefix;

const ROUNDS: u32 = 200_000;

#[track_caller]
fn check(what: &str, nanos_max: u128, mut run: impl FnMut(u32)) {
    let best = (0..3)
        .map(|_| {
            let start = Instant::now();
            (0..ROUNDS).for_each(&mut run);
            start.elapsed().as_nanos() / u128::from(ROUNDS)
        })
        .min()
        .unwrap();
    println!("{what}: {best} ns");
    assert!(cfg!(debug_assertions) || best < nanos_max, "{what} takes {best} ns");
}

#[test]
#[ignore = "a measurement; run it alone"]
fn judging_is_cheap() {
    let deny = (0..100_000u32).map(|number| {
        Prefix::from(std::net::IpAddr::from(Ipv4Addr::from_bits(0x2000_0000 + number * 4099)))
    });
    let listed = Policy::new(Rules { deny: deny.collect(), ..Rules::default() });
    let spread = |number: u32| number.wrapping_mul(2_654_435_761);
    for (what, policy) in [("plain", Policy::default()), ("100,000 denied", listed)] {
        check(&format!("IPv4, {what}"), 100, |number| {
            let to = SocketAddr::new(Ipv4Addr::from_bits(spread(number)).into(), 443);
            let _ = black_box(policy.judge(black_box(to), Transport::Tcp, None));
        });
        check(&format!("IPv6, {what}"), 100, |number| {
            let bits = 0x2600 << 112 | u128::from(spread(number)) << 64 | 1;
            let to = SocketAddr::new(Ipv6Addr::from_bits(bits).into(), 443);
            let _ = black_box(policy.judge(black_box(to), Transport::Tcp, None));
        });
    }
}

#[test]
#[ignore = "a measurement; run it alone"]
fn a_request_is_translated_cheaply() {
    let head = b"GET http://www.example.com/some/path?query=1 HTTP/1.1\r\n\
        Host: www.example.com\r\nProxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n\
        User-Agent: curl/8.5.0\r\nAccept: */*\r\nProxy-Connection: Keep-Alive\r\n\r\n";
    let mut out = Vec::new();
    check("request", 2000, |_| {
        out.clear();
        let end = Scanner::default().end(black_box(head)).unwrap().unwrap();
        let mut slots = [const { std::mem::MaybeUninit::uninit() }; 128];
        let request = Request::judge(read_request(&head[..end], &mut slots).unwrap()).unwrap();
        request.write(&request.destination().unwrap(), &mut out);
        black_box(&out);
    });
}
