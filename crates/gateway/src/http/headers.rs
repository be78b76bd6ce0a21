//! Fields that mean something to a proxy, and those that end at it.

use httparse::Header;

use super::head::trim;

/// What a field is to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: it is passed on as it is.
    Plain,
    /// The host; rewritten from the target.
    Host,
    /// The length of the body; rebuilt.
    ContentLength,
    /// How the body is coded; rebuilt.
    TransferEncoding,
    /// What is said to the next hop only.
    Connection,
    /// The same in old words.
    ProxyConnection,
    /// Another protocol is wished for.
    Upgrade,
    /// The body waits for a word.
    Expect,
    /// The customer's credentials.
    ProxyAuthorization,
    /// For this hop only, or about who asks through which proxies.
    Private,
}

impl Kind {
    /// The kind of a request's field.
    pub(crate) fn of_request(name: &str) -> Kind {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            2 if is("TE") => Kind::Private,
            3 if is("Via") => Kind::Private,
            4 if is("Host") => Kind::Host,
            6 if is("Expect") => Kind::Expect,
            7 if is("Upgrade") => Kind::Upgrade,
            9 if is("Forwarded") || is("X-Real-IP") => Kind::Private,
            10 if is("Connection") => Kind::Connection,
            10 if is("Keep-Alive") => Kind::Private,
            14 if is("Content-Length") => Kind::ContentLength,
            14 if is("HTTP2-Settings") => Kind::Private,
            16 if is("Proxy-Connection") => Kind::ProxyConnection,
            17 if is("Transfer-Encoding") => Kind::TransferEncoding,
            19 if is("Proxy-Authorization") => Kind::ProxyAuthorization,
            6.. if starts_with(name, "Proxy-") || starts_with(name, "X-Forwarded") => Kind::Private,
            _ => Kind::Plain,
        }
    }

    /// The kind of a response's field. What the destination says about its own proxies is the
    /// client's to read.
    pub(crate) fn of_response(name: &str) -> Kind {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            2 if is("TE") => Kind::Private,
            7 if is("Upgrade") => Kind::Upgrade,
            10 if is("Connection") => Kind::Connection,
            10 if is("Keep-Alive") => Kind::Private,
            14 if is("Content-Length") => Kind::ContentLength,
            16 if is("Proxy-Connection") => Kind::ProxyConnection,
            17 if is("Transfer-Encoding") => Kind::TransferEncoding,
            6.. if starts_with(name, "Proxy-") => Kind::Private,
            _ => Kind::Plain,
        }
    }
}

fn starts_with(name: &str, start: &str) -> bool {
    name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// How many fields a `Connection` may name beside the usual options.
const NOMINATED_MAX: usize = 16;

/// Fields that are meant for everybody on the way. Who has one removed by naming it in
/// `Connection` changes what the request means behind the proxy.
const NEVER_NOMINATED: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "content-range",
    "range",
    "authorization",
    "proxy-authorization",
    "cookie",
    "expect",
    "cache-control",
    "origin",
    "referer",
    "location",
    "set-cookie",
    "www-authenticate",
];

fn is_everybodys(name: &[u8]) -> bool {
    NEVER_NOMINATED.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes()))
}

/// What the `Connection` fields of one message say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<'b> {
    /// The sender closes after this message.
    pub(crate) close: bool,
    /// The sender keeps the connection, and says so.
    pub(crate) keep_alive: bool,
    /// `Upgrade` is meant.
    pub(crate) upgrade: bool,
    nominated: [&'b [u8]; NOMINATED_MAX],
    count: usize,
}

/// A `Connection` field that is not a list of tokens, names too many fields, or names one that is
/// not the sender's to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadConnection;

impl<'b> Options<'b> {
    /// Reads one field more.
    pub(crate) fn read(&mut self, value: &'b [u8]) -> Result<(), BadConnection> {
        for option in value.split(|byte| *byte == b',') {
            let option = trim(option);
            if option.is_empty() {
                continue;
            }
            let is = |other: &str| option.eq_ignore_ascii_case(other.as_bytes());
            if is("close") {
                self.close = true;
            } else if is("keep-alive") {
                self.keep_alive = true;
            } else if is("upgrade") {
                self.upgrade = true;
            } else if option.iter().all(|byte| is_token(*byte)) {
                *self.nominated.get_mut(self.count).ok_or(BadConnection)? = option;
                self.count += 1;
            } else {
                return Err(BadConnection);
            }
        }
        Ok(())
    }

