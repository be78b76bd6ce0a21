//! What leases say of ports beside what the gateway says.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feed::lease::{Lease, PortRules};
use gateway::Settings;
use gateway::policy::{Policy, Ports, Rules};
use gateway::refusal::Refusal;

use crate::datagrams::{Sender, lease_with_udp, oracle};
use crate::support::{Client, Echo, Town, lease, tunnel};

fn ruled(id: u64, rules: PortRules) -> Lease {
    Lease { ports: Some(Box::new(rules)), ..lease(id) }
}

fn allowing(id: u64, port: u16) -> Lease {
    ruled(id, PortRules { allow: vec![(port, port)], deny: vec![] })
}

fn denying(id: u64, port: u16) -> Lease {
    ruled(id, PortRules { allow: vec![], deny: vec![(port, port)] })
}

/// The status with which a tunnel is given or refused.
fn connect(town: &Town, id: u64, to: SocketAddr) -> u16 {
    let (login, password) = (format!("u{id}"), format!("p{id}"));
    Client::connect(town.entry).http_connect(&to.to_string(), Some((&login, &password)))
}

/// A destination that answers every request.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while stream.read_exact(&mut byte).is_ok() {
                head.push(byte[0]);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                }
            }
        }
    });
    address
}

#[test]
fn a_lease_may_have_a_port_that_is_closed_unless_the_gateway_says_never() {
    let echo = Echo::new();
    let port = echo.address.port();
    let closed = || Rules { tcp: Ports::all().without(port..=port), ..Town::rules() };
    let town = Town::ruled(Settings::default(), closed());
    for lease in [lease(1), allowing(2, port), allowing(3, port ^ 1)] {
        town.put(&lease);
    }
    assert_eq!(connect(&town, 1, echo.address), 403);
    assert_eq!(connect(&town, 2, echo.address), 200);
    assert_eq!(connect(&town, 3, echo.address), 403);
    let counts = town.gateway.refusal_counts();
    assert!(counts.contains(&(Refusal::PortNotAllowed, 2)), "{counts:?}");
    // By a name, which nobody is asked about.
    let named = format!("name.example:{port}");
    let by_name = Client::connect(town.entry).http_connect(&named, Some(("u1", "p1")));
    assert_eq!(by_name, 403);
    // It opens the port, and no address.
    assert_eq!(connect(&town, 2, SocketAddr::from(([127, 66, 0, 1], port))), 403);
    let openable = Ports::all().without(port..=port);
    town.gateway.set_policy(Policy::new(Rules { openable, ..closed() }));
    assert_eq!(connect(&town, 2, echo.address), 403);
}

#[test]
fn a_port_that_a_lease_denies_is_closed_for_it_from_then_on() {
    let (town, echo, origin) = (Town::new(), Echo::new(), origin());
    town.put(&lease(1));
    town.put(&lease(2));
    let mut open = tunnel(&town, 1, &echo).0;
    let login = STANDARD.encode("u1:p1");
    let head = format!("GET http://{origin}/ HTTP/1.1\r\nHost: {origin}\r\n");
    let request = format!("{head}Proxy-Authorization: Basic {login}\r\n\r\n");
    let mut forward = Client::connect(town.entry);
    forward.send(&request);
    assert_eq!(forward.status(), 200);

    town.put(&denying(1, echo.address.port()));
    assert_eq!(connect(&town, 1, echo.address), 403);
    assert_eq!(connect(&town, 2, echo.address), 200);
    assert!(open.echoes(), "what is open goes on");
    forward.send(&request);
    assert_eq!(forward.status(), 200);
    // A connection that is kept for the next request is judged anew.
    town.put(&denying(1, origin.port()));
    forward.send(&request);
    assert_eq!(forward.status(), 403);
    assert_eq!(connect(&town, 1, echo.address), 200);

    // What is denied goes before what is allowed.
    let port = echo.address.port();
    let both = PortRules { allow: vec![(port, port)], deny: vec![(1, u16::MAX)] };
    town.put(&ruled(1, both));
    assert_eq!(connect(&town, 1, echo.address), 403);
}

#[test]
fn datagrams_go_to_no_port_that_is_denied_and_to_no_other_for_being_allowed() {
    let (one, other) = (oracle("127.0.0.1:0"), oracle("127.0.0.1:0"));
    let closed = Ports::all().without(other.port()..=other.port());
    let town = Town::ruled(Settings::default(), Rules { udp: closed, ..Town::rules() });
    let rules = |allow: &[u16], deny: &[u16]| {
        let ranges = |ports: &[u16]| ports.iter().map(|port| (*port, *port)).collect();
        let ports = Some(Box::new(PortRules { allow: ranges(allow), deny: ranges(deny) }));
        town.put(&Lease { ports, ..lease_with_udp(1) });
    };
    rules(&[other.port()], &[]);
    let sender = Sender::new(&town, 1);
    assert!(sender.is_served(one));
    assert!(!sender.is_served(other));
    // Who may send already is told anew where to.
    rules(&[], &[one.port()]);
    assert!(!sender.is_served(one));
    rules(&[], &[]);
    assert!(sender.is_served(one));
}
