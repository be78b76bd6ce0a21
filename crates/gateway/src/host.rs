//! The machine that the gateway is on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use socket2::{Domain, Protocol, Socket, Type};

/// The addresses that interfaces of this machine have now.
pub fn addresses() -> io::Result<Vec<IpAddr>> {
    Ok(getifaddrs()?.filter_map(|interface| ip(&interface)).collect())
}

/// The addresses that the interface of this name has now, none if there is no such interface.
pub fn addresses_of(name: &str) -> io::Result<Vec<IpAddr>> {
    let its = getifaddrs()?.filter(|interface| interface.interface_name == name);
    Ok(its.filter_map(|interface| ip(&interface)).collect())
}

fn ip(interface: &InterfaceAddress) -> Option<IpAddr> {
    let address = interface.address.as_ref()?;
    let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
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
        assert!(addresses_of("lo").unwrap().contains(&Ipv4Addr::LOCALHOST.into()));
        assert!(addresses_of("no such interface").unwrap().is_empty());
        assert!(everywhere().is_unspecified());
    }
}
