//! Exits as a host in a rack has them: addresses of IPv4 on its interfaces, a network of IPv6 that is
//! only routed to it, and a modem. The destination is in another network, beyond a wire.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender as Orders, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::network::{in_own_network, ip};
use feed::lease::{Exit, Lease};
use gateway::ranges::Prefix;
use gateway::{Binding, Settings};
use nix::sched::{CloneFlags, unshare};

use crate::datagrams::{Sender, lease_with_udp, oracle};
use crate::support::Town;

/// The destination, and its address of each family.
const PORT: u16 = 8000;
const FOUR: &str = "192.0.2.80:8000";
const SIX: &str = "[2001:db8:80::80]:8000";
/// The address that the modem has been given.
const MODEM: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 64, 0, 2));

/// Refusals come at once.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Leases: so many leave from addresses of IPv4, and so many from the routed network.
const FOURS: u16 = 8;
const SIXES: u16 = 40;
/// The lease that leaves by the modem.
const BY_MODEM: u16 = 999;

fn four(number: u16) -> IpAddr {
    Ipv4Addr::new(203, 0, 113, u8::try_from(number).unwrap()).into()
}

/// Addresses all over the network.
fn six(number: u16) -> IpAddr {
    let [a, b] = [number.wrapping_mul(40_503), number.wrapping_mul(30_011)];
    Ipv6Addr::new(0x2001, 0xdb8, 0x77, 0, a, b, !a, number).into()
}

/// Which exit a lease has. Those of IPv6 have numbers from 100.
fn exit(lease: u16) -> IpAddr {
    match lease {
        BY_MODEM => MODEM,
        100.. => six(lease),
        _ => four(lease),
    }
}

/// The destination in the network beyond.
struct There {
    orders: Orders<Box<dyn FnOnce() + Send>>,
    thread: String,
}

impl There {
    fn new() -> There {
        let (orders, inbox) = channel::<Box<dyn FnOnce() + Send>>();
        let (tell, told) = channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            let thread = fs::read_link("/proc/thread-self").unwrap();
            let thread = thread.file_name().unwrap().to_str().unwrap().to_owned();
            tell.send(thread).unwrap();
            inbox.into_iter().for_each(|order| order());
        });
        There { orders, thread: told.recv().unwrap() }
    }

    /// Does something in the network beyond.
    fn run<T: Send + 'static>(&self, what: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        self.orders.send(Box::new(move || tell.send(what()).unwrap())).unwrap();
        told.recv().unwrap()
    }
}

/// Two networks with two wires between them, a gateway in the first, and the destination in the
/// second.
struct World {
    town: Town,
    oracles: [SocketAddr; 2],
    /// Who came how often.
    came: Arc<Mutex<BTreeMap<IpAddr, u64>>>,
    _there: There,
}

impl World {
    fn new() -> World {
        let there = There::new();
        // Nobody else is here who could have our addresses, so that they need not be asked for.
        let at_once = || fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
        at_once();
        there.run(at_once);
        for (here, beyond) in [("wan", "far"), ("modem0", "cell")] {
            ip(&format!("link add {here} type veth peer name {beyond}"));
            ip(&format!("link set {beyond} netns {}", there.thread));
        }
        there.run(|| {
            for words in [
                "link set lo up",
                "addr add 192.0.2.80/32 dev lo",
                "-6 addr add 2001:db8:80::80/128 dev lo nodad",
                "addr add 198.51.100.2/24 dev far",
                "-6 addr add 2001:db8:1::2/64 dev far nodad",
                "link set far up",
                "addr add 10.64.0.1/30 dev cell",
                "link set cell up",
                "route add 203.0.113.0/24 via 198.51.100.1",
            ] {
                ip(words);
            }
        });
        for words in [
            "addr add 198.51.100.1/24 dev wan",
            "-6 addr add 2001:db8:1::1/64 dev wan nodad",
            "link set wan up",
            "link set modem0 up",
            "route add 192.0.2.80/32 via 198.51.100.2",
            "-6 route add 2001:db8:80::/64 via 2001:db8:1::2",
            "-6 route add local 2001:db8:77::/64 dev lo",
        ] {
            ip(words);
        }
        modem_gets_its_address();
        // What answers does so over the wire on which it was asked, whatever the routes say.
        for name in ["all", "modem0"] {
            fs::write(format!("/proc/sys/net/ipv4/conf/{name}/rp_filter"), "2").unwrap();
        }
        (1..=FOURS).for_each(|number| ip(&format!("addr add {}/32 dev lo", four(number))));
        there.run(|| ip("-6 route add 2001:db8:77::/64 via 2001:db8:1::1"));
        let came = Arc::<Mutex<BTreeMap<IpAddr, u64>>>::default();
        let seen = Arc::clone(&came);
        there.run(move || {
            let listener = TcpListener::bind(("::", PORT)).unwrap();
            thread::spawn(move || {
                for mut stream in listener.incoming().flatten() {
                    let who = stream.peer_addr().unwrap().ip().to_canonical();
                    *seen.lock().unwrap().entry(who).or_default() += 1;
                    // Whoever has gone does not hear it.
                    let _ = stream.write_all(format!("{who}\n").as_bytes());
                }
            });
        });
        let oracles = there.run(|| ["192.0.2.80:0", "[2001:db8:80::80]:0"].map(oracle));
        let mut rules = Town::rules();
        let open = ["192.0.2.80/32", "2001:db8:80::80/128"];
        rules.allow.extend(open.map(|network| network.parse::<Prefix>().unwrap()));
        let settings = Settings { binding: Binding::RoutedV6, ..Settings::default() };
        let town = Town::ruled(settings, rules);
        for lease in leases() {
            let exit = match lease {
                BY_MODEM => Exit::Interface("modem0".to_owned()),
                _ => Exit::Address(exit(lease)),
            };
            town.put(&Lease { exit, ..lease_with_udp(lease.into()) });
        }
        World { town, oracles, came, _there: there }
    }

