//! Ways to the destination.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// Nothing.
    Nothing,
    /// A proxy that passes bytes on to one destination and knows nobody.
    Forward,
    /// CONNECT with Basic credentials.
    Connect,
    /// SOCKS5 with login and password.
    Socks5,
    /// Requests with absolute URIs and Basic credentials.
    Http,
}

impl Through {
    pub(crate) fn named(name: &str) -> Option<Through> {
        Some(match name {
            "direct" => Through::Nothing,
            "forward" => Through::Forward,
            "connect" => Through::Connect,
            "socks5" => Through::Socks5,
            "http" => Through::Http,
            _ => return None,
        })
    }
}

/// A way to the destination.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) through: Through,
    pub(crate) proxy: SocketAddr,
    pub(crate) origin: SocketAddr,
    pub(crate) leases: u64,
    /// The leases, if each has a place of its own and a login that nobody could guess.
    pub(crate) known: &'static [Known],
}

/// What the customer of a lease knows.
pub(crate) struct Known {
    proxy: SocketAddr,
    login: String,
    password: String,
}

impl Known {
    /// Reads a line: where it is, its login and its password.
    pub(crate) fn read(line: &str) -> Option<Known> {
        let mut words = line.split(' ').map(str::to_owned);
        let proxy = words.next()?.parse().ok()?;
        Some(Known { proxy, login: words.next()?, password: words.next()? })
    }
}

/// Clients come from so many addresses, so that they do not run out of ports.
const SOURCES: u64 = 64;
/// The login of who says none.
const NOBODY: &str = "-";
const HEAD_MAX: usize = 16 * 1024;

impl Way {
    /// Opens the connection or tunnel of this number.
    pub(crate) async fn open(&self, number: u64) -> io::Result<TcpStream> {
        let mut stream = self.connect(number).await?;
        match self.through {
            Through::Nothing | Through::Forward | Through::Http => {}
            Through::Connect => {
                let (origin, known) = (self.origin, self.credentials(number));
                let asked = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n{known}\r\n");
                stream.write_all(asked.as_bytes()).await?;
                let head = read_head(&mut stream, &mut Vec::new()).await?;
                if head.status != 200 {
                    return Err(io::Error::other(format!("status {}", head.status)));
                }
            }
            Through::Socks5 => self.socks(number, &mut stream).await?,
        }
        Ok(stream)
    }

    async fn connect(&self, number: u64) -> io::Result<TcpStream> {
        let last = u8::try_from(number % SOURCES).unwrap_or_default() + 1;
        let source = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 30, 0, last)), 0);
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        nix::sys::socket::setsockopt(
            &socket,
            nix::sys::socket::sockopt::IpBindAddressNoPort,
            &true,
        )?;
        socket.bind(&source.into())?;
        let stream = TcpSocket::from_std_stream(socket.into()).connect(self.proxy(number)).await?;
        SockRef::from(&stream).set_tcp_nodelay(true)?;
        Ok(stream)
    }

    async fn socks(&self, number: u64, stream: &mut TcpStream) -> io::Result<()> {
        let mut answer = [0; 10];
        let (login, password) = self.login(number);
        let method = if login == NOBODY { 0 } else { 2 };
        stream.write_all(&[5, 1, method]).await?;
        stream.read_exact(&mut answer[..2]).await?;
        if method == 2 {
            let mut known = vec![1];
            for word in [&login, &password] {
                known.push(u8::try_from(word.len()).map_err(io::Error::other)?);
                known.extend_from_slice(word.as_bytes());
            }
            stream.write_all(&known).await?;
            stream.read_exact(&mut answer[..2]).await?;
        }
        let IpAddr::V4(ip) = self.origin.ip() else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let port = self.origin.port().to_be_bytes();
        stream.write_all(&[&[5, 1, 0, 1], &ip.octets()[..], &port].concat()).await?;
        stream.read_exact(&mut answer).await?;
        if answer[1] == 0 { Ok(()) } else { Err(io::Error::other(format!("reply {}", answer[1]))) }
    }

    /// The head of a request for so many bytes.
    pub(crate) fn request(&self, number: u64, bytes: u64, closes: bool) -> Vec<u8> {
        let origin = self.origin;
        let (start, known) = match self.through {
            Through::Http => (format!("http://{origin}"), self.credentials(number)),
            _ => (String::new(), String::new()),
        };
        let tail = if closes { "Connection: close\r\n" } else { "" };
        let agent = "User-Agent: load\r\nAccept: */*\r\n";
        format!("GET {start}/{bytes} HTTP/1.1\r\nHost: {origin}\r\n{agent}{known}{tail}\r\n").into()
    }

    fn credentials(&self, number: u64) -> String {
        let (login, password) = self.login(number);
        let pair = STANDARD.encode(format!("{login}:{password}"));
        format!("Proxy-Authorization: Basic {pair}\r\n")
    }

    /// Where a connection goes at first.
    fn proxy(&self, number: u64) -> SocketAddr {
        self.known(number).map_or(self.proxy, |known| known.proxy)
    }

    fn login(&self, number: u64) -> (String, String) {
        match self.known(number) {
            Some(known) => (known.login.clone(), known.password.clone()),
            None => {
                let lease = self.lease(number);
                (format!("u{lease:06}"), format!("p{lease:06}"))
            }
        }
    }

    fn known(&self, number: u64) -> Option<&'static Known> {
        self.known.get(usize::try_from(self.lease(number)).ok()?)
    }

    /// Which lease a connection uses: those that follow one another are spread over all.
    fn lease(&self, number: u64) -> u64 {
        number.wrapping_mul(7919) % self.leases
    }
}

/// What the head of an answer says.
pub(crate) struct Head {
    pub(crate) status: u16,
    /// Bytes of the body that have not come yet.
    pub(crate) left: u64,
}

/// Reads the head of an answer; `room` is memory to use.
pub(crate) async fn read_head(stream: &mut TcpStream, room: &mut Vec<u8>) -> io::Result<Head> {
    room.clear();
    loop {
        if room.len() > HEAD_MAX || stream.read_buf(room).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = room.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&room[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: u64 = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        let here = u64::try_from(room.len() - end - 4).unwrap_or_default();
        return Ok(Head { status, left: length.saturating_sub(here) });
    }
}
