//! One response: judged, and written for the client.

use std::io::Write as _;

use super::framing::{Framing, Length};
use super::head::{FIELDS_MAX, ResponseHead, Version};
use super::headers::{Kind, Options, write_field};
use super::request::{Asked, write_length};
use crate::refusal::Refusal;

/// A response that means one thing.
#[derive(Debug)]
pub struct Response<'h, 'b> {
    head: ResponseHead<'h, 'b>,
    kinds: [Kind; FIELDS_MAX],
    options: Options<'b>,
    framing: Framing,
    length: Length,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Another head: this one was on the way to it.
    Head,
    /// The other protocol.
    Protocol,
    /// The body.
    Body(Length),
}

impl<'h, 'b> Response<'h, 'b> {
    /// Judges a head as the answer to what was asked.
    pub fn judge(head: ResponseHead<'h, 'b>, asked: &Asked) -> Result<Self, Refusal> {
        let mut kinds = [Kind::Plain; FIELDS_MAX];
        let mut options = Options::default();
        let mut framing = Framing::default();
        let mut upgrade = None;
        for (field, kind) in head.fields.iter().zip(&mut kinds) {
            *kind = Kind::of_response(field.name);
            match *kind {
                Kind::ContentLength => framing.read_length(field.value).map_err(bad)?,
                Kind::TransferEncoding => framing.read_coding(field.value).map_err(bad)?,
                Kind::Connection => options.read(field.value).map_err(bad)?,
                Kind::ProxyConnection => options.read_proxy_connection(field.value),
                Kind::Upgrade => upgrade = Some(field.value),
                _ => {}
            }
        }
        let length = framing.of_response(head.version, head.status, asked.is_head).map_err(bad)?;
        match head.status {
            // The destination may not ask for the customer's credentials with the gateway.
            407 => return Err(Refusal::BadResponse),
            101 => {
                let agreed = upgrade.is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"));
                if !asked.upgrades || !agreed || !options.upgrade {
                    return Err(Refusal::BadResponse);
                }
            }
            _ => {}
        }
        Ok(Response { head, kinds, options, framing, length })
    }

    /// What follows.
    pub fn follows(&self) -> Follows {
        match self.head.status {
            101 => Follows::Protocol,
            100..200 => Follows::Head,
            _ => Follows::Body(self.length),
        }
    }

    /// Whether the client is to see it. One that waits for nothing need not be told to go on, and
    /// an old one would take what comes before the response for the response.
    pub fn is_for(&self, asked: &Asked) -> bool {
        match self.head.status {
            100 => asked.expects,
            102..200 => asked.version == Version::Http11,
            _ => true,
        }
    }

    /// Whether the destination keeps the connection behind the body.
    pub fn keeps(&self) -> bool {
        let framed = self.length != Length::UntilClose;
        let modern = self.head.version == Version::Http11;
        framed && !self.options.close && (modern || self.options.keep_alive)
    }

    /// Whether trailers are passed on.
    pub fn trailers(&self) -> bool {
        !self.options.nominates_any()
    }

    /// Writes the head as the client gets it. `keeps` says whether the client may send another
    /// request behind it.
    pub fn write(&self, asked: &Asked, keeps: bool, out: &mut Vec<u8>) {
        let Response { head, options, .. } = self;
        // Writing to memory does not fail.
        let _ = write!(out, "HTTP/1.1 {} {}\r\n", head.status, head.reason);
        let mut framed = false;
        for (field, kind) in head.fields.iter().zip(&self.kinds) {
            match kind {
                Kind::Plain if !options.nominates(field.name) => write_field(out, field),
                Kind::ContentLength | Kind::TransferEncoding if !framed => {
                    framed = true;
                    self.write_framing(asked, out);
                }
                _ => {}
            }
        }
        out.extend_from_slice(match head.status {
            101 => b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".as_slice(),
            100..200 => b"\r\n",
            _ if !keeps => b"Connection: close\r\n\r\n",
            _ if asked.version == Version::Http10 => b"Connection: keep-alive\r\n\r\n",
            _ => b"\r\n",
        });
    }

    fn write_framing(&self, asked: &Asked, out: &mut Vec<u8>) {
        let length = match (self.length, self.head.status) {
            // The length that a body would have, if there were one.
            (Length::Empty, 304 | 200..=203 | 205..) => {
                self.framing.content_length().map_or(Length::Empty, Length::Sized)
            }
            (Length::Chunked, _) if asked.version == Version::Http10 => Length::UntilClose,
            (length, _) => length,
        };
        write_length(length, out);
    }
}

fn bad<E>(_: E) -> Refusal {
    Refusal::BadResponse
}

#[cfg(test)]
mod tests {
    use super::super::head::{read_response, slots};
    use super::*;

    const GET: Asked = Asked {
        version: Version::Http11,
        keeps: true,
        is_head: false,
        is_repeatable: true,
        expects: false,
        upgrades: false,
        length: Length::Empty,
        trailers: true,
    };
    const HEAD: Asked = Asked { is_head: true, ..GET };
    const OLD: Asked = Asked { version: Version::Http10, ..GET };
    const UPGRADE: Asked = Asked { upgrades: true, ..GET };

