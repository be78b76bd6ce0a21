//! IPv6: entries, exits, names, and a whole network of exits that is only routed to the host.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use e2e::network::{add_v6, in_own_network, ip};
use feed::lease::{Exit, Lease};
use gateway::policy::Rules;
use gateway::ranges::Prefix;
use gateway::{Binding, Settings, Speaks};

use crate::datagrams::{Sender, lease_with_udp, oracle};
use crate::dns::Dns;
use crate::support::{Client, Echo, Town, exit_of};

const LOCALHOST: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Here these networks are open, too.
fn rules(open: &[&str]) -> Rules {
    let mut rules = Town::rules();
    rules.allow.extend(open.iter().map(|network| network.parse::<Prefix>().unwrap()));
    rules
}

fn listen(town: &Town) -> SocketAddr {
    town.gateway.listen("[::1]:0".parse().unwrap(), Speaks::Both).unwrap().1
}

fn leaving_from(id: u64, ip: IpAddr) -> Lease {
    Lease { exit: Exit::Address(ip), ..lease_with_udp(id) }
}

/// The status of a CONNECT, and who came if it is a success.
fn connect(entry: SocketAddr, id: u64, to: &str) -> (u16, Option<IpAddr>) {
    let mut client = Client::connect(entry);
    let (login, password) = (format!("u{id}"), format!("p{id}"));
    let status = client.http_connect(to, Some((&login, &password)));
    let came = (status == 200).then(|| {
        let came = client.line().parse().unwrap();
        assert!(client.echoes());
        came
    });
    (status, came)
}

/// The code of a SOCKS5 reply to CONNECT, and who came if it is a success.
fn socks_connect(entry: SocketAddr, id: u64, request: &[u8]) -> (u8, Option<IpAddr>) {
    let mut client = Client::connect(entry);
    client.send([&[5, 1, 2], format!("\x01\x02u{id}\x02p{id}").as_bytes(), request].concat());
    assert_eq!(client.receive(4), [5, 2, 1, 0]);
    let code = client.receive(10)[1];
    (code, (code == 0).then(|| client.line().parse().unwrap()))
}

#[test]
fn it_is_an_entry_an_exit_and_a_destination() {
    let town = Town::ruled(Settings::default(), rules(&["::1/128"]));
    let (entry, echo, oracle) = (listen(&town), Echo::at("[::1]:0"), oracle("[::1]:0"));
    town.put(&leaving_from(1, LOCALHOST));
    let to = echo.address.to_string();
    assert_eq!(connect(entry, 1, &to), (200, Some(LOCALHOST)));
    assert_eq!(connect(town.entry, 1, &to), (200, Some(LOCALHOST)));
    let port = echo.address.port().to_be_bytes();
    let request = [&[5, 1, 0, 4], &Ipv6Addr::LOCALHOST.octets()[..], &port].concat();
    assert_eq!(socks_connect(entry, 1, &request), (0, Some(LOCALHOST)));
    // Datagrams, from an entry of either family.
    for entry in [entry, town.entry] {
        let (came, payload) = Sender::at(entry, 1).ask(&oracle.to_string(), b"six");
        assert_eq!((came.ip(), payload), (LOCALHOST, b"six".to_vec()));
    }
}

#[test]
fn an_exit_of_one_family_never_reaches_the_other() {
    let dns = Dns::new(&[
        ("six.example", "::1"),
        ("four.example", "127.0.0.1"),
        ("both.example", "127.0.0.1"),
        ("both.example", "::1"),
        ("mapped.example", "::ffff:127.0.0.1"),
    ]);
    let town = Town::asking(Settings::default(), rules(&["::1/128"]), dns.address);
    let six = Echo::at("[::1]:0");
    let port = six.address.port();
    let four = Echo::at(&format!("127.0.0.1:{port}"));
    town.put(&leaving_from(6, LOCALHOST));
    town.put(&leaving_from(4, exit_of(4)));
    let ask = |id, name: &str| connect(town.entry, id, &format!("{name}:{port}"));
    let through_six = (200, Some(LOCALHOST));
    let through_four = (200, Some(exit_of(4)));
    assert_eq!([ask(6, "six.example"), ask(6, "both.example")], [through_six; 2]);
    assert_eq!([ask(4, "four.example"), ask(4, "both.example")], [through_four; 2]);
    let counts = (six.count(), four.count());
    for (id, name) in [
        (6, "four.example"),
        (6, "mapped.example"),
        (6, "127.0.0.1"),
        (6, "[::ffff:127.0.0.1]"),
        (4, "six.example"),
        (4, "[::1]"),
    ] {
        assert_eq!(ask(id, name).0, 502, "{name} through {id}");
    }
    assert_eq!(counts, (six.count(), four.count()));
}

#[test]
fn what_a_name_says_is_judged() {
    let dns = Dns::new(&[("inner.example", "::1"), ("wrapped.example", "64:ff9b::127.0.0.1")]);
    let town = Town::asking(Settings::default(), Town::rules(), dns.address);
    let echo = Echo::at("[::1]:0");
    town.put(&leaving_from(6, LOCALHOST));
    for name in ["inner.example", "wrapped.example", "[::1]", "[::]", "[fe80::1]"] {
        // The translated one is open, as far as loopback is here, but nothing is there.
        let status = connect(town.entry, 6, &format!("{name}:{}", echo.address.port())).0;
        assert_ne!(status, 200, "{name}");
    }
    assert_eq!(echo.count(), 0);
}

#[test]
fn a_network_that_is_only_routed_here_is_full_of_exits() {
    if !in_own_network("ipv6::a_network_that_is_only_routed_here_is_full_of_exits") {
        return;
    }
    add_v6("2001:db8:88::1", 128, "lo");
    ip("-6 route add local 2001:db8:77::/64 dev lo");
    let exit =
        |number: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, 0, 0, number, 0xbeef));
    let (echo, oracle) = (Echo::at("[2001:db8:88::1]:0"), oracle("[2001:db8:88::1]:0"));
    let (to, oracle) = (echo.address.to_string(), oracle.to_string());
    let town = |binding| {
        let settings = Settings { binding, ..Settings::default() };
        let town = Town::ruled(settings, rules(&["2001:db8:88::/64"]));
        (1..=9).for_each(|id| town.put(&leaving_from(id.into(), exit(id))));
        // An address of the network next to it is not routed here.
        town.put(&leaving_from(10, "2001:db8:78::1".parse().unwrap()));
        town
    };
    let routed = town(Binding::Routed);
    let entry = listen(&routed);
    for id in 1..=9 {
        assert_eq!(connect(entry, id.into(), &to), (200, Some(exit(id))));
        let (came, _) = Sender::at(entry, id.into()).ask(&oracle, b"x");
        assert_eq!(came.ip(), exit(id));
    }
    let own = town(Binding::Own);
    let before = echo.count();
    assert_eq!(connect(own.entry, 1, &to), (502, None));
    assert_eq!(echo.count(), before);
}
