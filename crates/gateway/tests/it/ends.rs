//! A lease that ends or changes ends what goes on under it, and nothing else.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use domain::time::{Span, Time};
use feed::lease::{Access, Exit, Lease, Login, Source};
use gateway::Change;

use crate::support::{Client, Echo, PATIENCE, START, Town, exit_of, lease, lease_for, tunnel};

/// Opens tunnels of two leases, changes the first lease, and tells whether its tunnels live.
#[track_caller]
fn lives_after(change: impl FnOnce(&Town, Lease)) -> bool {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    town.put(&lease(2));
    let mut changed: Vec<_> = (0..8).map(|_| tunnel(&town, 1, &echo).0).collect();
    let mut others: Vec<_> = (0..8).map(|_| tunnel(&town, 2, &echo).0).collect();
    change(&town, lease(1));
    // The order has reached every thread when it has been obeyed everywhere, so that what lives
    // after this time was let live.
    thread::sleep(Duration::from_millis(300));
    let live = changed.iter_mut().filter_map(|client| client.echoes().then_some(())).count();
    assert!(others.iter_mut().all(Client::echoes), "tunnels of another lease were closed");
    assert!(live == 0 || live == 8, "{live} of 8 tunnels live");
    live == 8
}

#[test]
fn changes_that_concern_a_tunnel_end_it() {
    assert!(!lives_after(|town, _| assert!(town.gateway.apply([Change::Remove(1)]).is_empty())));
    assert!(!lives_after(|town, lease| town.put(&Lease { suspended: true, ..lease })));
    assert!(!lives_after(|town, lease| {
        let login = Login { login: "u1".to_owned(), password: "new".to_owned() };
        town.put(&Lease { access: Access::from(login), ..lease });
    }));
    assert!(!lives_after(|town, lease| {
        town.put(&Lease { exit: Exit::Address(exit_of(9)), ..lease });
    }));
    assert!(!lives_after(|town, lease| town.put(&Lease { exits: 1, ..lease })));
    assert!(!lives_after(|town, _| town.replace(&[lease(2)])));
}

#[test]
fn changes_that_do_not_concern_a_tunnel_let_it_be() {
    assert!(lives_after(|town, lease| town.put(&lease)));
    assert!(lives_after(|town, lease| {
        town.put(&Lease { ends_at: lease.ends_at + 1_000, ..lease });
    }));
    assert!(lives_after(|town, lease| town.replace(&[lease, self::lease(2)])));
}

#[test]
fn while_an_exit_is_about_to_change_what_goes_on_goes_on_and_nothing_new_begins() {
    assert!(lives_after(|town, lease| {
        town.put(&Lease { dialing: true, ..lease.clone() });
        let refused = refused(town);
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.contains("\r\nRetry-After: ") && refused.contains("exit_dialing"));
        town.put(&lease);
    }));
}

/// What a client is told who wants a tunnel of a lease and gets none.
fn refused(town: &Town) -> String {
    let mut client = Client::connect(town.entry);
    client.send(
        "CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dTE6cDE=\r\n\r\n",
    );
    String::from_utf8_lossy(&client.rest()).into_owned()
}

#[test]
fn a_way_in_that_is_taken_away_ends_what_came_by_it_and_nothing_else() {
    let (town, echo) = (Town::new(), Echo::new());
    let login = |name: &str| Login { login: name.to_owned(), password: "secret".to_owned() };
    let source = Source { ip: "127.9.3.3".parse().unwrap(), bits: 32 };
    let with = |names: &[&str], sources: Vec<Source>| {
        let logins = names.iter().copied().map(login).collect();
        Lease { access: Access { logins, sources }, ..lease(1) }
    };
    let open = |from, known| {
        let mut client = Client::connect_from(from, town.entry);
        assert_eq!(client.http_connect(&echo.address.to_string(), known), 200);
        client.line();
        client
    };
    town.put(&with(&["one", "two"], vec![source]));
    let mut first = open("127.9.3.3", Some(("one", "secret")));
    let mut second = open("127.9.3.3", Some(("two", "secret")));
    let mut third = open("127.9.3.3", None);
    town.put(&with(&["two"], vec![source]));
    assert_eq!(first.rest(), b"");
    assert!(second.echoes() && third.echoes());
    town.put(&with(&["two", "three"], vec![]));
    assert_eq!(third.rest(), b"");
    assert!(second.echoes());
    town.put(&with(&["three"], vec![]));
    assert_eq!(second.rest(), b"");
}

#[test]
fn a_source_that_is_no_longer_authorised_loses_its_tunnels() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease_for(1, "127.9.0.0", 16));
    let open = |from| {
        let mut client = Client::connect_from(from, town.entry);
        assert_eq!(client.http_connect(&echo.address.to_string(), None), 200);
        client.line();
        client
    };
    let (mut stays, mut goes) = (open("127.9.1.1"), open("127.9.2.2"));
    let sources = vec![Source { ip: "127.9.1.1".parse().unwrap(), bits: 32 }];
    town.put(&Lease { access: Access::from(sources), ..lease(1) });
    assert_eq!(goes.rest(), b"");
    assert!(stays.echoes());
}

