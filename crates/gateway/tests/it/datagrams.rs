//! Datagrams over SOCKS5: who may send them, from where they leave, who is heard, and when it ends.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use domain::time::Span;
use feed::lease::{Lease, Limits};
use gateway::{Change, Settings, Udp};

use crate::dns::Dns;
use crate::support::{Client, PATIENCE, Town, exit_of, lease};

/// Longer than a datagram takes on loopback that is passed on at all.
const SOON: Duration = Duration::from_millis(300);

/// A lease that has datagrams.
pub(crate) fn lease_with_udp(id: u64) -> Lease {
    Lease { limits: Limits { udp: true, ..Limits::default() }, ..lease(id) }
}

/// A destination that answers each datagram with who sent it, a space and what was in it.
pub(crate) fn oracle(address: &str) -> SocketAddr {
    let socket = UdpSocket::bind(address).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            let answer = [format!("{from} ").as_bytes(), &buffer[..count]].concat();
            // What does not fit into a datagram has no answer.
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

/// A client that may send datagrams.
pub(crate) struct Sender {
    pub(crate) control: Client,
    pub(crate) socket: UdpSocket,
    pub(crate) entry: SocketAddr,
}

fn head(to: &str) -> Vec<u8> {
    let Ok(to) = to.parse::<SocketAddr>() else {
        let (name, port) = to.rsplit_once(':').unwrap();
        let length = u8::try_from(name.len()).unwrap();
        let port: u16 = port.parse().unwrap();
        return [&[0, 0, 0, 3, length], name.as_bytes(), &port.to_be_bytes()].concat();
    };
    let (kind, octets) = match to.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (4, ip.octets().to_vec()),
    };
    [&[0, 0, 0, kind], &octets[..], &to.port().to_be_bytes()].concat()
}

/// Asks for an association of the lease `id`, and gives the code of the reply and its address.
fn ask(entry: SocketAddr, id: u64, said: &str) -> (Client, u8, SocketAddr) {
    let mut control = Client::connect(entry);
    control.send([5, 1, 2]);
    assert_eq!(control.receive(2), [5, 2]);
    let (login, password) = (format!("u{id}"), format!("p{id}"));
    let length = |word: &str| char::from(u8::try_from(word.len()).unwrap());
    control.send(format!("\x01{}{login}{}{password}", length(&login), length(&password)));
    assert_eq!(control.receive(2), [1, 0]);
    control.send([&[5, 3, 0], &head(said)[3..]].concat());
    let reply = control.receive(4);
    assert_eq!((reply[0], reply[2]), (5, 0));
    let octets = control.receive(if reply[3] == 1 { 4 } else { 16 });
    let ip = match <[u8; 4]>::try_from(octets.as_slice()) {
        Ok(octets) => IpAddr::from(octets),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(octets.as_slice()).unwrap()),
    };
    let port = u16::from_be_bytes(control.receive(2).try_into().unwrap());
    (control, reply[1], SocketAddr::new(ip, port))
}

impl Sender {
    pub(crate) fn new(town: &Town, id: u64) -> Sender {
        Sender::at(town.entry, id)
    }

    pub(crate) fn at(entry: SocketAddr, id: u64) -> Sender {
        let any = if entry.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let (control, code, address) = ask(entry, id, any);
        assert_eq!(code, 0);
        assert_eq!(address.ip(), entry.ip());
        let socket = UdpSocket::bind(SocketAddr::new(entry.ip(), 0)).unwrap();
        Sender { control, socket, entry: address }
    }

    pub(crate) fn send(&self, to: &str, payload: &[u8]) {
        self.socket.send_to(&[&head(to), payload].concat(), self.entry).unwrap();
    }

