//! Where a client wants to go: a host and a port, read so strictly that one text means one thing.
//!
//! Programs disagree about `127.1`, `0x7f.1`, `2130706433` and `0177.0.0.1`: some take them for
//! names, some for the address 127.0.0.1. Here a host whose last label is a number is an address
//! in its usual form or it is refused, so that what is judged is what is connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::refusal::Refusal;

/// The longest name in its written form (RFC 1035 allows 255 octets on the wire).
const NAME_MAX: usize = 253;
/// The longest label.
const LABEL_MAX: usize = 63;

/// A host name in lower case without a dot at its end, kept in place.
#[derive(Clone)]
pub struct Name {
    length: u8,
    bytes: [u8; NAME_MAX],
}

impl Name {
    /// Reads a name: letters, digits, `-` and `_` in labels of 1 to 63 characters, at most 253 in
    /// all, with or without a dot at the end. `None` for everything else, and for numbers.
    pub fn new(text: &[u8]) -> Option<Name> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        let length = u8::try_from(text.len()).ok()?;
        let mut bytes = [0; NAME_MAX];
        let kept = bytes.get_mut(..text.len())?;
        let mut label = 0;
        for (kept, byte) in kept.iter_mut().zip(text) {
            *kept = byte.to_ascii_lowercase();
            match byte {
                b'.' if label == 0 => return None,
                b'.' => label = 0,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' if label < LABEL_MAX => {
                    label += 1;
                }
                _ => return None,
            }
        }
        let name = Name { length, bytes };
        (label > 0 && !is_number(name.last_label())).then_some(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length.into()).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The part behind the last dot: the whole name, if it has none.
    pub fn last_label(&self) -> &str {
        let name = self.as_str();
        name.rsplit_once('.').map_or(name, |(_, last)| last)
    }
}

/// Whether programs take this last label for a number, and with it the whole host for an address.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x");
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A host: an address, which is never asked of DNS, or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
// A name is kept in place so that a request needs no memory of its own.
#[expect(clippy::large_enum_variant, reason = "a host lives on the stack")]
pub enum Host {
    /// A numeric address.
    Address(IpAddr),
    /// A name for DNS.
    Name(Name),
}

impl Host {
    /// Reads a host as it stands in a URI: an IPv6 address is in brackets and has no zone.
    pub fn in_uri(text: &[u8]) -> Option<Host> {
        if let Some(rest) = text.strip_prefix(b"[") {
            let inner = std::str::from_utf8(rest.strip_suffix(b"]")?).ok()?;
            return inner.parse::<Ipv6Addr>().ok().map(|address| Host::Address(address.into()));
        }
        Host::bare_v4_or_name(text)
    }

    /// Reads a host where nothing else can follow it, as in a SOCKS request: an IPv6 address
    /// needs no brackets.
    pub fn alone(text: &[u8]) -> Option<Host> {
        if text.contains(&b':') && !text.starts_with(b"[") {
            let text = std::str::from_utf8(text).ok()?;
            return text.parse::<Ipv6Addr>().ok().map(|address| Host::Address(address.into()));
        }
        Host::in_uri(text)
    }

    fn bare_v4_or_name(text: &[u8]) -> Option<Host> {
        // An address in its usual form starts with a digit, and so do few names.
        if text.first().is_some_and(u8::is_ascii_digit)
            && let Ok(text) = std::str::from_utf8(text)
            && let Ok(address) = text.parse::<Ipv4Addr>()
        {
            return Some(Host::Address(address.into()));
        }
        Name::new(text).map(Host::Name)
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        Host::Address(address)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(IpAddr::V4(address)) => address.fmt(f),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Name(name) => name.fmt(f),
        }
    }
}

/// Where a client wants to go. The port is never 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: Host,
    port: u16,
}

impl Target {
    /// A target; port 0 is none.
    pub fn new(host: Host, port: u16) -> Result<Target, Refusal> {
        if port == 0 { Err(Refusal::BadTarget) } else { Ok(Target { host, port }) }
    }

