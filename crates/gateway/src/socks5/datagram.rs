//! What stands before the payload of a datagram between a client and the gateway (RFC 1928,
//! section 7).

use std::net::SocketAddr;

use super::address;
use crate::refusal::Refusal;
use crate::target::Target;

/// Two reserved bytes and the number of a fragment.
const BEFORE_ADDRESS: [u8; 3] = [0, 0, 0];
/// The most bytes that stand before a payload to a client.
pub(super) const HEAD_MAX: usize = BEFORE_ADDRESS.len() + address::LENGTH_MAX;

/// Where a datagram of a client is to go, and its payload.
///
/// Fragments are not put together, which RFC 1928 leaves open: nobody sends them, and to keep them
/// would take memory for whoever does.
pub fn parse(bytes: &[u8]) -> Result<(Target, &[u8]), Refusal> {
    let Some(([_, _, fragment], rest)) = bytes.split_first_chunk() else {
        return Err(Refusal::Malformed);
    };
    if *fragment != 0 {
        return Err(Refusal::CommandNotSupported);
    }
    let (host, port, payload) = address::parse(rest)?.ok_or(Refusal::Malformed)?;
    Ok((Target::new(host?, port)?, payload))
}

/// Writes what stands before a payload that came from `source`, so that it ends where `room` ends;
/// says where it begins. The room must be for [`HEAD_MAX`] bytes.
pub(super) fn write_head(source: SocketAddr, room: &mut [u8]) -> usize {
    let mut head = [0; HEAD_MAX];
    let before = BEFORE_ADDRESS.len();
    let length = before + address::write(source, &mut head[before..]);
    let at = room.len() - length;
    room[at..].copy_from_slice(&head[..length]);
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<(&str, &[u8]), Refusal>) {
        let found = parse(bytes).map(|(target, payload)| (target.to_string(), payload));
        assert_eq!(found, expected.map(|(target, payload)| (target.to_owned(), payload)));
    }

    #[test]
    fn where_it_goes_and_what_it_says_are_told_apart() {
        check(b"\0\0\0\x01\xc0\0\x02\x01\0\x35hello", Ok(("192.0.2.1:53", b"hello")));
        check(b"\0\0\0\x03\x0bexample.com\x01\xbb", Ok(("example.com:443", b"")));
        check(
            b"\0\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x35x",
            Ok(("[2001:db8::1]:53", b"x")),
        );
    }

    #[test]
    fn everything_else_goes_nowhere() {
        check(b"\0\0\x01\x01\xc0\0\x02\x01\0\x35hello", Err(Refusal::CommandNotSupported));
        check(b"\0\0\x80\x01\xc0\0\x02\x01\0\x35hello", Err(Refusal::CommandNotSupported));
        check(b"\0\0\0\x02\xc0\0\x02\x01\0\x35hello", Err(Refusal::AddressTypeNotSupported));
        check(b"\0\0\0\x01\xc0\0\x02\x01\0\0hello", Err(Refusal::BadTarget));
        check(b"\0\0\0\x03\x03a b\0\x35", Err(Refusal::BadTarget));
        check(b"\0\0\0\x03\0\0\x35", Err(Refusal::BadTarget));
        let whole = b"\0\0\0\x01\xc0\0\x02\x01\0\x35";
        for cut in 0..whole.len() {
            check(&whole[..cut], Err(Refusal::Malformed));
        }
    }

    #[test]
    fn a_head_that_is_written_can_be_read() {
        for source in ["192.0.2.7:53", "[2001:db8::7]:65535"] {
            let mut bytes = [0xaa; HEAD_MAX + 2];
            let at = write_head(source.parse().unwrap(), &mut bytes[..HEAD_MAX]);
            check(&bytes[at..], Ok((source, b"\xaa\xaa")));
        }
    }
}