    /// The next datagram from the gateway within `patience`: whom it is from, and its payload.
    fn receive(&self, patience: Duration) -> Option<(SocketAddr, Vec<u8>)> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 65_536];
        let (count, from) = self.socket.recv_from(&mut buffer).ok()?;
        assert_eq!(from, self.entry);
        assert_eq!(buffer[..3], [0, 0, 0]);
        let (octets, rest): (IpAddr, &[u8]) = match buffer[3] {
            1 => (<[u8; 4]>::try_from(&buffer[4..8]).unwrap().into(), &buffer[8..count]),
            4 => (<[u8; 16]>::try_from(&buffer[4..20]).unwrap().into(), &buffer[20..count]),
            kind => panic!("an address of kind {kind}"),
        };
        let (port, payload) = rest.split_first_chunk().unwrap();
        Some((SocketAddr::new(octets, u16::from_be_bytes(*port)), payload.to_vec()))
    }

    /// Sends `payload` to an oracle: who came to it, and what.
    #[track_caller]
    pub(crate) fn ask(&self, to: &str, payload: &[u8]) -> (SocketAddr, Vec<u8>) {
        self.send(to, payload);
        let (_, answer) = self.receive(PATIENCE).unwrap();
        split(&answer)
    }

    /// Whether nothing comes for some time.
    fn hears_nothing(&self) -> bool {
        self.receive(SOON).is_none()
    }

    /// Whether an oracle still answers.
    pub(crate) fn is_served(&self, oracle: SocketAddr) -> bool {
        // Whoever is gone is told by the kernel that nobody is there.
        let message = [&head(&oracle.to_string()), &b"x"[..]].concat();
        self.socket.send_to(&message, self.entry).is_ok() && !self.hears_nothing()
    }

    /// Waits until the connection is closed, and says how long that took.
    #[track_caller]
    fn ends(mut self, oracle: SocketAddr) -> Duration {
        let began = Instant::now();
        assert_eq!(self.control.rest(), b"");
        let took = began.elapsed();
        assert!(!self.is_served(oracle), "datagrams are passed on after the end");
        took
    }
}

fn split(answer: &[u8]) -> (SocketAddr, Vec<u8>) {
    let at = answer.iter().position(|byte| *byte == b' ').unwrap();
    let from = std::str::from_utf8(&answer[..at]).unwrap().parse().unwrap();
    (from, answer[at + 1..].to_vec())
}

#[test]
fn datagrams_leave_from_the_exit_and_answers_come_back() {
    let (town, one, two) = (Town::new(), oracle("127.0.0.1:0"), oracle("127.0.0.3:0"));
    for id in [1, 2] {
        town.put(&lease_with_udp(id));
    }
    let (first, second) = (Sender::new(&town, 1), Sender::new(&town, 2));
    for (id, sender) in [(1, &first), (2, &second)] {
        let mut ports = Vec::new();
        for (to, payload) in [(one, &b"hello"[..]), (two, b""), (one, &[7; 60_000])] {
            sender.send(&to.to_string(), payload);
            let (from, answer) = sender.receive(PATIENCE).unwrap();
            assert_eq!(from, to);
            let (came, back) = split(&answer);
            assert_eq!(came.ip(), exit_of(id));
            assert!(back == payload);
            ports.push(came.port());
        }
        // Who is told of the port by one destination can be reached there by another.
        assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    }
    let used = town.used(1, 120_000);
    assert_eq!((used.bytes_up, used.flows), (60_005, 1));
    assert!(used.bytes_down > 60_005 && used.bytes_down < 60_100, "{used:?}");
}

#[test]
fn only_those_may_who_have_it() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease(1));
    let (mut control, code, _) = ask(town.entry, 1, "0.0.0.0:0");
    assert_eq!(code, 7);
    assert_eq!(control.rest(), b"");
    let udp = Udp { for_all: true, ..Udp::default() };
    let town = Town::with(Settings { udp, ..Settings::default() });
    town.put(&lease(1));
    assert_eq!(Sender::new(&town, 1).ask(&oracle.to_string(), b"x").0.ip(), exit_of(1));
}

