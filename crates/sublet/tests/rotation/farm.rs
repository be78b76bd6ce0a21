//! A shop with modems that are none, a destination that says who has come, and clients.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::{order, with};
use e2e::customer::Customer;
use e2e::http::{Answer, Request};
use e2e::shop::{FLAT, Setup, Shop};
use serde_json::{Value, json};

use crate::BINARY;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// The host of leases that share one.
const HOST: &str = "127.0.0.9";

/// A modem of the catalogue: its name, its address in stock, and the rest of its description.
pub(crate) type Modem<'m> = (&'m str, &'m str, &'m str);

/// Two modems with two exits each.
pub(crate) const TWO: [Modem<'static>; 2] = [
    (
        "m1",
        "127.50.1.1",
        "driver.simulator = { exits = [\"127.50.1.1\", \"127.50.1.2\"], takes_ms = 200 }",
    ),
    (
        "m2",
        "127.50.2.1",
        "driver.simulator = { exits = [\"127.50.2.1\", \"127.50.2.2\"], takes_ms = 200 }",
    ),
];

/// A shop with modems.
pub(crate) struct Farm {
    pub(crate) shop: Shop,
    pub(crate) ann: Customer,
    echo: SocketAddr,
}

/// A rented modem.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) id: String,
    port: u16,
    login: String,
    password: String,
    /// What it is known by.
    pub(crate) exit: String,
    /// Where to ask for another exit.
    pub(crate) link: String,
}

