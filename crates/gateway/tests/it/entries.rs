//! Where a client comes in may decide which lease it is.

use std::net::SocketAddr;

use feed::lease::{Access, Lease, Login};
use gateway::Speaks;

use crate::support::{Client, Echo, Town, exit_of, lease, lease_for};

/// The exit that a client has who comes in at `entry`.
#[track_caller]
fn exit_at(
    entry: SocketAddr,
    echo: &Echo,
    credentials: Option<(&str, &str)>,
) -> Result<String, u16> {
    let mut client = Client::connect(entry);
    match client.http_connect(&echo.address.to_string(), credentials) {
        200 => Ok(client.line()),
        status => Err(status),
    }
}

#[test]
fn one_login_has_another_exit_at_each_entry() {
    let (town, echo) = (Town::new(), Echo::new());
    let port = town.entry.port();
    let at = |last| SocketAddr::from(([127, 0, 7, last], port));
    let access = Access::from(Login { login: "same".into(), password: "secret".into() });
    for last in 1..=5 {
        let id = u64::from(last);
        town.put(&Lease { access: access.clone(), entries: vec![at(last)], ..lease(id) });
    }
    let known = Some(("same", "secret"));
    for last in 1..=5 {
        assert_eq!(exit_at(at(last), &echo, known), Ok(exit_of(last.into()).to_string()));
    }
    assert_eq!(exit_at(at(6), &echo, known), Err(407));
    assert_eq!(exit_at(at(1), &echo, Some(("same", "other"))), Err(407));
    // One more that is good everywhere else.
    town.put(&Lease { access, ..lease(9) });
    assert_eq!(exit_at(at(6), &echo, known), Ok(exit_of(9).to_string()));
    assert_eq!(exit_at(at(2), &echo, known), Ok(exit_of(2).to_string()));
}

#[test]
fn leases_share_an_address_by_their_ports() {
    let (town, echo) = (Town::new(), Echo::new());
    let entries: Vec<_> = (0..3)
        .map(|_| town.gateway.listen("127.0.0.1:0".parse().unwrap(), Speaks::Http).unwrap().1)
        .collect();
    for (id, entry) in (1..).zip(&entries) {
        town.put(&Lease { entries: vec![*entry], ..lease_for(id, "127.0.0.1", 32) });
    }
    for (id, entry) in (1..).zip(&entries) {
        assert_eq!(exit_at(*entry, &echo, None), Ok(exit_of(id).to_string()));
    }
    assert_eq!(exit_at(town.entry, &echo, None), Err(407));
    // Port 0 is every port of an address.
    let any = SocketAddr::from(([127, 0, 8, 8], 0));
    town.put(&Lease { entries: vec![any], ..lease_for(7, "127.0.0.0", 8) });
    let entry = SocketAddr::from(([127, 0, 8, 8], town.entry.port()));
    assert_eq!(exit_at(entry, &echo, None), Ok(exit_of(7).to_string()));
}

#[test]
fn a_listener_speaks_what_it_is_told_to() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let any = "127.0.0.1:0".parse().unwrap();
    let (_, http) = town.gateway.listen(any, Speaks::Http).unwrap();
    let (id, socks) = town.gateway.listen(any, Speaks::Socks5).unwrap();
    let known = Some(("u1", "p1"));
    assert!(exit_at(http, &echo, known).is_ok());
    let mut client = Client::connect(http);
    client.send([5, 1, 2, b'\r', b'\n', b'\r', b'\n']);
    assert_eq!(client.status(), 400);
    let mut client = Client::connect(socks);
    client.send("GET / HTTP/1.1\r\n\r\n");
    assert_eq!(client.rest(), b"\x05\xff");
    let mut open = Client::connect(socks);
    open.send([5, 1, 2]);
    assert_eq!(open.receive(2), [5, 2]);

    town.gateway.close(id);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while std::net::TcpStream::connect(socks).is_ok() {
        assert!(std::time::Instant::now() < deadline, "it still listens");
    }
    // Who was there already is served.
    open.send(b"\x01\x02u1\x02p1");
    assert_eq!(open.receive(2), [1, 0]);
}