#[test]
fn there_are_so_many_at_a_time() {
    let udp = Udp { associations_max: 2, ..Udp::default() };
    let town = Town::with(Settings { udp, ..Settings::default() });
    town.put(&lease_with_udp(1));
    let open = [Sender::new(&town, 1), Sender::new(&town, 1)];
    assert_eq!(ask(town.entry, 1, "0.0.0.0:0").1, 1);
    drop(open);
    let deadline = Instant::now() + PATIENCE;
    while ask(town.entry, 1, "0.0.0.0:0").1 != 0 {
        assert!(Instant::now() < deadline, "a place stays taken");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nobody_else_is_heard_at_the_entry() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    let message = [&head(&oracle.to_string()), &b"stranger"[..]].concat();
    // From another address, before and after the client has said anything.
    let stranger = UdpSocket::bind("127.0.0.8:0").unwrap();
    stranger.set_read_timeout(Some(SOON)).unwrap();
    stranger.send_to(&message, sender.entry).unwrap();
    assert!(stranger.recv(&mut [0; 100]).is_err());
    let (exit, one) = sender.ask(&oracle.to_string(), b"one");
    assert_eq!(one, b"one");
    let _ = stranger.send_to(&message, sender.entry);
    // From another port of the client's address.
    let neighbour = UdpSocket::bind("127.0.0.1:0").unwrap();
    neighbour.set_read_timeout(Some(SOON)).unwrap();
    let _ = neighbour.send_to(&message, sender.entry);
    assert!(neighbour.recv(&mut [0; 100]).is_err() && stranger.recv(&mut [0; 100]).is_err());
    assert!(sender.hears_nothing());
    assert_eq!(sender.ask(&oracle.to_string(), b"two").1, b"two");
    let answers = 2 * format!("{exit} two").len();
    assert_eq!(town.used(1, u64::try_from(6 + answers).unwrap()).bytes_up, 6);
}

#[test]
fn a_client_that_says_its_port_is_heard_from_there_alone() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = socket.local_addr().unwrap().to_string();
    let (control, code, entry) = ask(town.entry, 1, &said);
    assert_eq!(code, 0);
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    other.set_read_timeout(Some(SOON)).unwrap();
    let message = [&head(&oracle.to_string()), &b"first"[..]].concat();
    let _ = other.send_to(&message, entry);
    assert!(other.recv(&mut [0; 100]).is_err());
    let sender = Sender { control, socket, entry };
    assert_eq!(sender.ask(&oracle.to_string(), b"x").0.ip(), exit_of(1));
}

#[test]
fn nobody_else_is_heard_at_the_exit() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    let (exit, _) = sender.ask(&oracle.to_string(), b"where");
    let stranger = UdpSocket::bind("127.0.0.9:0").unwrap();
    stranger.send_to(b"unasked", exit).unwrap();
    assert!(sender.hears_nothing());
    // Once it is written to, it is heard.
    sender.send(&stranger.local_addr().unwrap().to_string(), b"hello");
    stranger.send_to(b"asked", exit).unwrap();
    let (from, payload) = sender.receive(PATIENCE).unwrap();
    assert_eq!((from, payload), (stranger.local_addr().unwrap(), b"asked".to_vec()));
}

#[test]
fn what_may_not_pass_is_dropped_and_the_rest_passes() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    let closed = UdpSocket::bind("127.66.0.1:0").unwrap();
    closed.set_read_timeout(Some(SOON)).unwrap();
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    let to = oracle.to_string();
    let whole = [&head(&to), &b"x"[..]].concat();
    let fragment = [&[0, 0, 1], &whole[3..]].concat();
    let unknown = [&[0, 0, 0, 2], &whole[4..]].concat();
    for message in [&fragment, &unknown, &whole[..9], &[], &[0; 40]] {
        sender.socket.send_to(message, sender.entry).unwrap();
    }
    // Addresses and ports that are closed, one of another family, names that are nobody's.
    let port = closed.local_addr().unwrap().port();
    sender.send(&format!("127.66.0.1:{port}"), b"x");
    sender.send(&format!("[::ffff:127.66.0.1]:{port}"), b"x");
    for to in ["127.0.0.1:25", "192.168.1.1:53", "255.255.255.255:53", "[fd00:7::1]:53"] {
        sender.send(to, b"x");
    }
    sender.send("router.local:53", b"x");
    assert!(sender.hears_nothing());
    assert!(closed.recv(&mut [0; 100]).is_err());
    assert_eq!(sender.ask(&to, b"x").1, b"x");
    assert_eq!(town.used(1, 1).bytes_up, 1);
}

#[test]
fn names_are_resolved_and_judged() {
    let oracle = oracle("127.0.0.1:0");
    let dns = Dns::new(&[
        ("one.example", "127.0.0.1"),
        ("closed.example", "127.66.0.1"),
        ("six.example", "fd00:7::1"),
    ]);
    let town = Town::asking(Settings::default(), Town::rules(), dns.address);
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    for name in ["closed", "six", "absent"] {
        sender.send(&format!("{name}.example:{}", oracle.port()), b"x");
    }
    assert!(sender.hears_nothing());
    let name = format!("one.example:{}", oracle.port());
    for _ in 0..20 {
        sender.send(&name, b"many");
    }
    for _ in 0..20 {
        let (from, answer) = sender.receive(PATIENCE).unwrap();
        assert_eq!(from, oracle);
        assert_eq!(
            split(&answer),
            (SocketAddr::new(exit_of(1), split(&answer).0.port()), b"many".to_vec())
        );
    }
    // It was asked for once for each name and one more, at most.
    assert!(dns.questions() <= 8, "{} questions", dns.questions());
}