    /// Reads `host:port`, as CONNECT has it. Without `default` the port must be there.
    ///
    /// A port is 1 to 65535 in plain digits: `+80`, `080`, `0x50` and `65616` would be another
    /// port to another reader. User names and zones of IPv6 addresses have no place here.
    pub fn from_authority(text: &[u8], default: Option<u16>) -> Result<Target, Refusal> {
        let (host, port) = split(text).ok_or(Refusal::BadTarget)?;
        let host = Host::in_uri(host).ok_or(Refusal::BadTarget)?;
        let port = match port {
            Some(digits) => read_port(digits),
            None => default,
        };
        Target::new(host, port.ok_or(Refusal::BadTarget)?)
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, 1 to 65535.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The host with its brackets, and the text behind the colon.
fn split(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let host_end = if text.starts_with(b"[") {
        text.iter().position(|byte| *byte == b']')? + 1
    } else {
        text.iter().position(|byte| *byte == b':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at_checked(host_end)?;
    match rest {
        [] => Some((host, None)),
        [b':', port @ ..] => Some((host, Some(port))),
        _ => None,
    }
}

fn read_port(digits: &[u8]) -> Option<u16> {
    let plain = (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    if !plain || digits.starts_with(b"0") {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: &str, expected: &str) {
        let target = Target::from_authority(authority.as_bytes(), None).unwrap();
        assert_eq!(target.to_string(), expected);
    }

    #[track_caller]
    fn refuse(authority: &[u8]) {
        let found = Target::from_authority(authority, None);
        assert_eq!(found, Err(Refusal::BadTarget), "{}", authority.escape_ascii());
    }

    #[test]
    fn usual_targets_are_read() {
        check("example.com:443", "example.com:443");
        check("EXAMPLE.com.:80", "example.com:80");
        check("a_b.r3---sn-x.example:1", "a_b.r3---sn-x.example:1");
        check("192.0.2.7:65535", "192.0.2.7:65535");
        check("[2001:DB8::0:1]:80", "[2001:db8::1]:80");
        check("[::ffff:192.0.2.7]:80", "[::ffff:192.0.2.7]:80");
        check("0x7f.example:80", "0x7f.example:80");
        check("xn--bcher-kva.example:80", "xn--bcher-kva.example:80");
        check("1.2.3.4.example:80", "1.2.3.4.example:80");
        let long = format!("{0}.{0}.{0}.{1}:80", "a".repeat(63), "b".repeat(61));
        check(&long, &long);
    }

    #[test]
    fn spellings_of_numbers_are_no_names() {
        for host in [
            "127.1",
            "127.0.1",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0x7f000001",
            "0x7f.0.0.1",
            "0X7F.1",
            "127.0.0.0x1",
            "127.0.0.01",
            "01.2.3.4",
            "1.2.3.256",
            "1.2.3.4.5",
            "127.0.0.1.",
            "127.0.0.1..",
            "1.2.3",
            "0",
            "0x",
            "00",
            "a.0x7f",
            "a.1",
            "0xffffffff",
            "4294967296",
            "127.0.0.08",
            "::1",
            "[127.0.0.1]",
        ] {
            refuse(format!("{host}:80").as_bytes());
        }
    }

    #[test]
    fn what_is_no_host_name_is_refused() {
        for host in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a\tb",
            "a\rb",
            "a\nb",
            "a\0b",
            "a/b",
            "a\\b",
            "a%2eb",
            "%31",
            "a@b",
            "user:pw@a",
            "a?b",
            "a#b",
            "b\u{fc}cher",
            "\u{ff11}27.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "[::1",
            "::1]",
            "[]",
            "[::1%25lo]",
            "[::1%lo]",
            "[fe80::1%1]",
            "[v1.a]",
            "[::1]x",
            "[::1]]",
            "[[::1]]",
            "a*b",
            "a,b",
            "'a'",
            "\"a\"",
        ] {
            refuse(format!("{host}:80").as_bytes());
        }
        refuse(b"a\x80b:80");
        refuse(b"\xff:80");
        refuse(format!("{}:80", "a".repeat(64)).as_bytes());
        refuse(format!("{0}.{0}.{0}.{0}:80", "a".repeat(63)).as_bytes());
    }

    #[test]
    fn a_port_is_plain_digits() {
        for port in [
            "",
            "0",
            "00",
            "080",
            "65536",
            "65561",
            "4294967321",
            "4294967376",
            "-1",
            "+80",
            "0x19",
            "025",
            " 80",
            "80 ",
            "8 0",
            "80,81",
            "80/",
            "1e2",
            "18446744073709551641",
        ] {
            refuse(format!("example.com:{port}").as_bytes());
            refuse(format!("[2001:db8::1]:{port}").as_bytes());
        }
        refuse(b"example.com");
        refuse(b"example.com:80:80");
    }

    #[test]
    fn a_default_stands_in_for_a_port_that_is_missing_only() {
        let target = Target::from_authority(b"example.com", Some(80)).unwrap();
        assert_eq!(target.to_string(), "example.com:80");
        assert_eq!(Target::from_authority(b"example.com:", Some(80)), Err(Refusal::BadTarget));
    }

    #[test]
    fn a_host_alone_may_be_a_bare_address() {
        let read = |text: &str| Host::alone(text.as_bytes()).map(|host| host.to_string());
        assert_eq!(read("::1").as_deref(), Some("[::1]"));
        assert_eq!(read("[::1]").as_deref(), Some("[::1]"));
        assert_eq!(read("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("Example.com").as_deref(), Some("example.com"));
        for text in ["", "127.1", "::1%lo", "example.com:80", "a:b", "fe80::1%1", "a\r\nb"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
