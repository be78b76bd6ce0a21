//! Listeners: one socket for each thread, between which the kernel spreads connections.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Which listener of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub(crate) u64);

/// Which protocols a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Both: the first byte of a connection tells which.
    Both,
    /// HTTP alone.
    Http,
    /// SOCKS5 alone.
    Socks5,
    /// Both, inside TLS alone. Where HTTP is spoken, TLS is understood too, as soon as there is a
    /// certificate.
    Tls,
}

/// Connections that wait to be accepted, for each thread.
pub(crate) const BACKLOG: i32 = 4096;

/// So many sockets that listen on one address. Port 0 is chosen once for all.
///
/// Sockets that share a port with those of another process would be given a part of its
/// connections, unnoticed; so that nobody else listens there is looked at first.
pub(crate) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let probe = socket(address)?;
    probe.bind(&address.into())?;
    drop(probe);
    join(address, count)
}

/// So many sockets that listen on one address beside those that do already, which are ours.
pub(crate) fn join(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let mut address = address;
    let mut listeners = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = socket(address)?;
        socket.set_reuse_port(true)?;
        // What is accepted inherits it.
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    Ok(socket)
}
