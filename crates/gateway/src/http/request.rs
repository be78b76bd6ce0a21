//! One request: judged, and written for the destination.

use std::io::Write as _;

use super::framing::{Framing, Length};
use super::head::{FIELDS_MAX, RequestHead, Version};
use super::headers::{Kind, Options, write_field};
use crate::refusal::Refusal;
use crate::target::Target;

/// The port of `http://`.
const HTTP_PORT: u16 = 80;
/// The only protocol that a connection is handed over to.
const WEBSOCKET: &[u8] = b"websocket";

/// A request that means one thing.
#[derive(Debug)]
pub struct Request<'h, 'b> {
    head: RequestHead<'h, 'b>,
    kinds: [Kind; FIELDS_MAX],
    options: Options<'b>,
    length: Length,
    credentials: Option<&'b [u8]>,
    expects: bool,
    upgrades: bool,
}

/// Where a request goes, and how it says so there.
#[derive(Debug)]
pub struct Destination<'b> {
    /// Where to connect to.
    pub target: Target,
    authority: &'b str,
    /// Path and query; a query may stand without a path.
    path: &'b str,
}

/// What has to be remembered of a request until its response has been passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The version that the client speaks.
    pub version: Version,
    /// The client keeps the connection.
    pub keeps: bool,
    /// The method is HEAD: the response has no body.
    pub is_head: bool,
    /// May be sent again if the first try met a connection that had gone.
    pub is_repeatable: bool,
    /// The client waits for `100 Continue`.
    pub expects: bool,
    /// The client wishes to go on with WebSocket.
    pub upgrades: bool,
    /// The body.
    pub length: Length,
    /// Trailers of the body are passed on.
    pub trailers: bool,
}

impl<'h, 'b> Request<'h, 'b> {
    /// Judges a head.
    pub fn judge(head: RequestHead<'h, 'b>) -> Result<Request<'h, 'b>, Refusal> {
        let mut kinds = [Kind::Plain; FIELDS_MAX];
        let mut options = Options::default();
        let mut framing = Framing::default();
        let (mut host, mut credentials, mut upgrade) = (None, None, None);
        let mut expects = false;
        for (field, kind) in head.fields.iter().zip(&mut kinds) {
            *kind = Kind::of_request(field.name);
            let value = field.value;
            match *kind {
                Kind::Plain | Kind::Private => {}
                Kind::Host => once(&mut host, value)?,
                Kind::ProxyAuthorization => once(&mut credentials, value)?,
                Kind::Upgrade => once(&mut upgrade, value)?,
                Kind::ContentLength => framing.read_length(value).map_err(malformed)?,
                Kind::TransferEncoding => framing.read_coding(value).map_err(malformed)?,
                Kind::Connection => options.read(value).map_err(malformed)?,
                Kind::ProxyConnection => options.read_proxy_connection(value),
                Kind::Expect if value.eq_ignore_ascii_case(b"100-continue") => expects = true,
                Kind::Expect => return Err(Refusal::ExpectationFailed),
            }
        }
        let length = framing.of_request(head.version).map_err(malformed)?;
        check_host(&head, host)?;
        check_method(head.method, length)?;
        if options.nominates_what_is_everybodys() {
            return Err(Refusal::Malformed);
        }
        let modern = head.version == Version::Http11;
        let upgrades = modern
            && options.upgrade
            && length == Length::Empty
            && upgrade.is_some_and(|wish: &[u8]| wish.eq_ignore_ascii_case(WEBSOCKET));
        // Who has no body has nothing to wait for, and an old client does not know the word.
        let expects = expects && modern && length != Length::Empty;
        Ok(Request { head, kinds, options, length, credentials, expects, upgrades })
    }

