//! A shop that tells a gateway whatever a test wants it to, and has the key of a shop.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use feed::lease::{Access, Exit, Lease, Limits, Login};
use feed::stream::{Begin, Change, Entry, Port, Position, Speaks, VERSION, Writer};

use crate::key::Key;

/// What a shop does when it is asked for its feed.
#[derive(Clone)]
pub(crate) enum Says {
    /// It tells this, and then that it is there.
    Tells(Vec<u8>),
    /// It answers so and hangs up.
    Answers(&'static [u8]),
    /// It says nothing.
    Nothing,
}

/// A shop that has a key, and tells what it is told to tell.
pub(crate) struct Fake {
    key: Key,
    /// Where it is.
    pub(crate) control: String,
    says: Arc<Mutex<Says>>,
    /// What it was asked.
    asked: Arc<Mutex<Vec<String>>>,
    /// Counts how often it has hung up.
    hung_up: Arc<AtomicU64>,
}

type Stream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

impl Fake {
    pub(crate) fn open(says: Says) -> Fake {
        let key = Key::read(&Key::draw().unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let control = format!("https://{}", listener.local_addr().unwrap());
        let (says, asked) = (Arc::new(Mutex::new(says)), Arc::<Mutex<Vec<String>>>::default());
        let hung_up = Arc::<AtomicU64>::default();
        let (config, said, heard) = (key.serving(), Arc::clone(&says), Arc::clone(&asked));
        let hangs_up = Arc::clone(&hung_up);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, said, heard) =
                    (Arc::clone(&config), Arc::clone(&said), Arc::clone(&heard));
                let hangs_up = Arc::clone(&hangs_up);
                thread::spawn(move || {
                    let connection = rustls::ServerConnection::new(config).unwrap();
                    // Whatever goes wrong, the gateway hangs up or comes again.
                    let _ = serve(Stream::new(connection, stream), &said, &heard, &hangs_up);
                });
            }
        });
        Fake { key, control, says, asked, hung_up }
    }

    /// What it does from the next request on.
    pub(crate) fn says(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    /// Ends all streams that are followed.
    pub(crate) fn hang_up(&self) {
        self.hung_up.fetch_add(1, Ordering::SeqCst);
    }

    /// A token with which a gateway enrols here.
    pub(crate) fn token(&self) -> String {
        let secret = engine::secret::new_gateway_token([3; 32]);
        let hash: String = self.key.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}.{hash}", secret.reveal())
    }

    /// What it was asked at `path`, the bodies.
    pub(crate) fn asked(&self, path: &str) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let mark = format!("{path} ");
        asked.iter().filter_map(|line| line.strip_prefix(&mark)).map(str::to_owned).collect()
    }
}

fn serve(
    mut stream: Stream,
    says: &Mutex<Says>,
    asked: &Mutex<Vec<String>>,
    hung_up: &AtomicU64,
) -> std::io::Result<()> {
    let mut read = Vec::new();
    loop {
        let Some((path, body)) = request(&mut stream, &mut read)? else { return Ok(()) };
        asked.lock().unwrap().push(format!("{path} {body}"));
        let answer = match path.as_str() {
            "/v1/enrol" => "{\"node\":\"fake\",\"sandbox\":true}",
            "/v1/report" => "{\"time\":0}",
            _ => {
                let says = says.lock().unwrap().clone();
                return tell(&mut stream, &says, hung_up);
            }
        };
        let length = answer.len();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{answer}")?;
    }
}

fn tell(stream: &mut Stream, says: &Says, hung_up: &AtomicU64) -> std::io::Result<()> {
    let before = hung_up.load(Ordering::SeqCst);
    let goes_on = || before == hung_up.load(Ordering::SeqCst);
    match says {
        Says::Nothing => {
            while goes_on() {
                thread::sleep(Duration::from_millis(50));
            }
        }
        Says::Answers(bytes) => stream.write_all(bytes)?,
        Says::Tells(told) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            chunk(stream, told)?;
            let beat = format!("{{\"beat\":{{\"time\":{},\"number\":0}}}}\n", now());
            while goes_on() {
                chunk(stream, beat.as_bytes())?;
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    Ok(())
}

fn chunk(stream: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
    write!(stream, "{:x}\r\n", bytes.len())?;
    stream.write_all(bytes)?;
    stream.write_all(b"\r\n")?;
    stream.flush()
}

/// The path and the body of a request.
fn request(stream: &mut Stream, read: &mut Vec<u8>) -> std::io::Result<Option<(String, String)>> {
    loop {
        let text = String::from_utf8_lossy(read).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if rest.len() >= length {
                let path = head.split(' ').nth(1).unwrap().to_owned();
                let body = rest[..length].to_owned();
                *read = rest.as_bytes()[length..].to_vec();
                return Ok(Some((path, body)));
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more)? {
            0 => return Ok(None),
            length => read.extend_from_slice(&more[..length]),
        }
    }
}

/// Now, in milliseconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    jiff::Zoned::now().timestamp().as_millisecond()
}

/// A table.
pub(crate) struct Told {
    pub(crate) node: &'static str,
    pub(crate) number: i64,
    pub(crate) port: u16,
    /// Its leases: their numbers, which are a part of their exits too.
    pub(crate) leases: Vec<u8>,
}

impl Told {
    /// The stream that tells it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes_without(&[])
    }

    /// The same, where these leases are taken away before all of it counts.
    pub(crate) fn bytes_without(&self, taken_away: &[u8]) -> Vec<u8> {
        let node = self.node.to_owned();
        let mut writer = Writer::begin(Begin { version: VERSION, node, whole: true, session: 1 });
        writer.listen([Port { port: self.port, speaks: Speaks::Both }]);
        for lease in &self.leases {
            writer.change(Change::Put(Entry { lease: lease_of(*lease, self.port), ports: vec![] }));
        }
        for lease in taken_away {
            writer.change(Change::Remove((*lease).into()));
        }
        let position = Position { epoch: "one".into(), number: self.number, stamp: "s-0".into() };
        writer.commit(position, now());
        writer.take()
    }
}

/// A lease that leaves from 127.42.0.`number`.
fn lease_of(number: u8, port: u16) -> Lease {
    let exit: std::net::IpAddr = [127, 42, 0, number].into();
    let login = Login { login: format!("ann{number}"), password: "s3cret-canary".into() };
    Lease {
        id: number.into(),
        entries: vec![(exit, port).into()],
        access: Access::from(login),
        exit: Exit::Address(exit),
        exits: 0,
        dialing: false,
        ends_at: now() + 3_600_000,
        suspended: false,
        limits: Limits::default(),
        ports: None,
    }
}

/// How a customer reaches such a lease.
pub(crate) fn proxy(number: u8, port: u16) -> crate::town::Proxy {
    crate::town::Proxy {
        id: number.to_string(),
        host: format!("127.42.0.{number}"),
        http: port,
        socks: port,
        login: format!("ann{number}"),
        password: "s3cret-canary".into(),
    }
}
