//! A load of HTTP requests on loopback: as little of the client's own cost as possible, because
//! client and server share the same cores.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load did.
pub(super) struct Load {
    /// Answers per second.
    pub(super) per_second: f64,
    /// How long each answer took, in milliseconds, ascending.
    pub(super) millis: Vec<f64>,
}

impl Load {
    /// The time within which this share of the answers came, in milliseconds.
    pub(super) fn within(&self, share: f64) -> f64 {
        let last = self.millis.len().saturating_sub(1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let index = (last as f64 * share) as usize;
        self.millis.get(index).copied().unwrap_or(0.0)
    }
}

/// Makes the bytes of the next request of a connection.
pub(super) type MakeRequest = Arc<dyn Fn(&mut super::data::Dice, &mut Vec<u8>) + Send + Sync>;

/// Sends requests over `connections` kept-alive connections to these servers for `time`, each its
/// next one when the last was answered. Every answer must be 200 and hold `expected`.
pub(super) async fn run(
    to: &[SocketAddr],
    connections: usize,
    time: Duration,
    expected: &'static str,
    make: MakeRequest,
) -> Result<Load> {
    let started = Instant::now();
    let tasks: Vec<_> = to
        .iter()
        .cycle()
        .take(connections)
        .map(|to| {
            let (to, make) = (*to, make.clone());
            tokio::spawn(async move { connection(to, started + time, expected, make).await })
        })
        .collect();
    let mut millis = Vec::new();
    for task in tasks {
        millis.extend(task.await??);
    }
    let per_second = millis.len() as f64 / started.elapsed().as_secs_f64();
    millis.sort_by(f64::total_cmp);
    Ok(Load { per_second, millis })
}

async fn connection(
    to: SocketAddr,
    until: Instant,
    expected: &'static str,
    make: MakeRequest,
) -> Result<Vec<f64>> {
    let mut client = Client::connect(to).await?;
    let mut dice = super::data::Dice::new();
    let (mut request, mut millis) = (Vec::new(), Vec::new());
    while Instant::now() < until {
        request.clear();
        make(&mut dice, &mut request);
        let sent = Instant::now();
        let answer = client.ask(&request).await?;
        millis.push(sent.elapsed().as_secs_f64() * 1e3);
        if !answer.starts_with("HTTP/1.1 200") || !answer.contains(expected) {
            bail!("an unexpected answer: {answer}");
        }
    }
    Ok(millis)
}

/// A connection that is kept alive.
pub(super) struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(to: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, answer: vec![0; 64 * 1024] })
    }

    /// The answer to a request, whole, with its head.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<&str> {
        self.stream.write_all(request).await?;
        let length = read_answer(&mut self.stream, &mut self.answer).await?;
        std::str::from_utf8(&self.answer[..length]).context("the answer is no text")
    }
}

/// Reads one answer whole; says how long it is.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            buffer.resize(buffer.len() * 2, 0);
        }
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        let head_end = buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let Some(head_end) = head_end else { continue };
        let head = std::str::from_utf8(&buffer[..head_end])?.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .context("an answer without a length")?;
        let whole = head_end + 4 + length.trim().parse::<usize>()?;
        if filled >= whole {
            return Ok(whole);
        }
    }
}
