//! Nothing inside can be reached through the gateway, however it is spelled, over whatever protocol:
//! services listen there, and nobody comes. Nobody is asked about names that are closed.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use feed::lease::{Exit, Lease};
use gateway::Settings;
use gateway::policy::{Ports, Rules};

use crate::datagrams::{Sender, lease_with_udp};
use crate::dns::Dns;
use crate::spellings::{INNER_V4, INNER_V6, spellings, wrapped};
use crate::support::{Client, Echo, Town};

/// Services inside: for connections and datagrams, all on one port.
struct Services {
    port: u16,
    echoes: Vec<Echo>,
    ears: Vec<UdpSocket>,
}

impl Services {
    fn new() -> Services {
        let first = Echo::at("127.0.0.1:0");
        let port = first.address.port();
        let mut services = Services { port, echoes: vec![first], ears: Vec::new() };
        // Where these are taken or there is no IPv6, the others are enough.
        for ip in ["127.0.0.1", "127.1.2.3", "127.0.0.53", "127.255.255.254", "::1"] {
            let address = SocketAddr::new(ip.parse().unwrap(), port);
            if ip != "127.0.0.1" && std::net::TcpListener::bind(address).is_ok() {
                services.echoes.push(Echo::at(&address.to_string()));
            }
            if let Ok(ear) = UdpSocket::bind(address) {
                ear.set_nonblocking(true).unwrap();
                services.ears.push(ear);
            }
        }
        services
    }

    /// How many have come.
    fn count(&self) -> usize {
        let datagrams = self.ears.iter().filter(|ear| ear.recv_from(&mut [0; 10]).is_ok());
        datagrams.count() + self.echoes.iter().map(Echo::count).sum::<usize>()
    }

    /// Somebody who comes is seen, and nobody has come before him.
    fn hear_others(&self) {
        for echo in &self.echoes {
            Client::connect(echo.address).line();
            assert_eq!(echo.count(), 1);
        }
        for ear in &self.ears {
            let to = ear.local_addr().unwrap();
            UdpSocket::bind(SocketAddr::new(to.ip(), 0)).unwrap().send_to(b"x", to).unwrap();
        }
        assert_eq!(self.count(), self.echoes.len() + self.ears.len());
    }
}

/// The gateway as it is delivered, but for its ports: those of the services must not be what
/// protects them.
fn town(dns: &Dns) -> Town {
    let rules = Rules { tcp: Ports::all(), udp: Ports::all(), ..Rules::default() };
    let connect = Duration::from_millis(500);
    let town = Town::asking(Settings { connect, ..Settings::default() }, rules, dns.address);
    town.put(&lease_with_udp(1));
    let exit = Exit::Address(Ipv6Addr::LOCALHOST.into());
    town.put(&Lease { exit, ..lease_with_udp(2) });
    // Even to those that are inside themselves.
    let exit = Exit::Address(Ipv4Addr::LOCALHOST.into());
    town.put(&Lease { exit, ..lease_with_udp(3) });
    town
}

/// What a client gets that says all this and nothing more.
fn answer(town: &Town, said: &[u8]) -> Vec<u8> {
    let Client(mut stream) = Client::connect(town.entry);
    let mut answer = Vec::new();
    if stream.write_all(said).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let _ = stream.read_to_end(&mut answer);
    answer
}

/// Asks for `host` over HTTP, by both kinds of requests.
fn by_http(town: &Town, id: u64, host: &str, port: u16) {
    let pair = STANDARD.encode(format!("u{id}:p{id}"));
    let rest = format!("Proxy-Authorization: Basic {pair}\r\n\r\n");
    for request in [
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: a\r\n{rest}"),
        format!("GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\n{rest}"),
        format!("GET http://{host}:{port}/ HTTP/1.0\r\nHost: public.example\r\n{rest}"),
    ] {
        let answer = answer(town, request.as_bytes());
        let status = String::from_utf8_lossy(&answer);
        let status = status.split(' ').nth(1).unwrap_or("none");
        assert!(["400", "403", "502", "504"].contains(&status), "{status}: {request}");
    }
}

