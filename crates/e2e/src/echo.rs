//! A destination that says who has come and then sends everything back.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Who speaks HTTP speaks first; one in a tunnel waits to be told.
const FIRST_WORD: Duration = Duration::from_millis(300);

/// A destination. Who speaks HTTP is answered with his address, request after request.
#[derive(Clone, Debug)]
pub struct Echo {
    /// Where it is.
    pub address: SocketAddr,
    count: Arc<AtomicU64>,
}

impl Echo {
    /// One at `address`.
    ///
    /// # Panics
    ///
    /// If that is not an address of this machine.
    #[track_caller]
    pub fn at(address: &str) -> Echo {
        Echo::try_at(address).unwrap()
    }

    /// One at `address`, if that is an address of this machine.
    pub fn try_at(address: &str) -> io::Result<Echo> {
        Echo::waiting(address, FIRST_WORD)
    }

    /// One on loopback for those in tunnels alone: it says at once who has come.
    ///
    /// # Panics
    ///
    /// If there is no loopback.
    pub fn in_tunnels() -> Echo {
        Echo::waiting("127.0.0.1:0", Duration::ZERO).unwrap()
    }

    fn waiting(address: &str, first_word: Duration) -> io::Result<Echo> {
        let listener = TcpListener::bind(address)?;
        let echo = Echo { address: listener.local_addr()?, count: Arc::default() };
        let count = Arc::clone(&echo.count);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || serve(stream, first_word));
            }
        });
        Ok(echo)
    }

    /// How many connections have come.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }
}

/// Ends when the client has said all, or has gone.
fn serve(mut stream: TcpStream, first_word: Duration) -> Option<()> {
    let who = stream.peer_addr().ok()?.ip();
    let _ = stream.set_nodelay(true);
    let mut bytes = vec![0; 16 * 1024];
    let mut got = 0;
    if !first_word.is_zero() {
        stream.set_read_timeout(Some(first_word)).ok()?;
        match stream.read(&mut bytes) {
            Ok(0) => return None,
            Ok(count) if bytes[..count].starts_with(b"GET ") => {
                stream.set_read_timeout(None).ok()?;
                return answer(stream, who, bytes[..count].to_vec());
            }
            Ok(count) => got = count,
            Err(_) => {}
        }
        stream.set_read_timeout(None).ok()?;
    }
    stream.write_all(format!("{who}\n").as_bytes()).ok()?;
    loop {
        stream.write_all(&bytes[..got]).ok()?;
        got = stream.read(&mut bytes).ok()?;
        if got == 0 {
            return stream.shutdown(Shutdown::Write).ok();
        }
    }
}

/// Answers requests, one after another.
fn answer(mut stream: TcpStream, who: IpAddr, mut heard: Vec<u8>) -> Option<()> {
    let who = who.to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{who}", who.len());
    loop {
        while let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") {
            heard.drain(..end + 4);
            stream.write_all(answer.as_bytes()).ok()?;
        }
        let mut bytes = [0; 4096];
        match stream.read(&mut bytes).ok()? {
            0 => return None,
            count => heard.extend_from_slice(&bytes[..count]),
        }
    }
}
