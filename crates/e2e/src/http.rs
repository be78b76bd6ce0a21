//! A small blocking HTTP/1.1 client that can also misbehave: it sends exactly the bytes it is told,
//! holds some back, and leaves when it should not.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take before the test is taken to hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, before it becomes bytes.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, target: &str) -> Request {
        Request { method: method.into(), target: target.into(), headers: vec![], body: None }
    }

    /// A reading one.
    pub fn get(target: &str) -> Request {
        Request::new("GET", target)
    }

    /// One with a JSON body.
    pub fn post(target: &str, body: &Value) -> Request {
        Request::new("POST", target)
            .header("Content-Type", "application/json")
            .body(body.to_string().as_bytes())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body; its length is sent along.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Request {
        self.body = Some(body.into());
        self
    }

    /// What goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it on a connection of its own and waits for the answer.
    #[track_caller]
    pub fn send(&self, to: SocketAddr) -> Answer {
        let mut connection = Connection::open(to);
        connection.send(&self.bytes()).unwrap();
        match connection.answer_to(&self.method) {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {} {}: {error}", self.method, self.target),
        }
    }
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The headers in the order in which they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, its transfer coding undone.
    pub body: Vec<u8>,
    /// The statuses below 200 that came before.
    pub interim: Vec<u16>,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {} {}", self.status, self.text()),
        }
    }

    /// The body of a call that succeeded.
    #[track_caller]
    pub fn ok(&self) -> Value {
        let body = self.json();
        assert!(self.status == 200 && body["success"] == true, "{} {body}", self.status);
        body
    }

    /// The number of the error of a call that was refused, or 0 where it succeeded.
    #[track_caller]
    pub fn code(&self) -> i64 {
        let body = self.json();
        match body["success"].as_bool() {
            Some(true) => 0,
            Some(false) => body["error"]["code"].as_i64().unwrap(),
            None => panic!("neither success nor failure: {} {body}", self.status),
        }
    }

    /// Whether it says of itself that it is the answer to an earlier request.
    pub fn is_replayed(&self) -> bool {
        self.header("Idempotency-Replayed") == Some("true")
    }
}

/// An amount of an answer in minor units. Money is never made a float on the way.
#[track_caller]
pub fn cents(amount: &Value) -> i64 {
    let text = match amount {
        Value::String(text) => text.clone(),
        number => number.to_string(),
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    assert!(part.len() <= 2, "more than two decimals: {text}");
    format!("{whole}{part:0<2}").parse().unwrap_or_else(|_| panic!("no amount: {text}"))
}

/// A connection that does what it is told.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// What was read and not yet used.
    ahead: Vec<u8>,
}

impl Connection {
    /// Connects.
    #[track_caller]
    pub fn open(to: SocketAddr) -> Connection {
        Connection::connect(to).unwrap()
    }

    /// Connects, if somebody listens.
    pub fn connect(to: SocketAddr) -> io::Result<Connection> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream, ahead: vec![] })
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads the answer to a request that was not a HEAD.
    pub fn answer(&mut self) -> io::Result<Answer> {
        self.answer_to("POST")
    }

    /// Reads the answer to a request of this method.
    pub fn answer_to(&mut self, method: &str) -> io::Result<Answer> {
        let mut interim = vec![];
        loop {
            let (status, headers) = self.head()?;
            if (100..200).contains(&status) {
                interim.push(status);
                continue;
            }
            let mut answer = Answer { status, headers, body: vec![], interim };
            if method == "HEAD" || status == 204 || status == 304 {
                return Ok(answer);
            }
            answer.body =
                match (answer.header("transfer-encoding"), answer.header("content-length")) {
                    (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => {
                        self.chunks()?
                    }
                    (None, Some(length)) => self.exactly(length.parse().map_err(bad)?)?,
                    (None, None) => self.rest()?,
                    _ => return Err(bad("two framing headers, or a coding that is not ours")),
                };
            return Ok(answer);
        }
    }

    fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).ok_or_else(|| bad(format!("no status: {first}")))?;
        let status = status.parse().map_err(bad)?;
        let mut headers = vec![];
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("no colon in a header"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = vec![];
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16).map_err(bad)?;
            body.extend(self.exactly(size)?);
            if !self.line()?.is_empty() {
                return Err(bad("a chunk is longer than it said, or has trailers"));
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.ahead.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.ahead.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).map_err(bad);
            }
            self.fill()?;
        }
    }

    fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < count {
            self.fill()?;
        }
        Ok(self.ahead.drain(..count).collect())
    }

    /// Everything up to the end of the connection.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.ahead);
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.ahead.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }

    /// Whether the server closes within `patience`, sending nothing more.
    pub fn is_closed_within(&mut self, patience: Duration) -> bool {
        self.stream.set_read_timeout(Some(patience)).unwrap();
        let closed = match self.stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.ahead.is_empty() && closed
    }

    /// Closes in good order: the server reads an end of file.
    pub fn close(self) {
        drop(self);
    }

    /// Closes the sending half only.
    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes rudely: the server is sent a reset.
    pub fn reset(self) {
        rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }
}

fn bad(what: impl std::fmt::Display) -> io::Error {
    io::Error::other(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answered_with(bytes: &'static [u8]) -> io::Result<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap());
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(bytes).unwrap();
        drop(peer);
        connection.answer()
    }

    #[test]
    fn answers_are_read_in_every_framing() {
        for bytes in [
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".as_slice(),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nhello",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ] {
            assert_eq!(answered_with(bytes).unwrap().text(), "hello");
        }
        assert!(answered_with(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").is_err());
    }

    #[test]
    fn amounts_are_read_to_the_cent() {
        for (json, minor) in
            [("7.18", 718), ("5", 500), ("8.3", 830), ("-0.01", -1), ("\"1.50\"", 150)]
        {
            assert_eq!(cents(&serde_json::from_str(json).unwrap()), minor);
        }
    }
}
