//! Rented proxies, and programs that go through them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::process::Command;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// How soon a tunnel is closed whose lease has ended.
const SOON: Duration = Duration::from_secs(5);

/// A proxy as its customer is told of it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its id in the Youproxy API.
    pub id: String,
    /// Where it is reached.
    pub host: String,
    /// The port for HTTP; where both are spoken, that of the other does as well.
    pub http: u16,
    /// The port for SOCKS5.
    pub socks: u16,
    /// The login of its order.
    pub login: String,
    /// The password of its order.
    pub password: String,
}

/// Why nothing goes through a proxy.
pub type Refused = String;

impl Proxy {
    /// The proxy in a list of the Youproxy API.
    ///
    /// # Panics
    ///
    /// If it is listed in another way.
    #[track_caller]
    pub fn listed(listed: &Value) -> Proxy {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{listed}")).to_owned();
        let port = |name: &str| listed[name].as_str().and_then(|port| port.parse().ok());
        let own = port("port");
        Proxy {
            id: text(&listed["ipAddressId"]),
            host: text(&listed["ipAddressIp"]),
            http: port("httpsPort").or(own).unwrap_or_else(|| panic!("{listed}")),
            socks: port("socks5Port").or(own).unwrap_or_else(|| panic!("{listed}")),
            login: text(&listed["authInfo"]["login"]),
            password: text(&listed["authInfo"]["password"]),
        }
    }

    /// Its exit, where that is its host.
    ///
    /// # Panics
    ///
    /// If its host is a name.
    #[track_caller]
    pub fn exit(&self) -> IpAddr {
        self.host.parse().unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// A tunnel by CONNECT.
    pub fn http_tunnel(&self, to: SocketAddr) -> Result<TcpStream, Refused> {
        let mut stream = self.open(self.http)?;
        let pair = base64(format!("{}:{}", self.login, self.password).as_bytes());
        let head = format!(
            "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Authorization: Basic {pair}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).map_err(text)?;
        let status = status(&mut stream)?;
        if status == 200 { Ok(stream) } else { Err(format!("CONNECT was refused with {status}")) }
    }

    /// A tunnel by SOCKS5.
    pub fn socks_tunnel(&self, to: SocketAddr) -> Result<TcpStream, Refused> {
        self.socks(1, to).map(|(stream, _)| stream)
    }

    /// What curl gets from `to` over HTTP through this proxy, at `port`, and the status behind a `|`.
    ///
    /// # Panics
    ///
    /// If there is no curl.
    #[track_caller]
    pub fn curl(&self, scheme: &str, port: u16, to: SocketAddr) -> String {
        let Proxy { login, password, host, .. } = self;
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "", "--max-time", "10", "-w", "|%{http_code}"])
            .args(["-x", &format!("{scheme}://{login}:{password}@{host}:{port}")])
            .arg(format!("http://{to}/"))
            .output()
            .expect("there is curl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Somewhere to send datagrams from, by SOCKS5.
    pub fn association(&self) -> Result<Association, Refused> {
        let (control, relay) = self.socks(3, SocketAddr::from(([0, 0, 0, 0], 0)))?;
        let socket = UdpSocket::bind("0.0.0.0:0").map_err(text)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        let relay = match relay.ip().is_unspecified() {
            true => SocketAddr::new(self.exit(), relay.port()),
            false => relay,
        };
        socket.connect(relay).map_err(text)?;
        Ok(Association { control, socket })
    }

    /// A connection to it, over which nothing was said.
    pub fn open(&self, port: u16) -> Result<TcpStream, Refused> {
        let mut addresses = (self.host.as_str(), port).to_socket_addrs().map_err(text)?;
        let stream = TcpStream::connect_timeout(&addresses.next().ok_or("nowhere")?, PATIENCE);
        patient(stream.map_err(text)?)
    }

    /// The same from an address of this machine.
    pub fn open_from(&self, from: IpAddr, port: u16) -> Result<TcpStream, Refused> {
        let open = || -> io::Result<TcpStream> {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
            bind(&socket, &SocketAddr::new(from, 0))?;
            let to = (self.host.as_str(), port).to_socket_addrs()?.next();
            connect(&socket, &to.ok_or(io::ErrorKind::NotFound)?)?;
            Ok(socket.into())
        };
        patient(open().map_err(text)?)
    }

    /// A request by SOCKS5 that was granted, and the address in the answer to it.
    fn socks(&self, command: u8, to: SocketAddr) -> Result<(TcpStream, SocketAddr), Refused> {
        let mut stream = self.open(self.socks)?;
        let mut ask = |bytes: &[u8], reply: &mut [u8]| {
            stream.write_all(bytes).and_then(|()| stream.read_exact(reply)).map_err(text)
        };
        let mut chosen = [0; 2];
        ask(&[5, 1, 2], &mut chosen)?;
        let mut known = vec![1];
        for word in [&self.login, &self.password] {
            known.push(u8::try_from(word.len()).map_err(|_| "it is too long")?);
            known.extend_from_slice(word.as_bytes());
        }
        let mut good = [0; 2];
        ask(&known, &mut good)?;
        if good[1] != 0 {
            return Err(format!("the log-in was refused with {}", good[1]));
        }
        let mut request = vec![5, command, 0];
        request.extend(socks_address(to));
        let mut reply = [0; 4];
        ask(&request, &mut reply)?;
        if reply[1] != 0 {
            return Err(format!("the request was refused with {}", reply[1]));
        }
        let mut port = [0; 2];
        let ip: IpAddr = if reply[3] == 4 {
            let mut ip = [0; 16];
            stream.read_exact(&mut ip).map_err(text)?;
            ip.into()
        } else {
            let mut ip = [0; 4];
            stream.read_exact(&mut ip).map_err(text)?;
            ip.into()
        };
        stream.read_exact(&mut port).map_err(text)?;
        Ok((stream, SocketAddr::new(ip, u16::from_be_bytes(port))))
    }
}

/// A tunnel to an [`crate::echo::Echo`] that is open.
#[derive(Debug)]
pub struct Tunnel {
    stream: TcpStream,
    /// Where it comes from, as the echo sees it.
    pub seen: IpAddr,
}

impl Tunnel {
    /// The tunnel, when the echo has said who comes through it. It is spoken to first, so that it
    /// does not wait for a request.
    pub fn to_echo(mut stream: TcpStream) -> Result<Tunnel, Refused> {
        stream.write_all(b"!").map_err(text)?;
        let mut said = Vec::new();
        while !said.ends_with(b"\n!") {
            let mut byte = [0];
            stream.read_exact(&mut byte).map_err(text)?;
            said.push(byte[0]);
        }
        let said = String::from_utf8_lossy(&said);
        let seen = said.trim_end_matches("\n!").parse();
        Ok(Tunnel { stream, seen: seen.map_err(|_| format!("it says {said:?}"))? })
    }

    /// Whether something that is sent comes back.
    pub fn echoes(&mut self) -> bool {
        let mut back = [0; 4];
        let sent = self.stream.write_all(b"ping");
        sent.is_ok() && self.stream.read_exact(&mut back).is_ok() && &back == b"ping"
    }

    /// It is closed, at the latest soon.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[track_caller]
    pub fn soon_closed(mut self) {
        let waits = self.stream.set_read_timeout(Some(SOON));
        match waits.and_then(|()| self.stream.read(&mut [0; 1])) {
            Ok(count) => assert_eq!(count, 0, "it says something"),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "it is still open");
            }
        }
    }
}

