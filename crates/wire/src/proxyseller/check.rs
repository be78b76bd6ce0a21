//! `GET tools/proxy/check`, of v1

use serde::{Deserialize, Serialize};

/// A proxy as it is written in one text: `user:password@host:port`, `user@host:port` or
/// `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<'t> {
    /// The address or host.
    pub host: &'t str,
    /// The port.
    pub port: u16,
    /// The login; empty if there is none.
    pub user: &'t str,
    /// The password; empty if there is none.
    pub password: &'t str,
}

impl<'t> Written<'t> {
    /// Reads it; `None` if it is none.
    pub fn read(text: &'t str) -> Option<Written<'t>> {
        let text = text.trim();
        // There may be an `@` in a password, but never in what follows it.
        let (known, place) = text.rsplit_once('@').unwrap_or(("", text));
        let (user, password) = known.split_once(':').unwrap_or((known, ""));
        let (host, port) = place.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let plain = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| plain && *port > 0)?;
        (!host.is_empty()).then_some(Written { host, port, user, password })
    }
}

/// Data of `GET tools/proxy/check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The address or host.
    pub ip: String,
    /// The port.
    pub port: u16,
    /// The login; empty if none was named.
    pub user: String,
    /// The password; empty if none was named.
    pub password: String,
    /// Whether it works.
    pub valid: bool,
    /// What it speaks: `HTTP` or `SOCKS5`; `null` if it does not work.
    pub protocol: Option<String>,
    /// How long it took to answer, in milliseconds; 0 if it did not.
    pub time: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_written_in_three_ways() {
        for (text, expected) in [
            ("u:p@192.0.2.1:80", Some(("192.0.2.1", 80, "u", "p"))),
            (" u@192.0.2.1:80 ", Some(("192.0.2.1", 80, "u", ""))),
            ("192.0.2.1:80", Some(("192.0.2.1", 80, "", ""))),
            ("u:p:@q@proxy.example.net:65535", Some(("proxy.example.net", 65535, "u", "p:@q"))),
            ("u:p@[2001:db8::1]:80", Some(("2001:db8::1", 80, "u", "p"))),
            ("", None),
            ("192.0.2.1", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:0", None),
            ("192.0.2.1:+80", None),
            ("192.0.2.1:65536", None),
            ("u:p@:80", None),
        ] {
            let read = Written::read(text).map(|it| (it.host, it.port, it.user, it.password));
            assert_eq!(read, expected, "{text}");
        }
    }
}
