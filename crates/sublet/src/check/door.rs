//! A way in to a proxy.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::Login;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::target::Target;
use super::trust;

/// What is spoken at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// HTTP.
    Http,
    /// HTTP inside TLS.
    Https,
    /// SOCKS5.
    Socks5,
}

impl Speaks {
    /// What a URL with this scheme names.
    pub(crate) fn of_scheme(scheme: &str) -> Option<Speaks> {
        match scheme {
            "http" => Some(Speaks::Http),
            "https" => Some(Speaks::Https),
            "socks5" | "socks5h" => Some(Speaks::Socks5),
            _ => None,
        }
    }

    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Speaks::Http => "http",
            Speaks::Https => "https",
            Speaks::Socks5 => "socks5",
        }
    }
}

/// A way in to a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// What is spoken there.
    pub(crate) speaks: Speaks,
    /// The host or address.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

/// A connection through a proxy.
pub(crate) type Through = Box<dyn Stream>;

/// Something that can be read and written.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How long the proxy may take to take the connection.
const CONNECT: Duration = Duration::from_secs(5);
/// The most that an answer's head may be.
const HEAD_MAX: usize = 16 * 1024;

fn no_answer(_: impl fmt::Debug) -> String {
    "no_answer".to_owned()
}

impl Door {
    /// Opens a tunnel to `target`; what does not work is told by a word. Says of a certificate
    /// whether it is one that programs trust.
    pub(super) async fn open(
        &self,
        login: Option<&Login>,
        target: &Target,
    ) -> Result<(Through, Option<bool>), String> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let connected = timeout(CONNECT, connecting).await.map_err(|_| "unreachable")?;
        let stream = connected.map_err(|_| "unreachable")?;
        // One that cannot be set works all the same.
        let _ = stream.set_nodelay(true);
        match self.speaks {
            Speaks::Http => Ok((connect(stream, login, target).await?, None)),
            Speaks::Https => {
                let (stream, trusted) = trust::secure(stream, &self.host).await?;
                Ok((connect(stream, login, target).await?, Some(trusted)))
            }
            Speaks::Socks5 => Ok((Box::new(socks(stream, login, target).await?), None)),
        }
    }
}

/// Opens a tunnel with CONNECT.
async fn connect<S>(
    mut stream: S,
    login: Option<&Login>,
    target: &Target,
) -> Result<Through, String>
where
    S: Stream + 'static,
{
    let to = target.authority();
    let mut head = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n");
    if let Some(Login { login, password }) = login {
        let pair = STANDARD.encode(format!("{login}:{password}"));
        head.push_str(&format!("Proxy-Authorization: Basic {pair}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await.map_err(no_answer)?;
    stream.flush().await.map_err(no_answer)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < HEAD_MAX {
        // Nothing behind the head is to be read here, so that it is read byte by byte.
        answer.push(stream.read_u8().await.map_err(no_answer)?);
    }
    let head = String::from_utf8_lossy(&answer).into_owned();
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    match status.and_then(|status| status.parse::<u16>().ok()) {
        Some(200..=299) => Ok(Box::new(stream)),
        Some(status) => Err(reason(&mut stream, status, &head).await),
        None => Err("bad_answer".to_owned()),
    }
}

/// Why a proxy refused: in its own word, if it is one of ours.
async fn reason(stream: &mut (impl AsyncRead + Unpin), status: u16, head: &str) -> String {
    let length = head.to_ascii_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length:").and_then(|rest| rest.trim().parse::<usize>().ok())
    });
    let mut body = vec![0; length.unwrap_or(0).min(512)];
    if stream.read_exact(&mut body).await.is_ok() {
        let said = String::from_utf8_lossy(&body);
        let word = said.split(':').next().unwrap_or("");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if !word.is_empty() && word.len() < 40 && word.bytes().all(plain) {
            return word.to_owned();
        }
    }
    format!("http_{status}")
}

/// Opens a tunnel with SOCKS5.
async fn socks(
    mut stream: TcpStream,
    login: Option<&Login>,
    target: &Target,
) -> Result<TcpStream, String> {
    let way: u8 = if login.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, way]).await.map_err(no_answer)?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await.map_err(no_answer)?;
    match (chosen, login) {
        ([5, 0], _) => {}
        ([5, 2], Some(Login { login, password })) => {
            let mut known = vec![1];
            for word in [login, password] {
                known.push(u8::try_from(word.len()).map_err(no_answer)?);
                known.extend_from_slice(word.as_bytes());
            }
            stream.write_all(&known).await.map_err(no_answer)?;
            let mut good = [0; 2];
            stream.read_exact(&mut good).await.map_err(no_answer)?;
            if good[1] != 0 {
                return Err("credentials_wrong".to_owned());
            }
        }
        ([5, _], None) => return Err("credentials_needed".to_owned()),
        ([5, _], Some(_)) => return Err("credentials_wrong".to_owned()),
        _ => return Err("bad_answer".to_owned()),
    }
    let mut request = vec![5, 1, 0];
    match target.host().parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend_from_slice(&ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend_from_slice(&ip.octets());
        }
        Err(_) => {
            request.extend_from_slice(&[3, u8::try_from(target.host().len()).map_err(no_answer)?]);
            request.extend_from_slice(target.host().as_bytes());
        }
    }
    request.extend_from_slice(&target.port().to_be_bytes());
    stream.write_all(&request).await.map_err(no_answer)?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).await.map_err(no_answer)?;
    if reply[1] != 0 {
        return Err(format!("socks_reply_{}", reply[1]));
    }
    let address = match reply[3] {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await.map_err(no_answer)?),
        _ => return Err("bad_answer".to_owned()),
    };
    let mut rest = vec![0; address + 2];
    stream.read_exact(&mut rest).await.map_err(no_answer)?;
    Ok(stream)
}