/// Asks for a host over SOCKS5: the code of the reply.
fn by_socks(town: &Town, id: u64, host: &[u8], port: u16) {
    let said = [
        format!("\x05\x01\x02\x01\x02u{id}\x02p{id}\x05\x01\0").as_bytes(),
        host,
        &port.to_be_bytes(),
    ]
    .concat();
    let answer = answer(town, &said);
    assert_eq!(answer[..4], [5, 2, 1, 0]);
    assert!(answer.len() > 5 && [1, 2, 4].contains(&answer[5]), "{answer:?} to {host:?}");
}

/// A name as SOCKS5 has it.
fn named(name: &str) -> Vec<u8> {
    [&[3, u8::try_from(name.len()).unwrap()], name.as_bytes()].concat()
}

/// An address as SOCKS5 has it.
fn numbered(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => [&[1][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[4][..], &ip.octets()].concat(),
    }
}

#[test]
fn no_spelling_reaches_a_service_inside() {
    let services = Services::new();
    let dns = Dns::new(&[]);
    let town = town(&dns);
    let [first, second, third] = [1, 2, 3].map(|id| Sender::new(&town, id));
    let (port, tried) = (services.port, AtomicUsize::new(0));
    let mut hosts: Vec<String> =
        ["127.0.0.1", "127.1.2.3", "127.0.0.53", "127.255.255.254", "0.0.0.0", "169.254.169.254"]
            .iter()
            .flat_map(|ip| spellings(ip.parse().unwrap()))
            .collect();
    for name in ["localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain"] {
        hosts.push(name.to_owned());
    }
    for name in ["ip6-localhost", "metadata.google.internal", "a.local", "1.0.0.127.in-addr.arpa"] {
        hosts.push(name.to_owned());
    }
    let mut ips: Vec<IpAddr> = INNER_V6.iter().map(|ip| ip.parse().unwrap()).collect();
    for ip in INNER_V4 {
        let ip: Ipv4Addr = ip.parse().unwrap();
        ips.push(ip.into());
        ips.extend(wrapped(ip).into_iter().map(IpAddr::from));
    }
    let datagram = |sender: &Sender, host: &[u8]| {
        let head = [&[0, 0, 0], host, &port.to_be_bytes(), b"x"].concat();
        sender.socket.send_to(&head, sender.entry).unwrap();
        tried.fetch_add(1, Ordering::Relaxed);
    };
    for host in &hosts {
        for id in [1, 2, 3] {
            by_http(&town, id, host, port);
            by_socks(&town, id, &named(host), port);
            tried.fetch_add(4, Ordering::Relaxed);
        }
        datagram(&first, &named(host));
        datagram(&third, &named(host));
    }
    for (number, ip) in ips.iter().enumerate() {
        let id = 1 + u64::try_from(number % 3).unwrap();
        by_socks(&town, id, &numbered(*ip), port);
        tried.fetch_add(1, Ordering::Relaxed);
        [&first, &second, &third].into_iter().for_each(|sender| datagram(sender, &numbered(*ip)));
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!(services.count(), 0, "somebody came");
    assert_eq!(dns.questions(), 0, "somebody was asked about what is closed");
    assert!(tried.into_inner() > 5_000);
    services.hear_others();
}

#[test]
fn no_name_leads_to_a_service_inside() {
    let services = Services::new();
    // Names that say what is inside, also among what is not.
    let ips = [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1",
    ];
    let names: Vec<(&'static str, &str)> = ips
        .iter()
        .enumerate()
        .map(|(number, ip)| (&*format!("n{number}.example").leak(), *ip))
        .chain(ips.iter().map(|ip| ("all.example", *ip)))
        .collect();
    let dns = Dns::new(&names);
    let town = town(&dns);
    let senders = [1, 2, 3].map(|id| Sender::new(&town, id));
    for (name, _) in &names {
        for id in [1, 2, 3] {
            by_http(&town, id, name, services.port);
            by_socks(&town, id, &named(name), services.port);
        }
        senders.iter().for_each(|sender| {
            sender.send(&format!("{name}:{}", services.port), b"x");
        });
    }
    thread::sleep(Duration::from_millis(300));
    assert_eq!(services.count(), 0, "somebody came");
    // Nobody is asked about a port that is closed either.
    let before = dns.questions();
    assert!(before > 0);
    by_http(&town, 1, "fresh.example", 0);
    assert_eq!(dns.questions(), before);
    services.hear_others();
}