/// Somewhere to send datagrams from.
#[derive(Debug)]
pub struct Association {
    /// It lasts as long as this connection.
    pub control: TcpStream,
    socket: UdpSocket,
}

impl Association {
    /// Sends `payload` to `to`.
    pub fn send(&self, to: SocketAddr, payload: &[u8]) -> io::Result<()> {
        let mut datagram = vec![0, 0, 0];
        datagram.extend(socks_address(to));
        datagram.extend_from_slice(payload);
        self.socket.send(&datagram).map(drop)
    }

    /// The payload of the next datagram that comes from an address of IPv4.
    pub fn receive(&self) -> io::Result<Vec<u8>> {
        let mut datagram = [0; 2048];
        let count = self.socket.recv(&mut datagram)?;
        let payload = datagram.get(10..count).ok_or(io::ErrorKind::InvalidData)?;
        Ok(payload.to_vec())
    }

    /// How long to wait for a datagram.
    pub fn patience(&self, patience: Duration) -> io::Result<()> {
        self.socket.set_read_timeout(Some(patience))
    }

    /// Another hand on the same.
    pub fn try_clone(&self) -> io::Result<Association> {
        let (control, socket) = (self.control.try_clone()?, self.socket.try_clone()?);
        Ok(Association { control, socket })
    }
}

/// Who came to an [`crate::echo::Echo`] over this tunnel, as it says first.
pub fn seen(stream: &TcpStream) -> Result<IpAddr, Refused> {
    let mut line = String::new();
    // It says nothing else before something is sent, so that nothing is read too far.
    BufReader::with_capacity(64, stream).read_line(&mut line).map_err(text)?;
    line.trim().parse().map_err(|_| format!("it says {line:?}"))
}

/// Reads the head of an answer for its status.
pub fn status(stream: &mut TcpStream) -> Result<u16, Refused> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).map_err(text)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| format!("that is no answer: {head}"))
}

/// `bytes` in the alphabet of Basic credentials.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

fn socks_address(to: SocketAddr) -> Vec<u8> {
    let mut bytes = match to.ip() {
        IpAddr::V4(ip) => [&[1][..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[4][..], &ip.octets()].concat(),
    };
    bytes.extend_from_slice(&to.port().to_be_bytes());
    bytes
}

fn patient(stream: TcpStream) -> Result<TcpStream, Refused> {
    stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(text)?;
    stream.set_nodelay(true).map_err(text)?;
    Ok(stream)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn text(error: io::Error) -> Refused {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn credentials_are_written_as_everybody_does() {
        let expected = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (count, expected) in expected.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..count]), expected);
        }
    }
}
