//! Addresses as SOCKS5 writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::refusal::Refusal;
use crate::target::Host;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// An address and its port, and what follows; nothing as long as it is not complete.
///
/// A host that is none is told apart, because it matters to some and not to others.
pub(super) type Parsed<'a> = (Result<Host, Refusal>, u16, &'a [u8]);

/// Reads an address from the byte on that says which kind it is.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Parsed<'_>>, Refusal> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(None) };
    let address = match *kind {
        IPV4 => rest
            .split_first_chunk()
            .map(|(octets, rest)| (Some(Host::Address(IpAddr::V4(Ipv4Addr::from(*octets)))), rest)),
        IPV6 => rest
            .split_first_chunk()
            .map(|(octets, rest)| (Some(Host::Address(IpAddr::V6(Ipv6Addr::from(*octets)))), rest)),
        NAME => rest.split_first().and_then(|(length, rest)| {
            let (name, rest) = rest.split_at_checked(usize::from(*length))?;
            Some((Host::alone(name), rest))
        }),
        _ => return Err(Refusal::AddressTypeNotSupported),
    };
    let Some((host, rest)) = address else { return Ok(None) };
    let Some((port, rest)) = rest.split_first_chunk() else { return Ok(None) };
    Ok(Some((host.ok_or(Refusal::BadTarget), u16::from_be_bytes(*port), rest)))
}

/// The most bytes that an address and its port take, with the kind of it.
pub(super) const LENGTH_MAX: usize = 1 + 16 + 2;

/// Writes an address to the front of `bytes`, and says how many of them it takes: at most
/// [`LENGTH_MAX`], which must be there.
pub(super) fn write(address: SocketAddr, bytes: &mut [u8]) -> usize {
    let mut at = 0;
    let mut put = |part: &[u8]| {
        bytes[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    };
    match address.ip() {
        IpAddr::V4(ip) => {
            put(&[IPV4]);
            put(&ip.octets());
        }
        IpAddr::V6(ip) => {
            put(&[IPV6]);
            put(&ip.octets());
        }
    }
    put(&address.port().to_be_bytes());
    at
}
