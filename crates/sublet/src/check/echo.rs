//! Those on this machine who say which address they see, for shops in which nothing is real.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::target::Target;

/// Those on this machine who say which address they see. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Echoes {
    v4: SocketAddr,
    v6: Option<SocketAddr>,
    tasks: Vec<AbortHandle>,
}

impl Echoes {
    /// Begins to listen on loopback.
    pub(crate) async fn start() -> std::io::Result<Echoes> {
        let mut tasks = Vec::new();
        let v4 = listen(Ipv4Addr::LOCALHOST.into(), &mut tasks).await?;
        let v6 = listen(Ipv6Addr::LOCALHOST.into(), &mut tasks).await.ok();
        Ok(Echoes { v4, v6, tasks })
    }

    /// The one whom this exit can reach.
    pub(crate) fn target(&self, exit: Option<IpAddr>) -> Target {
        let v6 = self.v6.filter(|_| exit.is_some_and(|exit| exit.is_ipv6()));
        Target::at(v6.unwrap_or(self.v4))
    }
}

impl Drop for Echoes {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn listen(ip: IpAddr, tasks: &mut Vec<AbortHandle>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((ip, 0)).await?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(async move {
        loop {
            if let Ok((stream, from)) = listener.accept().await {
                tokio::spawn(answer(stream, from.ip()));
            }
        }
    });
    tasks.push(task.abort_handle());
    Ok(address)
}

/// Answers whatever is asked. Who does not ask is waited for by nobody for long.
async fn answer(mut stream: TcpStream, from: IpAddr) -> std::io::Result<()> {
    let ask = stream.read_u8();
    let patience = std::time::Duration::from_secs(10);
    tokio::time::timeout(patience, ask).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    let said = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}\n", from.to_canonical());
    stream.write_all(said.as_bytes()).await?;
    stream.shutdown().await?;
    // Closed with something unread, it would be taken back.
    let mut rest = [0; 1024];
    while tokio::time::timeout(patience, stream.read(&mut rest))
        .await
        .is_ok_and(|read| read.is_ok_and(|count| count > 0))
    {}
    Ok(())
}
