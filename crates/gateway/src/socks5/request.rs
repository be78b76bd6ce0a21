//! What a client wants, and the reply.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::address;
use crate::caller::Read;
use crate::refusal::Refusal;
use crate::target::{Host, Target};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const ASSOCIATE: u8 = 3;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a request lives on the stack")]
pub enum Request {
    /// A connection.
    Connect(Target),
    /// A place to send datagrams to. The client may say where it will send them from; what it
    /// does not know is zero.
    Associate(SocketAddr),
}

/// Where somebody sends from who does not say.
const UNSAID: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Read<Result<Request, Refusal>> {
    match parse(bytes) {
        Ok(Some((request, used))) => Read::Done(Ok(request), used),
        Ok(None) => Read::More,
        Err(refusal) => Read::Done(Err(refusal), bytes.len()),
    }
}

/// A request, and its length; nothing as long as it is not complete.
pub fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let Some(([version, command, reserved], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    // A command is refused when a whole head has come, and not sooner: who writes byte by byte is
    // to read the same answer.
    if rest.is_empty() {
        return Ok(None);
    }
    if (*version, *reserved) != (VERSION, 0) {
        return Err(Refusal::Malformed);
    }
    if ![CONNECT, ASSOCIATE].contains(command) {
        return Err(Refusal::CommandNotSupported);
    }
    let Some((host, port, rest)) = address::parse(rest)? else { return Ok(None) };
    let request = match *command {
        CONNECT => Request::Connect(Target::new(host?, port)?),
        // A name, or what is none, says nothing about where datagrams will come from.
        _ => Request::Associate(match host {
            Ok(Host::Address(ip)) => SocketAddr::new(ip.to_canonical(), port),
            _ => UNSAID,
        }),
    };
    Ok(Some((request, bytes.len() - rest.len())))
}

/// A reply with this code. The address in it is nobody's: which one a connection leaves from is
/// no secret, but no client needs it either.
pub(super) fn reply(code: u8) -> [u8; 10] {
    let mut bytes = [0; 10];
    write_reply(code, UNSAID, &mut bytes);
    bytes
}

/// The most bytes that a reply takes.
pub(super) const REPLY_MAX: usize = 3 + address::LENGTH_MAX;

/// Writes a reply with an address to the front of `bytes`, and says how long it is.
pub(super) fn write_reply(code: u8, address: SocketAddr, bytes: &mut [u8]) -> usize {
    bytes[..3].copy_from_slice(&[VERSION, code, 0]);
    3 + address::write(address, &mut bytes[3..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(bytes: &[u8]) -> Option<Result<String, Refusal>> {
        match read(bytes) {
            Read::More => None,
            Read::Done(Err(refusal), _) => Some(Err(refusal)),
            Read::Done(Ok(Request::Connect(target)), used) => Some(Ok(format!("{target} {used}"))),
            Read::Done(Ok(Request::Associate(from)), used) => {
                Some(Ok(format!("from {from} {used}")))
            }
        }
    }

    #[test]
    fn a_request_is_read_however_it_arrives() {
        let requests: [(&[u8], &str); 6] = [
            (b"\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00rest", "from 0.0.0.0:0 10"),
            (b"\x05\x03\x00\x01\xc0\x00\x02\x01\x01\xbbrest", "from 192.0.2.1:443 10"),
            (b"\x05\x03\x00\x03\x01a\x01\xbbrest", "from 0.0.0.0:0 8"),
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
            (b"\x05\x03\x00\x02", Refusal::AddressTypeNotSupported),
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
