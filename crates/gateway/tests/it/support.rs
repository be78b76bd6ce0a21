//! A gateway in a box, destinations that know who came, and clients.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::time::{Span, Time};
use feed::lease::{Access, Exit, Lease, Limits, Login, Source};
use gateway::clock::HandClock;
use gateway::policy::{Policy, Ports, Rules};
use gateway::resolve::Dns;
use gateway::{Change, Gateway, Settings, Speaks, Table, Used};

/// Longer than anything takes that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When tests begin.
pub(crate) const START: Time = Time::from_millis_const(1_800_000_000_000);

/// A gateway with a clock that is turned by hand.
pub(crate) struct Town {
    pub(crate) gateway: Gateway,
    pub(crate) clock: Arc<HandClock>,
    /// Where both protocols are spoken.
    pub(crate) entry: SocketAddr,
    used: Mutex<HashMap<u64, Used>>,
}

impl Town {
    pub(crate) fn new() -> Town {
        Town::with(Settings::default())
    }

    /// All of loopback is open here, except addresses that no test goes to.
    pub(crate) fn with(settings: Settings) -> Town {
        Town::ruled(settings, Town::rules())
    }

    /// What is open where nothing else is said.
    pub(crate) fn rules() -> Rules {
        Rules {
            allow: vec!["127.0.0.0/8".parse().unwrap(), "fd00:7::/32".parse().unwrap()],
            deny: vec!["127.66.0.0/16".parse().unwrap()],
            tcp: Ports::all().without(25..=25),
            udp: Ports::all().without(25..=25),
            ..Rules::default()
        }
    }

    pub(crate) fn ruled(settings: Settings, rules: Rules) -> Town {
        Town::asking(settings, rules, SocketAddr::from((Ipv4Addr::LOCALHOST, 9)))
    }

    /// One that asks the DNS server at `dns`.
    pub(crate) fn asking(settings: Settings, rules: Rules, dns: SocketAddr) -> Town {
        let clock = Arc::new(HandClock::new(START));
        let settings = Settings { threads: 2, ..settings };
        let gateway = Gateway::start(
            settings,
            Arc::new(Table::new().unwrap()),
            Arc::new(Policy::new(rules)),
            Dns::of(&[dns]).unwrap(),
            Arc::clone(&clock) as Arc<_>,
        )
        .unwrap();
        let any_port = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (_, entry) = gateway.listen(any_port, Speaks::Both).unwrap();
        let entry = SocketAddr::from((Ipv4Addr::LOCALHOST, entry.port()));
        Town { gateway, clock, entry, used: Mutex::default() }
    }

    /// Puts a lease in the table.
    pub(crate) fn put(&self, lease: &Lease) {
        assert!(self.gateway.apply([Change::Put(lease)]).is_empty());
    }

    /// Has these leases be all that the table has.
    pub(crate) fn replace(&self, leases: &[Lease]) {
        let mut fresh = self.gateway.fresh();
        leases.iter().for_each(|lease| fresh.put(lease));
        assert!(self.gateway.replace(fresh).is_empty());
    }

    pub(crate) fn turn_clock(&self, ahead: Span) {
        self.clock.set(START + ahead);
        self.gateway.clock_turned();
    }

