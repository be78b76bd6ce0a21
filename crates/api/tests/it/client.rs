//! A client that minds every byte.
#![expect(clippy::unwrap_used, reason = "test helpers may fail loudly")]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More than anything takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let of_name = |line: &&str| line.split(':').next() == Some(name);
        let line = self.head.lines().find(of_name)?;
        line.split_once(": ").map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The number of the error, if there is one.
    pub(crate) fn code(&self) -> Option<u64> {
        self.json()["error"]["code"].as_u64()
    }

    #[track_caller]
    pub(crate) fn is_ok(&self) -> Value {
        let json = self.json();
        assert_eq!((self.status, &json["success"]), (200, &Value::Bool(true)), "{self:?}");
        assert!(json["error"].is_null(), "{self:?}");
        json
    }

    pub(crate) fn is_replayed(&self) -> bool {
        self.header("idempotency-replayed") == Some("true")
    }
}

/// A connection.
pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Client {
        let stream = timeout(PATIENCE, TcpStream::connect(address)).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = self.stream.write_all(bytes.as_ref());
        timeout(PATIENCE, sent).await.unwrap().unwrap();
    }

    /// Sends what a server that has had enough may not take.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.stream.read_u8()).await.unwrap();
            head.push(
                byte.unwrap_or_else(|_| panic!("closed: {}", String::from_utf8_lossy(&head))),
            );
        }
        String::from_utf8(head).unwrap()
    }

    /// The next answer; `bodiless` for one to a HEAD.
    pub(crate) async fn answer_to(&mut self, bodiless: bool) -> Answer {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        if bodiless {
            return answer;
        }
        let bytes = match answer.header("content-length") {
            Some(length) => self.exactly(length.parse().unwrap()).await,
            None if answer.header("transfer-encoding") == Some("chunked") => self.chunks().await,
            None => self.rest().await,
        };
        answer.body = String::from_utf8(bytes).unwrap();
        answer
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to(false).await
    }

    async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(PATIENCE, self.stream.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut whole = Vec::new();
        loop {
            let mut size = String::new();
            while !size.ends_with("\r\n") {
                size.push(char::from(self.exactly(1).await[0]));
            }
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            whole.extend(self.exactly(size).await);
            self.exactly(2).await;
            if size == 0 {
                return whole;
            }
        }
    }

    /// Whatever comes until the server closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.unwrap();
        rest
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// A POST with a JSON body.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
}
