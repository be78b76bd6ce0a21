use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel keeps for us until we accept them. It caps this itself, on Linux at
/// `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Listens on `address`, for [`Server::run`](crate::Server::run).
///
/// The address of a server that has just stopped can be used at once. On an IPv6 wildcard address
/// IPv4 is served too, where the system's settings are the usual ones.
///
/// # Panics
///
/// Outside a Tokio runtime.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    listen(address).map_err(|source| BindError { address, source })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", reason(.source))]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => "the address is in use by another process".to_owned(),
        ErrorKind::AddrNotAvailable => "this machine does not have the address".to_owned(),
        ErrorKind::PermissionDenied => {
            "permission denied, which is usual for ports below 1024".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_in_use_is_named() {
        let first = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = first.local_addr().unwrap();

        let error = bind(address).unwrap_err();

        assert_eq!(
            error.to_string(),
            format!("cannot listen on {address}: the address is in use by another process")
        );
    }

    #[tokio::test]
    async fn an_address_of_somebody_else_is_named() {
        let error = bind(([192, 0, 2, 1], 0).into()).unwrap_err();

        assert_eq!(
            error.to_string(),
            "cannot listen on 192.0.2.1:0: this machine does not have the address"
        );
    }
}
