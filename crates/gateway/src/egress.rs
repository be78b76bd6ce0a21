//! Leaving: a connection from the leased address, or none.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt as options,
};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};

use crate::admit::Grant;
use crate::host;
use crate::refusal::Refusal;
use crate::resolve::Family;
use crate::table::Exit;

/// Which addresses may be left from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// Those that interfaces of this host have.
    #[default]
    Own,
    /// All that are routed to this host, whether an interface has them or not.
    Routed,
    /// Those that interfaces have, and of IPv6 all that are routed to this host: a whole prefix need
    /// not be configured address by address.
    RoutedV6,
}

/// The family of addresses that a name is asked for. Through an interface both could be reached;
/// the one that mobile networks always have is taken.
pub(crate) fn family(grant: &Grant) -> Family {
    match grant.exit() {
        Exit::Address(ip) => Family::of(*ip),
        Exit::Interface(_) => Family::V4,
    }
}

/// Connects to `to` from the exit of `grant`. A destination of another family than the exit is
/// refused; never is it reached from elsewhere.
///
/// `to` must be the very address that the policy has judged.
pub(crate) async fn dial(
    grant: &Grant,
    to: SocketAddr,
    binding: Binding,
) -> Result<TcpStream, Refusal> {
    let stream = begin(grant.exit(), to, binding)?;
    // What is said when a connection fails is an end of writing too, so that a connection that
    // has come about needs no further question.
    let ready = stream.ready(Interest::WRITABLE).await.map_err(|_| Refusal::Internal)?;
    if ready.is_write_closed() || ready.is_error() {
        let error = stream.take_error().ok().flatten();
        return Err(error.map_or(Refusal::ConnectionLost, |error| refusal(&error)));
    }
    Ok(stream)
}

fn begin(exit: &Exit, to: SocketAddr, binding: Binding) -> Result<TcpStream, Refusal> {
    let family = Family::of(to.ip());
    let from = source(exit, family)?;
    let socket = open(family, SocketType::STREAM)?;
    options::set_tcp_nodelay(&socket, true).map_err(|_| Refusal::Internal)?;
    // The port is chosen when the destination is known, so that an exit has all its ports for each
    // destination, not for all together.
    let no_port = setsockopt(&socket, sockopt::IpBindAddressNoPort, &true);
    no_port.map_err(|_| Refusal::ExitUnavailable)?;
    leave_from(&socket, exit, from, binding)?;
    match connect(&socket, &to) {
        Ok(()) | Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(refusal(&error.into())),
    }
    TcpStream::from_std(socket.into()).map_err(|_| Refusal::Internal)
}

/// A socket for datagrams at the exit of `grant`, and the family of addresses that it can send to.
pub(crate) fn datagrams(grant: &Grant, binding: Binding) -> Result<(UdpSocket, Family), Refusal> {
    let (exit, family) = (grant.exit(), family(grant));
    let from = source(exit, family)?;
    let socket = open(family, SocketType::DGRAM)?;
    // It gets its port now: whoever answers has to find one and the same, whatever the destination.
    leave_from(&socket, exit, from, binding)?;
    let socket = UdpSocket::from_std(socket.into()).map_err(|_| Refusal::Internal)?;
    Ok((socket, family))
}

/// The address to leave from: the lease's, or one that its interface has now.
///
/// An interface that has lost its address is no exit: the kernel would send from it with the address
/// of another one.
fn source(exit: &Exit, family: Family) -> Result<IpAddr, Refusal> {
    match exit {
        Exit::Address(ip) if Family::of(*ip) == family => Ok(*ip),
        Exit::Address(_) => Err(Refusal::FamilyUnavailable),
        Exit::Interface(name) => {
            let addresses = host::addresses_of(name).map_err(|_| Refusal::ExitUnavailable)?;
            let leads_out = |ip: &IpAddr| Family::of(*ip) == family && !is_link_local(*ip);
            addresses.into_iter().find(leads_out).ok_or(Refusal::ExitUnavailable)
        }
    }
}

/// Whether nobody beyond the next wire can answer an address. Those of IPv4 are often translated by
/// the next host.
fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Has a socket leave from an address, and through the interface that is the exit, or not at all.
fn leave_from(
    socket: &OwnedFd,
    exit: &Exit,
    from: IpAddr,
    binding: Binding,
) -> Result<(), Refusal> {
    match exit {
        Exit::Address(_) => free(socket, from, binding)?,
        Exit::Interface(name) => {
            let bound = SockRef::from(socket).bind_device(Some(name.as_bytes()));
            bound.map_err(|_| Refusal::ExitUnavailable)?;
        }
    }
    bind(socket, &SocketAddr::new(from, 0)).map_err(|_| Refusal::ExitUnavailable)
}

/// Lets a socket be bound to an address that no interface has, where that is told.
fn free(socket: &OwnedFd, ip: IpAddr, binding: Binding) -> Result<(), Refusal> {
    let free = match (binding, ip) {
        (Binding::Own, _) | (Binding::RoutedV6, IpAddr::V4(_)) => Ok(()),
        (Binding::Routed, IpAddr::V4(_)) => options::set_ip_freebind(socket, true),
        (Binding::Routed | Binding::RoutedV6, IpAddr::V6(_)) => {
            options::set_ipv6_freebind(socket, true)
        }
    };
    free.map_err(|_| Refusal::ExitUnavailable)
}

fn open(family: Family, kind: SocketType) -> Result<OwnedFd, Refusal> {
    let family = match family {
        Family::V4 => AddressFamily::INET,
        Family::V6 => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    // Without descriptors there is no exit either.
    socket_with(family, kind, flags, None).map_err(|_| Refusal::ExitUnavailable)
}

/// What an error of connecting means.
fn refusal(error: &io::Error) -> Refusal {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => Refusal::ConnectionRefused,
        Some(Errno::NETUNREACH | Errno::NETDOWN) => Refusal::NetworkUnreachable,
        Some(Errno::HOSTUNREACH | Errno::HOSTDOWN) => Refusal::HostUnreachable,
        Some(Errno::TIMEDOUT) => Refusal::ConnectTimeout,
        // The kernel's own rules have the last word.
        Some(Errno::ACCESS | Errno::PERM) => Refusal::DestinationNotAllowed,
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE | Errno::NODEV) => Refusal::ExitUnavailable,
        _ => Refusal::ConnectionLost,
    }
}