    /// Reads what an old client says to a proxy: only whether the connection is kept.
    pub(crate) fn read_proxy_connection(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',') {
            let option = trim(option);
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether a field is named that is everybody's.
    pub(crate) fn nominates_what_is_everybodys(&self) -> bool {
        self.iter().any(is_everybodys)
    }

    /// Whether the field is named, and the sender's to remove.
    pub(crate) fn nominates(&self, name: &str) -> bool {
        let named = |option: &[u8]| option.eq_ignore_ascii_case(name.as_bytes());
        self.iter().any(|option| named(option) && !is_everybodys(option))
    }

    /// Whether any field is named.
    pub(crate) fn nominates_any(&self) -> bool {
        self.count > 0
    }

    fn iter(&self) -> impl Iterator<Item = &'b [u8]> {
        self.nominated.get(..self.count).unwrap_or_default().iter().copied()
    }
}

/// Whether the byte may stand in a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Writes a field as it came.
pub(crate) fn write_field(out: &mut Vec<u8>, field: &Header<'_>) {
    out.extend_from_slice(field.name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(field.value);
    out.extend_from_slice(b"\r\n");
}

/// Fields that do not belong behind a body, because they decide how the message is read, who sends
/// it, or what is done with it before it ends (RFC 9110, section 6.5.1).
const NEVER_TRAILERS: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "content-range",
    "content-location",
    "trailer",
    "te",
    "connection",
    "keep-alive",
    "upgrade",
    "expect",
    "range",
    "max-forwards",
    "authorization",
    "www-authenticate",
    "authentication-info",
    "cookie",
    "set-cookie",
    "cache-control",
    "location",
    "via",
    "forwarded",
    "x-real-ip",
    "http2-settings",
];

/// Whether a field behind a body is passed on.
pub(crate) fn is_trailer(name: &str) -> bool {
    !NEVER_TRAILERS.iter().any(|never| name.eq_ignore_ascii_case(never))
        && !starts_with(name, "Proxy-")
        && !starts_with(name, "X-Forwarded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_this_hop_are_known_in_any_case() {
        for name in [
            "Via",
            "via",
            "FORWARDED",
            "x-forwarded-for",
            "X-Forwarded-Anything",
            "X-Forwarded",
            "X-Real-IP",
            "Keep-Alive",
            "TE",
            "Proxy-Authenticate",
            "proxy-anything",
            "Proxy-",
            "HTTP2-Settings",
            "Proxy-Authentication-Info",
        ] {
            assert_eq!(Kind::of_request(name), Kind::Private, "{name}");
        }
        for name in ["Viaduct", "X-Forward", "Proxy", "Cookie", "X-Real-IPs", "Trailer", ""] {
            assert_eq!(Kind::of_request(name), Kind::Plain, "{name}");
        }
        assert_eq!(Kind::of_response("Via"), Kind::Plain);
        assert_eq!(Kind::of_response("proxy-authenticate"), Kind::Private);
    }

    #[test]
    fn options_are_tokens_in_a_list() {
        let mut options = Options::default();
        options.read(b" close ,, Keep-Alive,\tX-One").unwrap();
        options.read(b"x-two").unwrap();
        assert!(options.close && options.keep_alive && !options.upgrade);
        assert!(options.nominates("X-ONE") && options.nominates("X-Two"));
        assert!(!options.nominates("close") && !options.nominates("X"));
        assert_eq!(options.read(b"a b"), Err(BadConnection));
        assert_eq!(options.read(b"\"close\""), Err(BadConnection));
        assert_eq!(options.read("x,".repeat(17).as_bytes()), Err(BadConnection));
        for name in NEVER_NOMINATED {
            let mut options = Options::default();
            let name = name.to_uppercase();
            options.read(name.as_bytes()).unwrap();
            assert!(options.nominates_what_is_everybodys(), "{name}");
        }
    }
}
