//! What a client wants, and the reply.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::caller::Read;
use crate::refusal::Refusal;
use crate::target::{Host, Target};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;

const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Read<Result<Target, Refusal>> {
    match parse(bytes) {
        Ok(Some((target, used))) => Read::Done(Ok(target), used),
        Ok(None) => Read::More,
        Err(refusal) => Read::Done(Err(refusal), bytes.len()),
    }
}

/// The target of a request, and the length of the request; nothing as long as it is not complete.
pub fn parse(bytes: &[u8]) -> Result<Option<(Target, usize)>, Refusal> {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let kind = match *head {
        [VERSION, CONNECT, 0, kind] => kind,
        [VERSION, _, 0, _] => return Err(Refusal::CommandNotSupported),
        _ => return Err(Refusal::Malformed),
    };
    let address = match kind {
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
    let host = host.ok_or(Refusal::BadTarget)?;
    let target = Target::new(host, u16::from_be_bytes(*port))?;
    Ok(Some((target, bytes.len() - rest.len())))
}

/// A reply with this code. The address in it is nobody's: which one a connection leaves from is
/// no secret, but no client needs it either.
pub(super) fn reply(code: u8) -> [u8; 10] {
    [VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(bytes: &[u8]) -> Option<Result<String, Refusal>> {
        match read(bytes) {
            Read::More => None,
            Read::Done(Err(refusal), _) => Some(Err(refusal)),
            Read::Done(Ok(target), used) => {
                Some(Ok(format!("{}:{} {used}", target.host(), target.port())))
            }
        }
    }

    #[test]
    fn a_request_is_read_however_it_arrives() {
        let requests: [(&[u8], &str); 3] = [
            (b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbbrest", "192.0.2.1:443 10"),
            (b"\x05\x01\x00\x03\x0bexample.com\x00\x50rest", "example.com:80 18"),
            (
                b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50rest",
                "[2001:db8::1]:80 22",
            ),
        ];
        for (bytes, expected) in requests {
            let whole = bytes.len() - 4;
            for cut in 0..whole {
                assert_eq!(read_text(&bytes[..cut]), None, "{expected} {cut}");
            }
            assert_eq!(read_text(bytes), Some(Ok(expected.to_owned())));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let requests: [(&[u8], Refusal); 9] = [
            (b"\x04\x01\x00\x01\x7f\0\0\x01\0\x50", Refusal::Malformed),
            (b"\x05\x01\x01\x01\x7f\0\0\x01\0\x50", Refusal::Malformed),
            (b"\x05\x02\x00\x01", Refusal::CommandNotSupported),
            (b"\x05\x03\x00\x01", Refusal::CommandNotSupported),
            (b"\x05\x00\x00\x01", Refusal::CommandNotSupported),
            (b"\x05\x01\x00\x02", Refusal::AddressTypeNotSupported),
            (b"\x05\x01\x00\x03\x00\x00\x50", Refusal::BadTarget),
            (b"\x05\x01\x00\x03\x03a b\x00\x50", Refusal::BadTarget),
            (b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x00", Refusal::BadTarget),
        ];
        for (bytes, refusal) in requests {
            assert_eq!(read_text(bytes), Some(Err(refusal)), "{bytes:?}");
        }
    }
}
