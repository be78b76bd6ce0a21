//! Who is asked which address he sees.

use std::net::IpAddr;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::door::{Stream, Through};
use super::trust;

/// Who is asked which address he sees: an `http://` or `https://` URL that answers with it, as text
/// or somewhere in a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    secure: bool,
    host: String,
    port: u16,
    path: String,
}

/// The most that is read of an answer.
const ANSWER_MAX: u64 = 64 * 1024;

impl std::str::FromStr for Target {
    type Err = &'static str;

    fn from_str(url: &str) -> Result<Target, &'static str> {
        let wrong = "not a URL such as https://ip.example.com/";
        let (scheme, rest) = url.split_once("://").ok_or(wrong)?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong),
        };
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_graphic();
        if !path.bytes().all(plain) {
            return Err(wrong);
        }
        let (host, port) = place_of(place, if secure { 443 } else { 80 }).ok_or(wrong)?;
        Ok(Target { secure, host, port, path: format!("/{path}") })
    }
}

/// Reads `host`, `host:port` or `[2001:db8::1]:port`.
pub(crate) fn place_of(text: &str, usual: u16) -> Option<(String, u16)> {
    let number = |port: &str| port.parse::<u16>().ok().filter(|port| *port > 0);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { usual } else { number(rest.strip_prefix(':')?)? })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, number(port)?),
            None => (text, usual),
        },
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let sound = !host.is_empty() && host.len() <= 253 && host.bytes().all(fits);
    sound.then(|| (host.to_owned(), port))
}

impl Target {
    /// Somebody on this machine.
    pub(super) fn at(address: std::net::SocketAddr) -> Target {
        let (host, port) = (address.ip().to_string(), address.port());
        Target { secure: false, host, port, path: "/".to_owned() }
    }

    /// The host.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a request names them.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Asks over a connection that leads there; also says when the answer began.
    pub(super) async fn ask(&self, stream: Through) -> Result<(IpAddr, Instant), String> {
        if self.secure {
            let (stream, trusted) = trust::secure(stream, &self.host).await?;
            if !trusted {
                return Err("check_url_not_trusted".to_owned());
            }
            return self.ask_plainly(stream).await;
        }
        self.ask_plainly(stream).await
    }

    async fn ask_plainly(&self, mut stream: impl Stream) -> Result<(IpAddr, Instant), String> {
        let no_answer = |_| "no_answer".to_owned();
        let request = format!(
            "GET {} HTTP/1.0\r\nHost: {}\r\nAccept: text/plain, application/json\r\n\
             User-Agent: sublet\r\nConnection: close\r\n\r\n",
            self.path,
            self.authority()
        );
        stream.write_all(request.as_bytes()).await.map_err(no_answer)?;
        stream.flush().await.map_err(no_answer)?;
        let mut answer = vec![stream.read_u8().await.map_err(no_answer)?];
        let first_byte = Instant::now();
        // What came before an end that is not as it should be may be all that is needed.
        let _ = stream.take(ANSWER_MAX).read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        let seen = read_address(&answer).ok_or_else(|| "bad_answer".to_owned())?;
        Ok((seen, first_byte))
    }
}

/// The address that an answer of HTTP tells.
fn read_address(answer: &str) -> Option<IpAddr> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    if head.strip_prefix("HTTP/1.")?.get(2..5)? != "200" {
        return None;
    }
    let body = body.trim();
    // One that is sent in pieces is told by the longest of them.
    let texts = std::iter::once(body).chain(body.lines().map(str::trim));
    texts.into_iter().find_map(|text| {
        let of_json = || address_in(&serde_json::from_str(text).ok()?);
        text.parse().ok().or_else(of_json)
    })
}

fn address_in(value: &Value) -> Option<IpAddr> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Array(list) => list.iter().find_map(address_in),
        Value::Object(members) => members.values().find_map(address_in),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_who_is_asked() {
        for (url, authority, path) in [
            ("http://ip.example", "ip.example:80", "/"),
            ("https://ip.example/json?a=b", "ip.example:443", "/json?a=b"),
            ("http://[::1]:8080/x", "[::1]:8080", "/x"),
        ] {
            let target: Target = url.parse().unwrap();
            assert_eq!((target.authority().as_str(), target.path.as_str()), (authority, path));
        }
        for url in
            ["", "ip.example", "ftp://a", "http://", "http://a:0", "http://a b/", "http://a/ b"]
        {
            assert!(url.parse::<Target>().is_err(), "{url}");
        }
    }

    #[test]
    fn an_address_is_found_in_texts_and_in_json() {
        let told = |body: &str| read_address(&format!("HTTP/1.1 200 OK\r\nA: b\r\n\r\n{body}"));
        for body in [
            "192.0.2.1\n",
            "{\"ip\":\"192.0.2.1\"}",
            "{\"a\":{\"b\":[1,\"192.0.2.1\"]}}",
            "a\r\n192.0.2.1\n\r\n0\r\n\r\n",
        ] {
            assert_eq!(told(body), Some("192.0.2.1".parse().unwrap()), "{body}");
        }
        assert_eq!(told("hello"), None);
        assert_eq!(read_address("HTTP/1.1 500 No\r\n\r\n192.0.2.1"), None);
    }
}