#[test]
fn tunnels_end_with_their_lease_and_no_new_ones_begin() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&Lease { ends_at: (START + Span::from_millis(60_000)).millis(), ..lease(1) });
    town.put(&lease(2));
    let mut first: Vec<_> = (0..20).map(|_| tunnel(&town, 1, &echo).0).collect();
    let mut second = tunnel(&town, 2, &echo).0;
    town.turn_clock(Span::from_millis(59_999));
    assert!(first.iter_mut().all(Client::echoes));
    town.turn_clock(Span::from_millis(60_000));
    for client in &mut first {
        assert_eq!(client.rest(), b"");
    }
    assert!(second.echoes());
    let to = echo.address.to_string();
    let before = echo.count();
    assert_eq!(Client::connect(town.entry).http_connect(&to, Some(("u1", "p1"))), 403);
    assert_eq!(echo.count(), before);
    // Extended, it is served again.
    town.put(&lease(1));
    assert!(tunnel(&town, 1, &echo).0.echoes());
}

#[test]
fn a_lease_that_ends_soon_after_it_is_used_ends_on_time() {
    let (town, echo) = (Town::new(), Echo::new());
    for round in 0..3 {
        // Nobody tells the gateway that the time goes on.
        let end = START + Span::from_millis(60_000 * (round + 1));
        town.clock.set(Time::from_millis(end.millis() - 300));
        town.put(&Lease { ends_at: end.millis(), ..lease(1) });
        let mut client = tunnel(&town, 1, &echo).0;
        thread::sleep(Duration::from_millis(250));
        town.clock.set(end);
        let began = Instant::now();
        assert_eq!(client.rest(), b"");
        assert!(began.elapsed() < Duration::from_millis(400), "{:?} late", began.elapsed());
        while town.gateway.connections() > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_lease_that_is_extended_keeps_its_tunnels() {
    let (town, echo) = (Town::new(), Echo::new());
    let short = Lease { ends_at: (START + Span::from_millis(60_000)).millis(), ..lease(1) };
    town.put(&short);
    let mut client = tunnel(&town, 1, &echo).0;
    town.put(&lease(1));
    town.turn_clock(Span::from_millis(61_000));
    assert!(client.echoes());
    town.put(&short);
    assert_eq!(client.rest(), b"");
}

#[test]
fn a_lease_that_has_ended_passes_no_byte_even_if_many_are_on_their_way() {
    let town = Town::new();
    town.put(&lease(1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        while stream.write_all(&[0; 65_536]).is_ok() {}
    });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 200);
    client.receive(5_000_000);
    town.turn_clock(Span::HOUR);
    let deadline = Instant::now() + PATIENCE;
    while town.gateway.connections() > 0 {
        assert!(Instant::now() < deadline, "the connection is still open");
        thread::sleep(Duration::from_millis(10));
    }
    // What lies in the gateway's own buffers is not delivered: the connection is reset.
    let mut buffer = vec![0; 65_536];
    let error = loop {
        match client.0.read(&mut buffer) {
            Ok(count) => assert!(count > 0, "it ended as if all had come"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn the_gateway_closes_everything_when_it_goes() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = tunnel(&town, 1, &echo).0;
    let mut silent = Client::connect(town.entry);
    let mut half = Client::connect(town.entry);
    half.send("CONNECT ");
    let mut refused = Client::connect(town.entry);
    refused.send(b"\x05\x01\x00");
    assert_eq!(refused.receive(2), [5, 0xff]);
    let entry = town.entry;
    drop(town);
    for client in [&mut client, &mut silent, &mut half, &mut refused] {
        client.rest();
    }
    assert!(std::net::TcpStream::connect_timeout(&entry, PATIENCE).is_err());
}

#[test]
fn a_gateway_that_drains_accepts_nothing_and_serves_what_is_there() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut open = tunnel(&town, 1, &echo).0;
    let mut waits = Client::connect(town.entry);
    waits.send(format!("CONNECT {} HTTP/1.1\r\nHost: a\r\n\r\n", "192.0.2.1:25"));
    assert_eq!(waits.status(), 407);
    let mut talks = Client::connect(town.entry);
    talks.send("CON");
    thread::sleep(Duration::from_millis(200));
    town.gateway.drain();
    waits.rest();
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(town.entry).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        thread::sleep(Duration::from_millis(10));
    }
    // u1:p1
    talks.send(format!(
        "NECT {} HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic dTE6cDE=\r\n\r\n",
        echo.address
    ));
    assert_eq!(talks.status(), 200);
    assert!(open.echoes());
    drop((open, talks));
    while !town.gateway.is_drained() {
        assert!(Instant::now() < deadline, "it is never drained");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_gateway_where_somebody_may_still_come_is_not_drained() {
    let town = Town::new();
    let mut refused = Client::connect(town.entry);
    refused.send("GET http://192.0.2.1/ HTTP/1.1\r\nHost: 192.0.2.1\r\nConnection: close\r\n\r\n");
    assert_eq!(refused.status(), 407);
    drop(refused);
    let deadline = Instant::now() + PATIENCE;
    while town.gateway.connections() > 0 {
        assert!(Instant::now() < deadline, "it is never left");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(!town.gateway.is_drained());
    town.gateway.drain();
    while !town.gateway.is_drained() {
        assert!(Instant::now() < deadline, "it is never drained");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(std::net::TcpStream::connect(town.entry).is_err(), "it still listens");
}
