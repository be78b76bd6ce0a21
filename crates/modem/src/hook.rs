//! A request to whoever looks after a modem: a modem farm's own interface, a router, a script.
//!
//! The answer may say the modem's new address, as JSON (`{"ip": "192.0.2.1"}`, with `old_ip` beside
//! it if that is known) or as nothing but the address. Redirections are not followed: nobody but
//! the one who was named is told the secret.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::{Driver, Error, Rotated, Rotating, tls};

/// How much of an answer is read.
const ANSWER_MAX: usize = 64 * 1024;

/// What a request is made of. In the URL and in the values of header fields, `{modem}` stands for
/// the modem's name and `{secret}` for the secret.
#[derive(Clone, Debug)]
pub struct Template {
    /// Where to: `http://…` or `https://…`.
    pub url: String,
    /// The method.
    pub method: Method,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The status that says that the modem dials or has dialed.
    pub expect: u16,
}

/// A request that has a modem dial. `Debug` shows nothing of it, because a secret may be in it.
pub struct Hook {
    uri: Uri,
    method: Method,
    headers: Vec<(HeaderName, HeaderValue)>,
    expect: u16,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(***)")
    }
}

impl Hook {
    /// The request for `modem`, with its `secret` filled in where the template has a place for it.
    pub fn new(template: &Template, modem: &str, secret: Option<&str>) -> Result<Hook, Error> {
        let wrong = |what: &str| Error::Misconfigured(what.to_owned());
        let encoded = secret.map(|secret| Zeroizing::new(percent_encoded(secret)));
        let filled = |text: &str, secret: Option<&str>| -> Result<Zeroizing<String>, Error> {
            let text = text.replace("{modem}", modem);
            match secret {
                Some(secret) => Ok(Zeroizing::new(text.replace("{secret}", secret))),
                None if text.contains("{secret}") => Err(wrong("its secret is missing")),
                None => Ok(Zeroizing::new(text)),
            }
        };
        let url = filled(&template.url, encoded.as_ref().map(|it| it.as_str()))?;
        let uri: Uri = url.parse().map_err(|_| wrong("its url is none"))?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("its url names no host"));
        }
        let mut headers = Vec::new();
        for (name, value) in &template.headers {
            let name = name.parse().map_err(|_| wrong("a header field has no name"))?;
            let value = filled(value, secret)?;
            let mut value: HeaderValue =
                value.parse().map_err(|_| wrong("a header field cannot have its value"))?;
            value.set_sensitive(true);
            headers.push((name, value));
        }
        Ok(Hook { uri, method: template.method.clone(), headers, expect: template.expect })
    }

    async fn ask(&self) -> Result<Rotated, Error> {
        let host = self.uri.host().unwrap_or_default();
        let is_secure = self.uri.scheme_str() == Some("https");
        let port = self.uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
        let stream = stream.map_err(|error| Error::Unreachable(error.to_string()))?;
        match is_secure {
            true => self.ask_over(tls::secured(stream, host).await?).await,
            false => self.ask_over(stream).await,
        }
    }

    async fn ask_over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Rotated, Error> {
        let broken = |error: hyper::Error| Error::Unreachable(error.to_string());
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let answered = async {
            let answer = sender.send_request(self.request()?).await.map_err(broken)?;
            let status = answer.status().as_u16();
            if status != self.expect {
                return Err(Error::Refused(format!("HTTP status {status}")));
            }
            let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|_| Error::Refused("its answer is broken".to_owned()))?;
            Ok(read(&body.to_bytes()))
        };
        tokio::pin!(answered);
        tokio::select! {
            // The connection is worked on until there is an answer; whether it then ends well does
            // not matter.
            answer = &mut answered => answer,
            ended = connection => match ended {
                Ok(()) => answered.await,
                Err(error) => Err(broken(error)),
            },
        }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Error> {
        let target = self.uri.path_and_query().map_or("/", |it| it.as_str());
        let host = self.uri.authority().map_or("", |it| it.as_str());
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(target)
            .header(HOST, host)
            .header(USER_AGENT, "sublet")
            .header(CONNECTION, "close");
        if self.method != Method::GET {
            request = request.header(CONTENT_LENGTH, 0);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::new()));
        request.map_err(|_| Error::Misconfigured("its request cannot be written".to_owned()))
    }
}

impl Driver for Hook {
    fn rotate(&self, _: Option<IpAddr>) -> Rotating<'_> {
        Box::pin(self.ask())
    }
}

/// What an answer says of addresses; nothing is said by what is neither JSON nor an address.
fn read(body: &[u8]) -> Rotated {
    #[derive(Deserialize)]
    struct Told {
        ip: Option<String>,
        old_ip: Option<String>,
    }
    let ip = |text: &str| text.trim().parse::<IpAddr>().ok();
    if let Ok(Told { ip: new, old_ip }) = serde_json::from_slice(body) {
        return Rotated { old: old_ip.as_deref().and_then(ip), new: new.as_deref().and_then(ip) };
    }
    Rotated { old: None, new: std::str::from_utf8(body).ok().and_then(ip) }
}

/// A text that means nothing else in a URL.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_an_address_or_nothing() {
        let ip = |text: &str| -> Option<IpAddr> { Some(text.parse().unwrap()) };
        for (body, old, new) in [
            ("{\"ip\":\"192.0.2.1\"}", None, ip("192.0.2.1")),
            (
                "{\"old_ip\":\"192.0.2.1\",\"ip\":\"2001:db8::1\",\"took\":7}",
                ip("192.0.2.1"),
                ip("2001:db8::1"),
            ),
            (" 192.0.2.7\n", None, ip("192.0.2.7")),
            ("{\"ip\":null}", None, None),
            ("{\"ip\":\"soon\"}", None, None),
            ("OK", None, None),
            ("", None, None),
        ] {
            assert_eq!(read(body.as_bytes()), Rotated { old, new }, "{body}");
        }
    }

    #[test]
    fn a_secret_is_filled_in_and_never_shown() {
        let template = Template {
            url: "http://farm.example:8080/{modem}/change?key={secret}".to_owned(),
            method: Method::POST,
            headers: vec![("authorization".to_owned(), "Bearer {secret}".to_owned())],
            expect: 200,
        };
        let hook = Hook::new(&template, "m1", Some("can ary&/")).unwrap();
        let request = hook.request().unwrap();
        assert_eq!(request.uri(), "/m1/change?key=can%20ary%26%2F");
        assert_eq!(request.headers()["authorization"], "Bearer can ary&/");
        assert_eq!(request.headers()["host"], "farm.example:8080");
        assert!(!format!("{hook:?} {request:?}").contains("Bearer"));
        for secret in [None, Some("two\nlines")] {
            let error = Hook::new(&template, "m1", secret).unwrap_err();
            assert!(matches!(&error, Error::Misconfigured(_)));
            assert!(!error.to_string().contains("lines"));
        }
    }
}