#[test]
fn a_name_that_nobody_knows_holds_up_nothing_else() {
    // Nobody answers there.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let oracle = oracle("127.0.0.1:0");
    let dns = silent.local_addr().unwrap();
    let town = Town::asking(Settings::default(), Town::rules(), dns);
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    sender.send("unanswered.example:53", b"x");
    let began = Instant::now();
    assert_eq!(sender.ask(&oracle.to_string(), b"x").1, b"x");
    assert!(began.elapsed() < Duration::from_secs(1), "it waited for the name");
}

#[test]
fn it_ends_with_the_connection() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    sender.ask(&oracle.to_string(), b"x");
    let Sender { control, socket, entry } = sender;
    let began = Instant::now();
    drop(control);
    while town.gateway.connections() > 0 {
        assert!(began.elapsed() < Duration::from_secs(1), "the association lives on");
        thread::sleep(Duration::from_millis(10));
    }
    // Its port is free again.
    UdpSocket::bind(entry).unwrap();
    drop(socket);
}

/// Opens associations of two leases, changes the first lease, and sees its one end within a second.
#[track_caller]
fn ends_after(change: impl FnOnce(&Town, Lease)) {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    town.put(&Lease { ends_at: i64::MAX, ..lease_with_udp(2) });
    let (first, second) = (Sender::new(&town, 1), Sender::new(&town, 2));
    assert!(first.is_served(oracle) && second.is_served(oracle));
    change(&town, lease_with_udp(1));
    assert!(first.ends(oracle) < Duration::from_secs(1));
    assert!(second.is_served(oracle), "that of another lease was ended");
}

#[test]
fn it_ends_with_its_lease() {
    ends_after(|town, _| town.turn_clock(Span::HOUR));
    ends_after(|town, _| assert!(town.gateway.apply([Change::Remove(1)]).is_empty()));
    ends_after(|town, lease| town.put(&Lease { suspended: true, ..lease }));
}

#[test]
fn a_lease_that_has_it_no_longer_passes_nothing_more() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    town.put(&lease_with_udp(1));
    let sender = Sender::new(&town, 1);
    assert!(sender.is_served(oracle));
    town.put(&lease(1));
    thread::sleep(SOON);
    assert!(!sender.is_served(oracle));
    sender.ends(oracle);
}

#[test]
fn it_may_be_silent_for_so_long() {
    let udp = Udp { idle: Duration::from_millis(1_500), ..Udp::default() };
    let town = Town::with(Settings { udp, ..Settings::default() });
    let oracle = oracle("127.0.0.1:0");
    town.put(&lease_with_udp(1));
    let (mut silent, busy) = (Sender::new(&town, 1), Sender::new(&town, 1));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert!(busy.is_served(oracle));
        // What is said on the connection, and what is dropped, is silence.
        let _ = std::io::Write::write(&mut silent.control.0, b"x");
        let _ = silent.socket.send_to(b"nonsense", silent.entry);
        thread::sleep(Duration::from_millis(100));
    }
    silent.ends(oracle);
    assert!(busy.is_served(oracle));
}

#[test]
fn a_lease_passes_so_many_bytes_of_datagrams_in_a_second() {
    let (town, oracle) = (Town::new(), oracle("127.0.0.1:0"));
    let limits = Limits { bytes_per_second: 50_000, udp: true, ..Limits::default() };
    town.put(&Lease { limits, ..lease(1) });
    let sender = Sender::new(&town, 1);
    let began = Instant::now();
    // They wait at the entry, where there is room for so many.
    for _ in 0..20 {
        sender.send(&oracle.to_string(), &[7; 5_000]);
    }
    for _ in 0..20 {
        let (_, answer) = sender.receive(PATIENCE).unwrap();
        assert_eq!(split(&answer).1, [7; 5_000]);
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1_600), "it took only {took:?}");
    assert!(took <= Duration::from_secs(12), "it took {took:?}");
}
