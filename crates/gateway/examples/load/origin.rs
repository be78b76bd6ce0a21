//! The destination: as many bytes as a request asks for.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const CHUNK: u64 = 256 * 1024;
const HEAD_MAX: usize = 64 * 1024;

/// Serves for ever. `GET /N` gets N bytes.
pub(crate) async fn serve(address: SocketAddr) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener: TcpListener = socket.listen(4096)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // A client that breaks off has its reasons.
        tokio::task::spawn_local(async move { talk(stream).await.ok() });
    }
}

async fn talk(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let chunk = vec![b'x'; usize::try_from(CHUNK).unwrap_or_default()];
    let mut heard: Vec<u8> = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = heard.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if heard.len() > HEAD_MAX || stream.read_buf(&mut heard).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
        heard.drain(..end);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let mut left: u64 =
            path.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let closes = head.contains("\r\nconnection: close");
        let tail = if closes { "Connection: close\r\n" } else { "" };
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n{tail}\r\n").into_bytes();
        // What is short goes in one piece with its head.
        if left <= 4096 {
            answer.resize(answer.len() + usize::try_from(left).unwrap_or_default(), b'x');
            left = 0;
        }
        stream.write_all(&answer).await?;
        while left > 0 {
            let most = usize::try_from(left.min(CHUNK)).unwrap_or_default();
            left -= u64::try_from(stream.write(&chunk[..most]).await?).unwrap_or_default();
        }
        if closes {
            return stream.shutdown().await;
        }
    }
}