/// A shop that is not open yet.
pub(crate) fn setup(modems: &[Modem<'_>]) -> Setup {
    // Below the ports that the system gives to those who do not ask for one, and other ones than
    // those of other tests.
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    const EACH: u16 = 10;
    let process = u16::try_from(std::process::id() % 100).unwrap();
    let http = 10_100 + process * 200 + EACH * GIVEN.fetch_add(1, Ordering::Relaxed);
    let (socks, shared) = (http + 1, http + 2);
    let mut catalogue = FLAT
        .replace("http_port = 8081", &format!("http_port = {http}"))
        .replace("socks_port = 8082", &format!("socks_port = {socks}"))
        .replace("host = \"127.0.0.1\"", &format!("host = \"{HOST}\""))
        .replace("[20000, 29999]", &format!("[{shared}, {}]", shared + 7));
    for (name, _, rest) in modems {
        catalogue
            .push_str(&format!("\n[[modems]]\nname = \"{name}\"\ngateway = \"main\"\n{rest}\n"));
    }
    let mut setup = Setup::new(BINARY).catalogue(&catalogue).alone();
    for (name, ip, _) in modems {
        let words = "--kind MOBILE --country USA --operator verizon";
        setup = setup.stock(&format!("{words} --cidr {ip} --modem {name}"));
    }
    setup.stock("--kind IPv4 --country USA --cidr 127.40.1.0/30")
}

impl Farm {
    #[track_caller]
    pub(crate) fn open(modems: &[Modem<'_>]) -> Farm {
        Farm::of(setup(modems).open())
    }

    #[track_caller]
    pub(crate) fn of(shop: Shop) -> Farm {
        let ann = shop.customer("Ann", "100.00");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let echo = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || answer(stream));
            }
        });
        Farm { shop, ann, echo }
    }

    /// Rents so many modems, rotated after so many seconds; in the order of their addresses.
    #[track_caller]
    pub(crate) fn rent(&self, count: u32, seconds: u32) -> Vec<Proxy> {
        let wish = json!({ "mobileOperator": "verizon", "rotationTime": seconds });
        let body = with(&order("MOBILE", "USA", count, 30), wish);
        let listed = self.shop.order(&self.ann, &body);
        let leases = self.leases();
        let mut rented: Vec<Proxy> = listed
            .iter()
            .map(|it| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let id = text(&it["ipAddressId"]);
                Proxy {
                    port: text(&it["httpsPort"]).parse().unwrap(),
                    login: text(&it["authInfo"]["login"]),
                    password: text(&it["authInfo"]["password"]),
                    exit: text(&leases[&id]["exit"]),
                    link: target(&text(&it["rebootLink"])),
                    id,
                }
            })
            .collect();
        rented.sort_by(|one, other| one.exit.cmp(&other.exit));
        rented
    }

    /// What the native API says of Ann's leases.
    pub(crate) fn leases(&self) -> BTreeMap<String, Value> {
        let listed = self.native("GET", "/api/v1/leases", &self.ann).json();
        let leases = listed["leases"].as_array().unwrap().clone();
        leases.into_iter().map(|it| (it["id"].as_str().unwrap().to_owned(), it)).collect()
    }

    /// A call of the native API.
    pub(crate) fn native(&self, method: &str, target: &str, customer: &Customer) -> Answer {
        Request::new(method, target)
            .header("Authorization", &format!("Bearer {}", customer.key))
            .send(self.shop.address())
    }

    /// Asks for a rotation, which must be granted.
    #[track_caller]
    pub(crate) fn rotate(&self, proxy: &Proxy) -> Value {
        let target = format!("/api/v1/leases/{}/rotate", proxy.id);
        let answer = self.native("POST", &target, &self.ann);
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// What has come of a rotation, when it is over.
    #[track_caller]
    pub(crate) fn ended(&self, rotation: &Value) -> Value {
        let target = format!("/api/v1/rotations/{}", rotation["id"].as_str().unwrap());
        let since = Instant::now();
        loop {
            let now = self.native("GET", &target, &self.ann).json();
            if !now["ended_at"].is_null() {
                return now;
            }
            assert!(since.elapsed() < PATIENCE, "{now}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The rotations of a lease.
    pub(crate) fn history(&self, proxy: &Proxy) -> Vec<Value> {
        let target = format!("/api/v1/leases/{}/rotations", proxy.id);
        let listed = self.native("GET", &target, &self.ann).json();
        listed["rotations"].as_array().unwrap().clone()
    }

    /// Calls a link.
    pub(crate) fn call(&self, link: &str) -> Answer {
        Request::get(link).send(self.shop.address())
    }

    /// Where the echo sees a request come from that curl makes through `proxy`, and the status.
    pub(crate) fn seen(&self, scheme: &str, proxy: &Proxy) -> String {
        let Proxy { login, password, port, .. } = proxy;
        let port = if scheme == "http" { *port } else { port + 1 };
        let url = format!("{scheme}://{login}:{password}@{HOST}:{port}");
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "", "--max-time", "10", "-x", &url])
            .args([&format!("http://{}/", self.echo), "-w", "|%{http_code}"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The echo sees `exit` over both protocols, within a second.
    #[track_caller]
    pub(crate) fn soon_seen(&self, proxy: &Proxy, exit: &str) {
        let since = Instant::now();
        let expected = format!("{exit}|200");
        for scheme in ["http", "socks5h"] {
            loop {
                let begun = since.elapsed();
                let seen = self.seen(scheme, proxy);
                if seen == expected {
                    break;
                }
                assert!(begun < Duration::from_secs(1), "{seen} instead of {exit} over {scheme}");
                thread::sleep(Duration::from_millis(10));
            }
        }
    }

    /// The same, as soon as it is served at all.
    #[track_caller]
    pub(crate) fn served(&self, proxy: &Proxy) {
        let since = Instant::now();
        while self.seen("http", proxy) != format!("{}|200", proxy.exit) {
            assert!(since.elapsed() < PATIENCE, "{}", self.seen("http", proxy));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A tunnel to the echo that stays open.
    #[track_caller]
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Tunnel {
        let mut stream = TcpStream::connect((HOST, proxy.port + 1)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut ask = |bytes: &[u8], reply: &mut [u8]| {
            stream.write_all(bytes).unwrap();
            stream.read_exact(reply).unwrap();
        };
        ask(&[5, 1, 2], &mut [0; 2]);
        let mut known = vec![1];
        for word in [&proxy.login, &proxy.password] {
            known.push(u8::try_from(word.len()).unwrap());
            known.extend_from_slice(word.as_bytes());
        }
        ask(&known, &mut [0; 2]);
        let SocketAddr::V4(to) = self.echo else { panic!("it is IPv4") };
        let mut request = vec![5, 1, 0, 1];
        request.extend_from_slice(&to.ip().octets());
        request.extend_from_slice(&to.port().to_be_bytes());
        let mut reply = [0; 10];
        ask(&request, &mut reply);
        assert_eq!(reply[1], 0, "the request was refused");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        Tunnel(reader)
    }
}

/// A tunnel to the echo.
pub(crate) struct Tunnel(BufReader<TcpStream>);

impl Tunnel {
    /// Whether something that is sent comes back.
    pub(crate) fn echoes(&mut self) -> bool {
        let mut back = [0; 4];
        let sent = self.0.get_mut().write_all(b"ping");
        sent.is_ok() && self.0.read_exact(&mut back).is_ok() && &back == b"ping"
    }

    /// It is closed, at the latest soon.
    #[track_caller]
    pub(crate) fn soon_closed(mut self) {
        self.0.get_mut().set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        match self.0.read(&mut [0; 1]) {
            Ok(count) => assert_eq!(count, 0, "it says something"),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is still open");
            }
        }
    }
}

/// The path and query of a link.
pub(crate) fn target(link: &str) -> String {
    let at = link.find("/api/proxy/reboot?token=").unwrap_or_else(|| panic!("{link}"));
    link[at..].to_owned()
}

/// Says where a client comes from. Who speaks HTTP gets an answer, others an echo.
fn answer(mut stream: TcpStream) {
    let seen = stream.peer_addr().unwrap().ip();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut first = [0; 4096];
    match stream.read(&mut first) {
        Ok(count) if first[..count].starts_with(b"GET ") => {
            let body = seen.to_string();
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all((head + &body).as_bytes());
            return;
        }
        Ok(0) => return,
        _ => {}
    }
    stream.set_read_timeout(None).unwrap();
    let _ = stream.write_all(format!("{seen}\n").as_bytes());
    let Ok(mut from) = stream.try_clone() else { return };
    let _ = std::io::copy(&mut from, &mut stream);
}