    fn translate(head: &str, asked: &Asked) -> Result<(String, Follows), Refusal> {
        let mut slots = slots();
        let head = head.replace('\n', "\r\n") + "\r\n\r\n";
        let head = read_response(head.as_bytes(), &mut slots).map_err(bad)?;
        let response = Response::judge(head, asked)?;
        let mut out = Vec::new();
        response.write(asked, response.keeps(), &mut out);
        let out = String::from_utf8(out).unwrap().replace("\r\n", "\n");
        Ok((out.trim_end().to_owned(), response.follows()))
    }

    #[track_caller]
    fn check(head: &str, asked: &Asked, expected: &str, follows: Follows) {
        assert_eq!(translate(head, asked).unwrap(), (expected.to_owned(), follows));
    }

    #[test]
    fn what_is_between_two_hops_stays_there() {
        check(
            "HTTP/1.1 200 OK\nServer: a\nConnection: keep-alive, X-Hop\nX-Hop: 1\nVia: 1.1 cdn\n\
             Keep-Alive: timeout=5\nProxy-Authenticate: Basic\nContent-Length: 5\nSet-Cookie: a=b",
            &GET,
            "HTTP/1.1 200 OK\nServer: a\nVia: 1.1 cdn\nContent-Length: 5\nSet-Cookie: a=b",
            Follows::Body(Length::Sized(5)),
        );
        // Some servers name what they may not; it stays.
        check(
            "HTTP/1.1 200 OK\nConnection: Transfer-Encoding, Set-Cookie\nSet-Cookie: a\n\
             Transfer-Encoding: chunked",
            &GET,
            "HTTP/1.1 200 OK\nSet-Cookie: a\nTransfer-Encoding: chunked",
            Follows::Body(Length::Chunked),
        );
    }

    #[test]
    fn bodies_end_as_the_client_understands() {
        check(
            "HTTP/1.0 200 OK",
            &GET,
            "HTTP/1.1 200 OK\nConnection: close",
            Follows::Body(Length::UntilClose),
        );
        check(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
            &OLD,
            "HTTP/1.1 200 OK\nConnection: keep-alive",
            Follows::Body(Length::Chunked),
        );
        check(
            "HTTP/1.1 200 OK\nContent-Length: 9",
            &HEAD,
            "HTTP/1.1 200 OK\nContent-Length: 9",
            Follows::Body(Length::Empty),
        );
        check(
            "HTTP/1.1 304 Not Modified\nContent-Length: 9",
            &GET,
            "HTTP/1.1 304 Not Modified\nContent-Length: 9",
            Follows::Body(Length::Empty),
        );
        check(
            "HTTP/1.1 204 No Content\nContent-Length: 9",
            &GET,
            "HTTP/1.1 204 No Content",
            Follows::Body(Length::Empty),
        );
        check(
            "HTTP/1.1 204 No Content\nTransfer-Encoding: chunked",
            &GET,
            "HTTP/1.1 204 No Content",
            Follows::Body(Length::Empty),
        );
    }

    #[test]
    fn responses_that_mean_two_things_are_refused() {
        for head in [
            "HTTP/1.1 200 OK\nContent-Length: 5\nTransfer-Encoding: chunked",
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Length: 5",
            "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6",
            "HTTP/1.1 200 OK\nContent-Length: 5, 5",
            "HTTP/1.1 200 OK\nContent-Length: +5",
            "HTTP/1.1 200 OK\nContent-Length:",
            "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked",
            "HTTP/1.0 200 OK\nTransfer-Encoding: chunked",
            "HTTP/1.1 407 No\nContent-Length: 0",
            "HTTP/1.1 101 Switching\nUpgrade: websocket\nConnection: Upgrade",
            "HTTP/1.1 200 OK\nConnection: a b",
            "HTTP/2.0 200 OK",
            "HTTP/1.1 99 Low",
            "200 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 200 OK\nA : b",
            "HTTP/1.1 200 OK\n a",
            "HTTP/1.1 20a OK",
            "HTTP/1.1 200\tOK",
        ] {
            assert_eq!(translate(head, &GET).err(), Some(Refusal::BadResponse), "{head}");
        }
    }

    #[test]
    fn only_what_was_wished_for_takes_over() {
        check(
            "HTTP/1.1 101 Switching\nConnection: Upgrade\nUpgrade: WebSocket\nContent-Length: 5",
            &UPGRADE,
            "HTTP/1.1 101 Switching\nConnection: Upgrade\nUpgrade: websocket",
            Follows::Protocol,
        );
        for head in [
            "HTTP/1.1 101 S\nConnection: Upgrade\nUpgrade: h2c",
            "HTTP/1.1 101 S\nConnection: Upgrade",
            "HTTP/1.1 101 S\nUpgrade: websocket",
        ] {
            assert!(translate(head, &UPGRADE).is_err(), "{head}");
        }
    }
}
