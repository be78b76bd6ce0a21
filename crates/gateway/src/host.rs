//! The machine that the gateway is on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use socket2::{Domain, Protocol, Socket, Type};

/// The addresses that interfaces of this machine have now.
pub fn addresses() -> io::Result<Vec<IpAddr>> {
    let of_interfaces = getifaddrs()?.filter_map(|interface| interface.address);
    let ip = |address: nix::sys::socket::SockaddrStorage| {
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    };
    Ok(of_interfaces.filter_map(ip).collect())
}

/// The address to listen on that is all addresses of this machine, of both families if it has both.
pub fn everywhere() -> IpAddr {
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP));
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let has_both = socket.and_then(|socket| {
        socket.set_only_v6(false)?;
        socket.bind(&any.into())
    });
    match has_both {
        Ok(()) => Ipv6Addr::UNSPECIFIED.into(),
        Err(_) => Ipv4Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_an_address_of_every_machine() {
        assert!(addresses().unwrap().contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(everywhere().is_unspecified());
    }
}