    /// The value of `Proxy-Authorization`.
    pub fn credentials(&self) -> Option<&'b [u8]> {
        self.credentials
    }

    /// Whether a tunnel is asked for.
    pub fn is_connect(&self) -> bool {
        self.head.method == "CONNECT"
    }

    /// Where a tunnel is asked to: host and port, both told.
    pub fn connect_target(&self) -> Result<Target, Refusal> {
        Target::from_authority(self.head.target.as_bytes(), None)
    }

    /// Where the request goes: `http://host[:port][/path][?query]`, nothing else. `ws` is the same
    /// scheme for clients who begin a WebSocket like any other request.
    pub fn destination(&self) -> Result<Destination<'b>, Refusal> {
        let target = self.head.target;
        let behind = |scheme: &str| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        };
        let rest = behind("http://").or_else(|| behind("ws://")).ok_or(Refusal::BadTarget)?;
        if rest.contains('#') {
            return Err(Refusal::BadTarget);
        }
        let (authority, path) =
            rest.find(['/', '?']).and_then(|end| rest.split_at_checked(end)).unwrap_or((rest, ""));
        let target = Target::from_authority(authority.as_bytes(), Some(HTTP_PORT))?;
        Ok(Destination { target, authority, path })
    }

    /// What has to be remembered.
    pub fn asked(&self) -> Asked {
        let Request { head, options, length, .. } = self;
        let keeps = !options.close && (head.version == Version::Http11 || options.keep_alive);
        let is_idempotent = matches!(head.method, "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE");
        Asked {
            version: head.version,
            keeps,
            is_head: head.method == "HEAD",
            is_repeatable: is_idempotent && matches!(length, Length::Empty | Length::Sized(0)),
            expects: self.expects,
            upgrades: self.upgrades,
            length: *length,
            trailers: !options.nominates_any(),
        }
    }

    /// Writes the head as the destination gets it: HTTP/1.1, in origin form, one `Host`, at most
    /// one field that says where the body ends, and nothing that is not its business.
    pub fn write(&self, destination: &Destination<'_>, out: &mut Vec<u8>) {
        let Request { head, options, .. } = self;
        out.extend_from_slice(head.method.as_bytes());
        out.push(b' ');
        match destination.path.as_bytes() {
            [] if head.method == "OPTIONS" => out.push(b'*'),
            [b'/', ..] => {}
            _ => out.push(b'/'),
        }
        out.extend_from_slice(destination.path.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if !self.kinds.contains(&Kind::Host) {
            write_host(destination, out);
        }
        let (mut framed, mut connected) = (false, false);
        for (field, kind) in head.fields.iter().zip(&self.kinds) {
            match kind {
                Kind::Plain if !options.nominates(field.name) => write_field(out, field),
                Kind::Host => write_host(destination, out),
                Kind::ContentLength | Kind::TransferEncoding if !framed => {
                    framed = true;
                    write_length(self.length, out);
                }
                Kind::Connection | Kind::ProxyConnection if !connected => {
                    connected = true;
                    out.extend_from_slice(self.connection().as_bytes());
                }
                Kind::Upgrade if self.upgrades => {
                    out.extend_from_slice(b"Upgrade: websocket\r\n");
                }
                Kind::Expect if self.expects => {
                    out.extend_from_slice(b"Expect: 100-continue\r\n");
                }
                _ => {}
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// What the client would say to the destination if there were no proxy.
    fn connection(&self) -> &'static str {
        if self.upgrades {
            "Connection: Upgrade\r\n"
        } else if self.options.close {
            "Connection: close\r\n"
        } else if self.options.keep_alive {
            "Connection: keep-alive\r\n"
        } else {
            ""
        }
    }
}

/// Writes the one field that says where a body ends.
pub(crate) fn write_length(length: Length, out: &mut Vec<u8>) {
    match length {
        Length::Sized(length) => {
            // Writing to memory does not fail.
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        Length::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Length::Empty | Length::UntilClose => {}
    }
}

fn write_host(destination: &Destination<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Host: ");
    out.extend_from_slice(destination.authority.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Keeps a value that may be there once.
fn once<'b>(kept: &mut Option<&'b [u8]>, value: &'b [u8]) -> Result<(), Refusal> {
    if kept.replace(value).is_some() { Err(Refusal::Malformed) } else { Ok(()) }
}

fn malformed<E>(_: E) -> Refusal {
    Refusal::Malformed
}

/// `Host` is not what decides, but who leaves it out or writes nonsense may mean something else
/// to the next reader.
fn check_host(head: &RequestHead<'_, '_>, host: Option<&[u8]>) -> Result<(), Refusal> {
    match host {
        None if head.version == Version::Http11 => Err(Refusal::Malformed),
        None => Ok(()),
        Some(host) => match Target::from_authority(host, Some(HTTP_PORT)) {
            Ok(_) => Ok(()),
            Err(_) => Err(Refusal::Malformed),
        },
    }
}

/// TRACE echoes what it gets, and a tunnel has no body before it is open. Small letters are
/// another method to us and might be the same to a server.
fn check_method(method: &str, length: Length) -> Result<(), Refusal> {
    let is = |other: &str| method.eq_ignore_ascii_case(other);
    // The grammar allows `G#T`; nobody has such a method, and somebody stumbles over it.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !method.bytes().all(plain) {
        return Err(Refusal::Malformed);
    }
    if is("TRACE") || is("TRACK") || is("CONNECT") && method != "CONNECT" {
        return Err(Refusal::MethodNotAllowed);
    }
    if is("CONNECT") && !matches!(length, Length::Empty | Length::Sized(0)) {
        return Err(Refusal::Malformed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::head::{read_request, slots};
    use super::*;

    fn translate(head: &str) -> Result<(String, Asked), Refusal> {
        let mut slots = slots();
        let request = Request::judge(read_request(head.as_bytes(), &mut slots)?)?;
        let mut out = Vec::new();
        request.write(&request.destination()?, &mut out);
        Ok((String::from_utf8(out).unwrap(), request.asked()))
    }

    #[track_caller]
    fn check(head: &str, expected: &str) {
        let (found, _) =
            translate(&format!("{head}\r\n\r\n").replace('\n', "\r\n").replace("\r\r\n", "\r\n"))
                .unwrap();
        assert_eq!(found.replace("\r\n", "\n").trim_end(), expected);
    }

    #[track_caller]
    fn refuse(head: &str, expected: Refusal) {
        assert_eq!(translate(head).err(), Some(expected), "{head:?}");
    }

    #[test]
    fn the_destination_sees_a_client_without_a_proxy() {
        check(
            "GET http://host.example/x?y HTTP/1.1\nUser-Agent: a\nHost: other.example\n\
             Proxy-Authorization: Basic eDp5\nVia: 1.1 me\nX-Forwarded-For: 10.0.0.1\n\
             Forwarded: for=10.0.0.1\nX-Real-IP: 10.0.0.1\nProxy-Connection: keep-alive\n\
             Cookie: a=b\nKeep-Alive: 5\nTE: trailers\nX-A:  b ",
            "GET /x?y HTTP/1.1\nUser-Agent: a\nHost: host.example\nConnection: keep-alive\n\
             Cookie: a=b\nX-A: b",
        );
        check("GET http://h.example HTTP/1.0", "GET / HTTP/1.1\nHost: h.example");
        check("GET HTTP://h.example:8080?q HTTP/1.0", "GET /?q HTTP/1.1\nHost: h.example:8080");
        check("OPTIONS http://h.example HTTP/1.0", "OPTIONS * HTTP/1.1\nHost: h.example");
        check("OPTIONS http://h.example/ HTTP/1.0", "OPTIONS / HTTP/1.1\nHost: h.example");
        check(
            "GET http://h.example/ HTTP/1.1\nHost: h.example\nConnection: close, X-Mine\nX-mine: 1",
            "GET / HTTP/1.1\nHost: h.example\nConnection: close",
        );
    }

    #[test]
    fn one_field_says_where_the_body_ends() {
        check(
            "POST http://h.example/ HTTP/1.1\nHost: h.example\nContent-Length: 007\ncontent-length: 7",
            "POST / HTTP/1.1\nHost: h.example\nContent-Length: 7",
        );
        check(
            "GET http://h.example/ HTTP/1.1\nHost: h.example\nTransfer-Encoding: CHUNKED",
            "GET / HTTP/1.1\nHost: h.example\nTransfer-Encoding: chunked",
        );
    }

    #[test]
    fn only_websocket_takes_a_connection_over() {
        check(
            "GET http://h.example/ HTTP/1.1\nHost: h.example\nUpgrade: WebSocket\n\
             Connection: Upgrade",
            "GET / HTTP/1.1\nHost: h.example\nUpgrade: websocket\nConnection: Upgrade",
        );
        check(
            "GET WS://h.example:8080/chat HTTP/1.1\nHost: h.example:8080\nUpgrade: websocket\n\
             Connection: Upgrade",
            "GET /chat HTTP/1.1\nHost: h.example:8080\nUpgrade: websocket\nConnection: Upgrade",
        );
        for field in [
            "Upgrade: h2c\nConnection: Upgrade, HTTP2-Settings\nHTTP2-Settings: A",
            "Upgrade: websocket",
            "Upgrade: websocket, h2c\nConnection: upgrade",
        ] {
            let head = format!("GET http://h.example/ HTTP/1.1\nHost: h.example\n{field}");
            check(&head, "GET / HTTP/1.1\nHost: h.example");
        }
    }

    #[test]
    fn targets_of_other_kinds_are_refused() {
        for target in [
            "/x",
            "*",
            "h.example:80",
            "https://h.example/",
            "ftp://h.example/",
            "wss://h.example/",
            "ws:/h.example/",
            "http:/h.example/",
            "http://",
            "http:///x",
            "http://user@h.example/",
            "http://u:p@h.example/",
            "http://h.example:/",
            "http://h.example:0/",
            "http://h.example:65616/",
            "http://h.example/#a",
            "http://127.1/",
            "http://a%2eb/",
            "http://[::1%25lo]/",
            "http://h.example\\@i.example/",
            "//h.example/",
        ] {
            refuse(&format!("GET {target} HTTP/1.0\r\n\r\n"), Refusal::BadTarget);
        }
    }

    #[test]
    fn requests_that_mean_two_things_are_refused() {
        for fields in [
            "",
            "Host: a.example\r\nHost: a.example\r\n",
            "Host:\r\n",
            "Host: a, b\r\n",
            "Host: a b\r\n",
            "Host: u@a\r\n",
            "Host: a.example\r\nContent-Length: 1\r\n\
             Transfer-Encoding: chunked\r\n",
            "Host: a.example\r\nConnection: host\r\n",
            "Host: a.example\r\nConnection: close, content-length\r\n",
            "Host: a.example\r\nConnection: Proxy-Authorization\r\n",
            "Host: a.example\r\nProxy-Authorization: a\r\nproxy-authorization: a\r\n",
            "Host: a.example\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n",
        ] {
            let head = format!("GET http://a.example/ HTTP/1.1\r\n{fields}\r\n");
            refuse(&head, Refusal::Malformed);
        }
        let head = "GET http://a.example/ HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n";
        refuse(head, Refusal::ExpectationFailed);
    }

    #[test]
    fn some_methods_are_nobodys() {
        for method in ["G#T", "GET!", "G'T", "G.T"] {
            let head = format!("{method} http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n");
            refuse(&head, Refusal::Malformed);
        }
        for method in ["TRACE", "trace", "TRACK", "connect", "Connect"] {
            let head = format!("{method} http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n");
            refuse(&head, Refusal::MethodNotAllowed);
        }
    }

    #[test]
    fn a_connection_is_kept_as_each_version_has_it() {
        for (head, keeps) in [
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false),
            ("GET http://a/ HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n", false),
            ("GET http://a/ HTTP/1.0\r\n\r\n", false),
            ("GET http://a/ HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n", true),
        ] {
            assert_eq!(translate(head).unwrap().1.keeps, keeps, "{head:?}");
        }
    }
}
