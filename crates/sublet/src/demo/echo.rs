//! A destination for the demo: it says from which address it was asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Result;
use axum::{Extension, Router};
use serve::{Limits, Peer, Server};

/// Where it is, if nobody else is.
const PORT: u16 = 8090;

/// Starts it, on both families if this machine has both; says where it is on IPv4. It ends with the
/// program.
pub(crate) async fn start() -> Result<SocketAddr> {
    let v4 = listen(Ipv4Addr::LOCALHOST.into(), PORT).or_else(|_| listen_anywhere())?;
    // For exits of that family; without it, there are none.
    let _ = listen(Ipv6Addr::LOCALHOST.into(), v4.port());
    Ok(v4)
}

fn listen_anywhere() -> Result<SocketAddr> {
    listen(Ipv4Addr::LOCALHOST.into(), 0)
}

fn listen(ip: IpAddr, port: u16) -> Result<SocketAddr> {
    let listener = ::serve::bind(SocketAddr::new(ip, port))?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(seen);
    tokio::spawn(async move {
        let server = Server::new(Limits::default());
        server.run(listener, router, std::future::pending::<()>()).await
    });
    Ok(address)
}

async fn seen(Extension(Peer(from)): Extension<Peer>) -> String {
    format!("{{\"your_address\":\"{}\"}}\n", from.ip().to_canonical())
}