    /// What a lease has used, when it has used so much in all.
    #[track_caller]
    pub(crate) fn used(&self, lease: u64, bytes: u64) -> Used {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut used = self.used.lock().unwrap();
            for (id, more) in self.gateway.usage() {
                let sum = used.entry(id).or_default();
                sum.bytes_up += more.bytes_up;
                sum.bytes_down += more.bytes_down;
                sum.flows += more.flows;
            }
            let sum = used.get(&lease).copied().unwrap_or_default();
            drop(used);
            if sum.bytes_up + sum.bytes_down >= bytes {
                return sum;
            }
            assert!(Instant::now() < deadline, "only {sum:?} was counted");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A lease with login `u<id>`, password `p<id>` and an exit of its own, for an hour.
pub(crate) fn lease(id: u64) -> Lease {
    Lease {
        id,
        entries: Vec::new(),
        access: Access::from(Login { login: format!("u{id}"), password: format!("p{id}") }),
        exit: Exit::Address(exit_of(id)),
        ends_at: (START + Span::HOUR).millis(),
        suspended: false,
        exits: 0,
        dialing: false,
        limits: Limits::default(),
        ports: None,
    }
}

/// A lease for whoever comes from `source`.
pub(crate) fn lease_for(id: u64, source: &str, bits: u8) -> Lease {
    let sources = vec![Source { ip: source.parse().unwrap(), bits }];
    Lease { access: Access::from(sources), ..lease(id) }
}

pub(crate) fn exit_of(id: u64) -> IpAddr {
    let [.., high, low] = id.to_be_bytes();
    Ipv4Addr::new(127, 77, high, low).into()
}

/// A destination that says who came and then sends everything back.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        Echo::at("127.0.0.1:0")
    }

    pub(crate) fn at(address: &str) -> Echo {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let came = Arc::clone(&count);
        thread::spawn(move || {
            for stream in listener.incoming() {
                came.fetch_add(1, Ordering::SeqCst);
                let Ok(stream) = stream else { break };
                thread::spawn(move || echo(stream));
            }
        });
        Echo { address, count }
    }

    /// How many connections it has seen.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Ends when the client has said all, or has gone.
fn echo(mut stream: TcpStream) -> Option<()> {
    let peer = stream.peer_addr().ok()?;
    stream.write_all(format!("{}\n", peer.ip()).as_bytes()).ok()?;
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer).ok()? {
            0 => return stream.shutdown(Shutdown::Write).ok(),
            count => stream.write_all(&buffer[..count]).ok()?,
        }
    }
}

/// A connection to the gateway or through it.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Client {
        Client::checked(TcpStream::connect_timeout(&to, PATIENCE).unwrap())
    }

    /// A connection from this address.
    pub(crate) fn connect_from(from: &str, to: SocketAddr) -> Client {
        let socket = socket2::Socket::new(
            socket2::Domain::IPV4,
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        );
        let socket = socket.unwrap();
        let from: IpAddr = from.parse().unwrap();
        socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        Client::checked(socket.into())
    }

    fn checked(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client(stream)
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// One line, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            line.extend(self.receive(1));
        }
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// Everything until the other side ends, however it does.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Err(error) = self.0.read_to_end(&mut bytes) {
            let kind = error.kind();
            assert_eq!(kind, std::io::ErrorKind::ConnectionReset, "it is not closed: {error}");
        }
        bytes
    }

    /// Whether the other side is there still: what is sent comes back.
    pub(crate) fn echoes(&mut self) -> bool {
        let sent = self.0.write_all(b"ping");
        let mut back = [0; 4];
        sent.is_ok() && self.0.read_exact(&mut back).is_ok() && back == *b"ping"
    }

    /// Sends a CONNECT and gives the status of the answer, whose head has been read.
    pub(crate) fn http_connect(&mut self, to: &str, credentials: Option<(&str, &str)>) -> u16 {
        let login = credentials.map(|(login, password)| {
            let pair = STANDARD.encode(format!("{login}:{password}"));
            format!("Proxy-Authorization: Basic {pair}\r\n")
        });
        self.send(format!(
            "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{}\r\n",
            login.unwrap_or_default()
        ));
        self.status()
    }

    /// Reads the head of an answer.
    pub(crate) fn status(&mut self) -> u16 {
        let first = self.line();
        while !self.line().is_empty() {}
        first.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// A tunnel over HTTP to `echo` for the lease `id`; the exit that was seen.
pub(crate) fn tunnel(town: &Town, id: u64, echo: &Echo) -> (Client, IpAddr) {
    let mut client = Client::connect(town.entry);
    let (login, password) = (format!("u{id}"), format!("p{id}"));
    let status = client.http_connect(&echo.address.to_string(), Some((&login, &password)));
    assert_eq!(status, 200);
    let exit = client.line().parse().unwrap();
    (client, exit)
}

/// Bytes that look the same nowhere.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}
