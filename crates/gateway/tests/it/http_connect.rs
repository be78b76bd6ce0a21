//! CONNECT: who is let in, where to, and what everybody else is told.

use std::net::TcpListener;
use std::time::Duration;

use gateway::Settings;

use crate::support::{Client, Echo, Town, exit_of, lease, lease_for};

/// Sends `head` with `{}` replaced by the address of a destination, and gives the status, if the
/// destination has seen nobody.
#[track_caller]
fn refused(head: &str) -> u16 {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    let head = head.replace("{}", &echo.address.to_string());
    let head = head.replace("{port}", &echo.address.port().to_string());
    client.send(format!("{head}\r\n\r\n"));
    let status = client.status();
    client.rest();
    assert_eq!(echo.count(), 0, "it was connected: {head}");
    status
}

const RIGHT: &str = "Proxy-Authorization: Basic dTE6cDE=";

#[test]
fn without_right_credentials_nothing_is_connected() {
    let values = [
        "",
        "\r\nProxy-Authorization: Basic dTE6cDI=",
        "\r\nProxy-Authorization: Basic dTI6cDE=",
        "\r\nProxy-Authorization: Basic dTE=",
        "\r\nProxy-Authorization: Basic OnAx",
        "\r\nProxy-Authorization: Basic dTE6",
        "\r\nProxy-Authorization: Basic Og==",
        "\r\nProxy-Authorization: Basic !!!!",
        "\r\nProxy-Authorization: Bearer dTE6cDE=",
        "\r\nAuthorization: Basic dTE6cDE=",
    ];
    for value in values {
        assert_eq!(refused(&format!("CONNECT {{}} HTTP/1.1\r\nHost: a{value}")), 407, "{value}");
    }
    let twice = format!("CONNECT {{}} HTTP/1.1\r\nHost: a\r\n{RIGHT}\r\n{RIGHT}");
    assert_eq!(refused(&twice), 400);
}

#[test]
fn the_scheme_may_be_written_in_any_case() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    client.send(format!(
        "CONNECT {} HTTP/1.1\r\nhost: a\r\nproxy-authorization: bAsIC dTE6cDE=\r\n\r\n",
        echo.address
    ));
    assert_eq!(client.status(), 200);
}

#[test]
fn closed_destinations_are_not_connected() {
    let at = |to: &str| refused(&format!("CONNECT {to} HTTP/1.1\r\nHost: a\r\n{RIGHT}"));
    for to in ["127.66.0.1:{port}", "10.0.0.1:80", "169.254.169.254:80", "localhost:{port}"] {
        assert_eq!(at(to), 403, "{to}");
    }
    assert_eq!(at("[::ffff:127.66.0.1]:{port}"), 403);
    assert_eq!(at("127.0.0.1:25"), 403);
    for to in ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.1:{port}", "u@127.0.0.1:{port}"]
    {
        assert_eq!(at(to), 400, "{to}");
    }
    // The exit has no IPv6.
    assert_eq!(at("[fd00:7::1]:{port}"), 502);
}

#[test]
fn a_destination_that_does_not_answer_is_told_apart_from_one_that_refuses() {
    let town = Town::with(Settings { connect: Duration::from_millis(300), ..Settings::default() });
    town.put(&lease(1));
    let refuses = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&refuses.to_string(), Some(("u1", "p1"))), 502);
    // A queue of none that is full: nothing more is answered.
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    silent.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    silent.listen(0).unwrap();
    let to = silent.local_addr().unwrap().as_socket().unwrap();
    let _waiting = Client::connect(to);
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to.to_string(), Some(("u1", "p1"))), 504);
}

#[test]
fn an_exit_that_is_not_there_is_not_replaced() {
    let (town, echo) = (Town::new(), Echo::new());
    let exit = feed::lease::Exit::Address("192.0.2.77".parse().unwrap());
    town.put(&feed::lease::Lease { exit, ..lease(1) });
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&echo.address.to_string(), Some(("u1", "p1"))), 502);
    assert_eq!(echo.count(), 0);
}

#[test]
fn who_comes_from_an_authorised_address_needs_no_credentials() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease_for(1, "127.9.0.0", 16));
    town.put(&lease_for(2, "127.9.8.7", 32));
    let to = echo.address.to_string();
    for (from, exit) in [("127.9.1.1", 1), ("127.9.8.6", 1), ("127.9.8.7", 2)] {
        let mut client = Client::connect_from(from, town.entry);
        assert_eq!(client.http_connect(&to, None), 200);
        assert_eq!(client.line(), exit_of(exit).to_string(), "{from}");
    }
    for from in ["127.10.0.1", "127.8.255.255"] {
        let mut client = Client::connect_from(from, town.entry);
        assert_eq!(client.http_connect(&to, None), 407);
    }
    assert_eq!(echo.count(), 3);
}

#[test]
fn bytes_behind_a_refused_request_are_no_request() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    client.send(format!(
        "CONNECT {0} HTTP/1.1\r\nHost: a\r\n\r\nCONNECT {0} HTTP/1.1\r\nHost: a\r\n{RIGHT}\r\n\r\n",
        echo.address
    ));
    assert_eq!(client.status(), 407);
    let rest = String::from_utf8(client.rest()).unwrap();
    assert!(!rest.contains("HTTP/1.1"), "it was answered twice: {rest}");
    assert_eq!(echo.count(), 0);
}

#[test]
fn a_head_may_come_byte_by_byte_but_not_without_end() {
    let (town, echo) = (Town::new(), Echo::new());
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    let head = format!("CONNECT {} HTTP/1.1\r\nHost: a\r\n{RIGHT}\r\n\r\n", echo.address);
    for byte in head.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.status(), 200);
    assert_eq!(client.line(), exit_of(1).to_string());

    assert_eq!(refused(&format!("CONNECT {{}} HTTP/1.1\r\na: {}", "b".repeat(64 * 1024))), 431);
    assert_eq!(refused(&format!("CONNECT {{}} HTTP/1.1{}", "\r\na: b".repeat(200))), 431);
}

#[test]
fn a_client_that_says_nothing_is_closed() {
    let settings = Settings { handshake: Duration::from_millis(300), ..Settings::default() };
    let town = Town::with(settings);
    let mut silent = Client::connect(town.entry);
    assert_eq!(silent.rest(), b"");
    let mut slow = Client::connect(town.entry);
    slow.send("CONNECT a");
    assert_eq!(slow.status(), 408);
}

#[test]
fn an_exit_may_be_an_interface() {
    let (town, echo) = (Town::new(), Echo::new());
    let through = |id, name: &str| {
        let exit = feed::lease::Exit::Interface(name.to_owned());
        town.put(&feed::lease::Lease { exit, ..lease(id) });
    };
    through(1, "lo");
    through(2, "nosuch0");
    let to = echo.address.to_string();
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to, Some(("u1", "p1"))), 200);
    assert_eq!(client.line(), "127.0.0.1");
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&to, Some(("u2", "p2"))), 502);
    assert_eq!(echo.count(), 1);
}

#[test]
fn an_exit_that_is_routed_here_need_not_be_configured() {
    let binding = gateway::Binding::Routed;
    let town = Town::with(Settings { binding, ..Settings::default() });
    let echo = Echo::new();
    town.put(&lease(1));
    let mut client = Client::connect(town.entry);
    assert_eq!(client.http_connect(&echo.address.to_string(), Some(("u1", "p1"))), 200);
    assert_eq!(client.line(), exit_of(1).to_string());
}
