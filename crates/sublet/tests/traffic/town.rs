//! A shop with a gateway on ports of its own, a destination that says who has come, and clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::bodies::order;
use e2e::customer::Customer;
use e2e::shop::{FLAT, Setup, Shop};
use serde_json::Value;

use crate::BINARY;

/// How soon what is rented works, and what is taken away does not.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// A shop whose stock is on this machine's loopback.
pub(crate) struct Town {
    pub(crate) shop: Shop,
    pub(crate) echo: Echo,
}

/// A proxy as its customer is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) id: String,
    pub(crate) host: String,
    pub(crate) http: u16,
    pub(crate) socks: u16,
    pub(crate) login: String,
    pub(crate) password: String,
}

impl Town {
    #[track_caller]
    pub(crate) fn open() -> Town {
        Town::of(setup().alone().open())
    }

    /// A town with a shop that is open.
    pub(crate) fn of(shop: Shop) -> Town {
        Town { shop, echo: Echo::new() }
    }

    /// Where the echo is for exits of IPv4.
    pub(crate) fn echo_v4(&self) -> SocketAddr {
        self.echo.v4
    }

    /// Ann, who rents so many addresses.
    #[track_caller]
    pub(crate) fn ann_with(&self, count: u32) -> (Customer, Vec<Proxy>) {
        let ann = self.shop.customer("Ann", "100.00");
        let proxies = self.shop.order(&ann, &order("IPv4", "USA", count, 30));
        (ann, proxies.iter().map(Proxy::listed).collect())
    }

