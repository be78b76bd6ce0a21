//! SOCKS5: who is let in, where to, and what everybody else is told.

use std::net::SocketAddr;
use std::time::Duration;

use feed::lease::Lease;
use gateway::Settings;

use crate::support::{Client, Echo, Town, exit_of, lease, lease_for};

fn request(to: SocketAddr) -> Vec<u8> {
    let mut bytes = match to {
        SocketAddr::V4(to) => [&[5, 1, 0, 1][..], &to.ip().octets()].concat(),
        SocketAddr::V6(to) => [&[5, 1, 0, 4][..], &to.ip().octets()].concat(),
    };
    bytes.extend(to.port().to_be_bytes());
    bytes
}

const LOGIN: &[u8] = b"\x01\x02u1\x02p1";

fn known(town: &Town) -> Client {
    let mut client = Client::connect(town.entry);
    client.send([5, 1, 2]);
    assert_eq!(client.receive(2), [5, 2]);
    client.send(LOGIN);
    assert_eq!(client.receive(2), [1, 0]);
    client
}

#[test]
fn a_login_opens_a_tunnel_in_both_orders_of_methods() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    for methods in [&[2][..], &[0, 2], &[2, 0], &[1, 2, 3, 0x80]] {
        let mut client = Client::connect(town.entry);
        client.send([&[5, u8::try_from(methods.len()).unwrap()], methods].concat());
        assert_eq!(client.receive(2), [5, 2], "{methods:?}");
        client.send(LOGIN);
        assert_eq!(client.receive(2), [1, 0]);
        client.send(request(echo.address));
        assert_eq!(client.receive(10), [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(client.line(), exit_of(1).to_string());
        assert!(client.echoes());
    }
}

#[test]
fn everything_may_come_at_once() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    client.send([&[5, 1, 2], LOGIN, &request(echo.address), b"ping"].concat());
    assert_eq!(client.receive(4), [5, 2, 1, 0]);
    assert_eq!(client.receive(10)[..2], [5, 0]);
    assert_eq!(client.line(), exit_of(1).to_string());
    assert_eq!(client.receive(4), b"ping");
}

#[test]
fn nobody_gets_in_without_the_right_login() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let talks: [(&[u8], &[u8]); 10] = [
        (b"\x05\x01\x00", b"\x05\xff"),
        (b"\x05\x00", b"\x05\xff"),
        (b"\x05\x02\x01\x03", b"\x05\xff"),
        (b"\x05\x01\x02\x01\x02u1\x02p2", b"\x05\x02\x01\x01"),
        (b"\x05\x01\x02\x01\x02u2\x02p1", b"\x05\x02\x01\x01"),
        (b"\x05\x01\x02\x01\x00\x02p1", b"\x05\x02\x01\x01"),
        (b"\x05\x01\x02\x01\x02u1\x00", b"\x05\x02\x01\x01"),
        (b"\x05\x01\x02\x01\x00\x00", b"\x05\x02\x01\x01"),
        (b"\x05\x01\x02\x05\x02u1\x02p1", b"\x05\x02\x01\x01"),
        // A request in place of a login.
        (b"\x05\x01\x02\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", b"\x05\x02\x01\x01"),
    ];
    for (said, answer) in talks {
        let mut client = Client::connect(town.entry);
        client.send([said, &request(echo.address)].concat());
        assert_eq!(client.rest(), answer, "{said:?}");
    }
    assert_eq!(echo.count(), 0);
}

#[test]
fn the_source_is_enough_where_it_is_authorised() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease_for(1, "127.9.8.7", 32));
    for methods in [&b"\x05\x01\x00"[..], b"\x05\x02\x00\x02"] {
        let mut client = Client::connect_from("127.9.8.7", town.entry);
        client.send(methods);
        assert_eq!(client.receive(2), [5, 0]);
        client.send(request(echo.address));
        assert_eq!(client.receive(10)[..2], [5, 0]);
        assert_eq!(client.line(), exit_of(1).to_string());
    }
    let mut client = Client::connect_from("127.9.8.6", town.entry);
    client.send(b"\x05\x01\x00");
    assert_eq!(client.rest(), b"\x05\xff");
}

#[test]
fn a_lease_of_the_source_that_does_not_serve_leaves_the_login() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    town.put(&Lease { suspended: true, ..lease_for(2, "127.9.8.5", 32) });
    let mut client = Client::connect_from("127.9.8.5", town.entry);
    client.send([b"\x05\x02\x00\x02", LOGIN].concat());
    assert_eq!(client.receive(4), [5, 2, 1, 0]);
    client.send(request(echo.address));
    assert_eq!(client.receive(10)[..2], [5, 0]);
    assert_eq!(client.line(), exit_of(1).to_string());
    let mut client = Client::connect_from("127.9.8.5", town.entry);
    client.send(b"\x05\x01\x00");
    assert_eq!(client.rest(), b"\x05\xff");
}

#[test]
fn other_commands_and_addresses_are_refused() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let port = echo.address.port().to_be_bytes();
    let requests: [(&[u8], u8); 13] = [
        (b"\x05\x02\x00\x01\x7f\x00\x00\x01", 7),
        (b"\x05\x03\x00\x01\x7f\x00\x00\x01", 7),
        (b"\x05\x00\x00\x01\x7f\x00\x00\x01", 7),
        (b"\x05\x09\x00\x01\x7f\x00\x00\x01", 7),
        (b"\x05\x01\x00\x02\x7f\x00\x00\x01", 8),
        (b"\x05\x01\x00\x05\x7f\x00\x00\x01", 8),
        (b"\x05\x01\x00\x01\x7f\x42\x00\x01", 2),
        (b"\x05\x01\x00\x03\x0a127.66.0.1", 2),
        (b"\x05\x01\x00\x03\x09localhost", 2),
        (b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\x42\x00\x01", 2),
        (b"\x05\x01\x00\x03\x00", 1),
        (b"\x05\x01\x00\x03\x05127.1", 1),
        (b"\x04\x01\x00\x01\x7f\x00\x00\x01", 1),
    ];
    for (said, code) in requests {
        let mut client = known(&town);
        client.send([said, &port].concat());
        assert_eq!(client.rest()[..2], [5, code], "{said:?}");
    }
    for (port, code) in [(0u16, 1), (25, 2)] {
        let mut client = known(&town);
        client.send(request(SocketAddr::from(([127, 0, 0, 1], port))));
        assert_eq!(client.rest()[..2], [5, code]);
    }
    assert_eq!(echo.count(), 0);
}

#[test]
fn what_a_destination_does_is_told() {
    let town = Town::new();
    town.put(&lease(1));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut client = known(&town);
    client.send(request(closed));
    assert_eq!(client.rest()[..2], [5, 5]);
    let mut client = known(&town);
    client.send(request("[fd00:7::1]:80".parse().unwrap()));
    assert_eq!(client.rest()[..2], [5, 4]);
}

#[test]
fn who_is_slow_is_closed() {
    let settings = Settings { handshake: Duration::from_millis(300), ..Settings::default() };
    let (town, echo) = (Town::with(settings), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    client.send([5]);
    assert_eq!(client.rest(), b"");
    let mut client = known(&town);
    client.send(&request(echo.address)[..5]);
    assert_eq!(client.rest()[..2], [5, 1]);
    assert_eq!(echo.count(), 0);
}