    /// What becomes of a CONNECT of a lease: the status, why, and who came.
    fn connect(&self, lease: u16, to: &str) -> Outcome {
        connect(self.town.entry, lease, to)
    }

    /// A lease is refused at once, because of its exit.
    #[track_caller]
    fn has_no_exit(&self, lease: u16, to: &str) {
        let since = Instant::now();
        let outcome = self.connect(lease, to);
        assert_eq!((outcome.status, outcome.came), (502, None), "{lease}: {}", outcome.why);
        assert!(since.elapsed() < AT_ONCE, "{lease}: {:?} {}", since.elapsed(), outcome.why);
    }

    /// A lease is served, and leaves from its exit.
    #[track_caller]
    fn leaves(&self, lease: u16) {
        let to = if exit(lease).is_ipv4() { FOUR } else { SIX };
        let outcome = self.connect(lease, to);
        assert_eq!(outcome.came, Some(exit(lease)), "{lease}: {}", outcome.why);
    }
}

fn leases() -> impl Iterator<Item = u16> {
    (1..=FOURS).chain(100..100 + SIXES).chain([BY_MODEM])
}

fn modem_gets_its_address() {
    ip(&format!("addr add {MODEM}/30 dev modem0"));
    ip("route add 192.0.2.80/32 via 10.64.0.1 dev modem0 metric 500");
}

/// Has others stop when it is dropped.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Outcome {
    status: u16,
    why: String,
    came: Option<IpAddr>,
}

fn connect(entry: SocketAddr, lease: u16, to: &str) -> Outcome {
    let mut stream = TcpStream::connect(entry).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let pair = STANDARD.encode(format!("u{lease}:p{lease}"));
    let known = format!("Proxy-Authorization: Basic {pair}");
    let head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{known}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said);
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    let why = head.lines().find(|line| line.starts_with("Proxy-Status")).unwrap_or_default();
    Outcome { status, why: why.to_owned(), came: body.trim().parse().ok() }
}

#[test]
fn whatever_the_exit_is_the_destination_sees_it_and_nothing_else() {
    if !in_own_network("networks::whatever_the_exit_is_the_destination_sees_it_and_nothing_else") {
        return;
    }
    let world = World::new();
    for lease in leases() {
        for _ in 0..3 {
            world.leaves(lease);
        }
        let oracle = world.oracles[usize::from(!exit(lease).is_ipv4())];
        let (came, payload) =
            Sender::at(world.town.entry, lease.into()).ask(&oracle.to_string(), b"who?");
        assert_eq!((came.ip(), payload), (exit(lease), b"who?".to_vec()));
    }
    // An exit of one family does not reach the other, although this host could.
    for lease in [1, FOURS] {
        world.has_no_exit(lease, SIX);
    }
    for lease in [100, 99 + SIXES] {
        world.has_no_exit(lease, FOUR);
    }
    // The modem has no address of IPv6.
    world.has_no_exit(BY_MODEM, SIX);
    let all = leases().map(|lease| (exit(lease), 3)).collect();
    assert_eq!(*world.came.lock().unwrap(), all);
}

#[test]
fn exits_that_go_away_under_load_are_refused_and_never_replaced_by_others() {
    let name = "networks::exits_that_go_away_under_load_are_refused_and_never_replaced_by_others";
    if !in_own_network(name) {
        return;
    }
    let world = World::new();
    let entry = world.town.entry;
    let (stop, flows, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        // Also when this fails, so that it is told.
        let stopping = Stopping(&stop);
        for at in 0..4 {
            let (stop, flows, refused) = (&stop, &flows, &refused);
            scope.spawn(move || {
                for lease in leases().collect::<Vec<_>>().into_iter().cycle().skip(at * 17) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let to = if exit(lease).is_ipv4() { FOUR } else { SIX };
                    let outcome = connect(entry, lease, to);
                    match outcome.came {
                        Some(came) => assert_eq!(came, exit(lease), "{lease}"),
                        None => assert_ne!(outcome.status, 407, "{lease}: {}", outcome.why),
                    }
                    flows.fetch_add(1, Ordering::Relaxed);
                    refused.fetch_add(u64::from(outcome.came.is_none()), Ordering::Relaxed);
                }
            });
        }
        let pause = || thread::sleep(Duration::from_millis(150));
        for _ in 0..3 {
            pause();
            // An address.
            ip("addr del 203.0.113.3/32 dev lo");
            world.has_no_exit(3, FOUR);
            pause();
            ip("addr add 203.0.113.3/32 dev lo");
            world.leaves(3);
            // The modem's address, and with it its routes. It is still up.
            ip("addr flush dev modem0");
            world.has_no_exit(BY_MODEM, FOUR);
            pause();
            modem_gets_its_address();
            world.leaves(BY_MODEM);
            // The modem itself.
            ip("link set modem0 down");
            world.has_no_exit(BY_MODEM, FOUR);
            pause();
            ip("link set modem0 up");
            ip("route replace 192.0.2.80/32 via 10.64.0.1 dev modem0 metric 500");
            world.leaves(BY_MODEM);
        }
        drop(stopping);
    });
    let came = world.came.lock().unwrap();
    let exits: Vec<IpAddr> = leases().map(exit).collect();
    let wrong: Vec<_> = came.iter().filter(|(who, _)| !exits.contains(who)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let (flows, refused) = (flows.into_inner(), refused.into_inner());
    eprintln!("{flows} flows, {refused} of them refused, {} exits seen", came.len());
    assert!(flows > 200 && refused > 0, "{flows} flows, {refused} refused");
}