    /// Where the echo sees a request come from that is made through `proxy` over HTTP, at the latest
    /// soon.
    #[track_caller]
    pub(crate) fn soon_seen_through(&self, proxy: &Proxy) -> IpAddr {
        let since = Instant::now();
        loop {
            match self.tunnel(proxy) {
                Ok(tunnel) => return tunnel.seen,
                Err(refused) => assert!(since.elapsed() < SOON, "{refused}: {proxy:?}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A tunnel to the echo over SOCKS5, or the reply code with which it was refused.
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Result<Tunnel, String> {
        self.echo.tunnel(proxy)
    }

    /// Nothing goes through `proxy`, at the latest soon.
    #[track_caller]
    pub(crate) fn soon_refused(&self, proxy: &Proxy) {
        let since = Instant::now();
        while self.tunnel(proxy).is_ok() {
            assert!(since.elapsed() < SOON, "it still works: {proxy:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What curl says of a request to the echo through `proxy`, whose URL begins with `scheme`.
    #[track_caller]
    pub(crate) fn curl(&self, scheme: &str, proxy: &Proxy, port: u16) -> String {
        let Proxy { login, password, host, .. } = proxy;
        let url = format!("{scheme}://{login}:{password}@{host}:{port}");
        let to = format!("http://{}/", self.echo.for_exits_of(host));
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "", "--max-time", "10", "-x", &url, &to])
            .args(["-w", "|%{http_code}"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// A call of the second version of the Proxy-Seller API, which must succeed.
    #[track_caller]
    pub(crate) fn call(
        &self,
        customer: &Customer,
        method: &str,
        call: &str,
        body: &Value,
    ) -> Value {
        let target = format!("/personal/api/v2/{}/{call}", customer.key);
        let request = match method {
            "GET" => e2e::http::Request::get(&target),
            _ => e2e::http::Request::new(method, &target)
                .header("Content-Type", "application/json")
                .body(body.to_string().as_bytes()),
        };
        let answer = request.send(self.shop.address());
        assert_eq!(answer.json()["status"], "success", "{call}: {}", answer.text());
        answer.json()["data"].clone()
    }
}

impl Proxy {
    /// The proxy in a list of the Youproxy API.
    #[track_caller]
    pub(crate) fn listed(listed: &Value) -> Proxy {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
        let port = |name| text(&listed[name]).parse().unwrap();
        Proxy {
            id: text(&listed["ipAddressId"]),
            host: text(&listed["ipAddressIp"]),
            http: port("httpsPort"),
            socks: port("socks5Port"),
            login: text(&listed["authInfo"]["login"]),
            password: text(&listed["authInfo"]["password"]),
        }
    }

    /// Its exit, which is its host.
    pub(crate) fn exit(&self) -> IpAddr {
        self.host.parse().unwrap()
    }
}

/// A tunnel to the echo that is open.
pub(crate) struct Tunnel {
    reader: BufReader<TcpStream>,
    /// Where it comes from, as the echo sees it.
    pub(crate) seen: IpAddr,
}

impl Tunnel {
    /// Whether something that is sent comes back.
    pub(crate) fn echoes(&mut self) -> bool {
        let mut back = [0; 4];
        let sent = self.reader.get_mut().write_all(b"ping");
        sent.is_ok() && self.reader.read_exact(&mut back).is_ok() && &back == b"ping"
    }

    /// It is closed, at the latest soon.
    #[track_caller]
    pub(crate) fn soon_closed(mut self) {
        self.reader.get_mut().set_read_timeout(Some(SOON)).unwrap();
        match self.reader.read(&mut [0; 1]) {
            Ok(count) => assert_eq!(count, 0, "it says something"),
            Err(error) => {
                let kind = error.kind();
                assert_eq!(kind, std::io::ErrorKind::ConnectionReset, "it is still open");
            }
        }
    }
}

/// A destination that says from which address it was reached, and then sends everything back. Who
/// speaks HTTP is answered.
pub(crate) struct Echo {
    v4: SocketAddr,
    v6: Option<SocketAddr>,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        let listen = |address: &str| {
            let listener = TcpListener::bind(address)?;
            let address = listener.local_addr();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    thread::spawn(move || answer(stream));
                }
            });
            address
        };
        Echo { v4: listen("127.0.0.1:0").unwrap(), v6: listen("[::1]:0").ok() }
    }

    /// A tunnel here over SOCKS5, or the reply code with which it was refused.
    pub(crate) fn tunnel(&self, proxy: &Proxy) -> Result<Tunnel, String> {
        let to = (proxy.host.as_str(), proxy.socks);
        let mut stream = TcpStream::connect(to).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut ask = |bytes: &[u8], reply: &mut [u8]| {
            stream.write_all(bytes).and_then(|()| stream.read_exact(reply))
        };
        let mut chosen = [0; 2];
        ask(&[5, 1, 2], &mut chosen).map_err(|error| error.to_string())?;
        let mut known = vec![1];
        for word in [&proxy.login, &proxy.password] {
            known.push(u8::try_from(word.len()).unwrap());
            known.extend_from_slice(word.as_bytes());
        }
        let mut good = [0; 2];
        ask(&known, &mut good).map_err(|error| error.to_string())?;
        if good[1] != 0 {
            return Err(format!("the log-in was refused with {}", good[1]));
        }
        let mut request = vec![5, 1, 0];
        match self.for_exits_of(&proxy.host) {
            SocketAddr::V4(to) => {
                request.push(1);
                request.extend_from_slice(&to.ip().octets());
                request.extend_from_slice(&to.port().to_be_bytes());
            }
            SocketAddr::V6(to) => {
                request.push(4);
                request.extend_from_slice(&to.ip().octets());
                request.extend_from_slice(&to.port().to_be_bytes());
            }
        }
        let mut reply = [0; 4];
        ask(&request, &mut reply).map_err(|error| error.to_string())?;
        if reply[1] != 0 {
            return Err(format!("the request was refused with {}", reply[1]));
        }
        let mut bound = vec![0; if reply[3] == 4 { 18 } else { 6 }];
        stream.read_exact(&mut bound).map_err(|error| error.to_string())?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).map_err(|error| error.to_string())?;
        let seen = line.trim().parse().map_err(|_| format!("it says {line:?}"))?;
        Ok(Tunnel { reader, seen })
    }

    /// Where exits reach it: those of a shared host are IPv6 here.
    fn for_exits_of(&self, host: &str) -> SocketAddr {
        if host == SHARED_HOST { self.v6.unwrap() } else { self.v4 }
    }

    /// Whether there is IPv6 here.
    pub(crate) fn has_v6(&self) -> bool {
        self.v6.is_some()
    }
}

fn answer(mut stream: TcpStream) {
    let seen = stream.peer_addr().unwrap().ip();
    // A client of HTTP speaks first; one of a tunnel waits to be told.
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut first = [0; 4096];
    match stream.read(&mut first) {
        Ok(count) if first[..count].starts_with(b"GET ") => {
            let body = seen.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
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

/// The host of leases that share one.
pub(crate) const SHARED_HOST: &str = "127.0.0.9";

/// A shop with ports that nobody else here has, not opened yet.
pub(crate) fn setup() -> Setup {
    // Below the ports that the system gives to those who do not ask for one.
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    const EACH: u16 = 20;
    let process = u16::try_from(std::process::id() % 50).unwrap();
    let http = 10_000 + process * 400 + EACH * GIVEN.fetch_add(1, Ordering::Relaxed);
    let (socks, shared) = (http + 1, http + 2);
    let catalogue = FLAT
        .replace("http_port = 8081", &format!("http_port = {http}"))
        .replace("socks_port = 8082", &format!("socks_port = {socks}"))
        .replace("host = \"127.0.0.1\"", &format!("host = \"{SHARED_HOST}\""))
        .replace("[20000, 29999]", &format!("[{shared}, {}]", shared + 7));
    Setup::new(BINARY)
        .catalogue(&catalogue)
        .stock("--kind IPv4 --country USA --cidr 127.40.0.0/25")
        .stock("--kind IPv6 --country DEU --cidr ::1/128")
}
