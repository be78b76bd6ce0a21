//! How a gateway talks to its shop.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use feed::report::{Refusal, Refused};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// How long it may take until a connection is there.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// How long an answer may be that is not a stream.
const ANSWER_MAX: usize = 64 * 1024;

/// Where a shop tells gateways what to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    host: String,
    port: u16,
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "https://{}:{}", self.host, self.port)
    }
}

impl FromStr for Control {
    type Err = String;

    fn from_str(text: &str) -> Result<Control, String> {
        let expected = || "write it like https://shop.example:8443".to_owned();
        let uri: http::Uri = text.parse().map_err(|_| expected())?;
        let plain = uri.scheme_str() == Some("https") && ["", "/"].contains(&uri.path());
        let host = uri.host().filter(|_| plain && uri.query().is_none()).ok_or_else(expected)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Control { host, port: uri.port_u16().ok_or_else(expected)? })
    }
}

/// A connection to a shop, closed when dropped.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The shop has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotDone {
    /// It says why.
    #[error("the shop refuses: {}", why(*.0))]
    Refused(Refusal),
    /// It answers with this status.
    #[error("the shop answers with {0}")]
    Status(StatusCode),
}

/// A refusal in words.
pub(super) fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Removed => "the operator has removed this gateway",
        Refusal::UnknownKey => "it does not know the key of this gateway",
        Refusal::UnknownToken => "it does not know the token",
        Refusal::UsedToken => "the token was used by another gateway",
        Refusal::LateToken => "the token's time is over",
        Refusal::Other => "it says why in words that this version does not know",
    }
}

impl Connection {
    /// A connection to the shop at `control`, which proves its key.
    pub(super) async fn open(control: &Control, config: &Arc<ClientConfig>) -> Result<Connection> {
        let opening = async {
            let stream = TcpStream::connect((control.host.as_str(), control.port)).await?;
            stream.set_nodelay(true)?;
            let name = ServerName::try_from(control.host.clone())?;
            let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
            let (requests, connection) = handshake(TokioIo::new(stream)).await?;
            // Whatever ends it is felt by who asks.
            let task = tokio::spawn(async move { drop(connection.await) });
            anyhow::Ok(Connection { requests, task })
        };
        tokio::time::timeout(CONNECT, opening).await.context("it takes too long")?
    }

    /// Whether it has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Asks for a stream.
    pub(super) async fn stream(&mut self, path: &str, body: &impl Serialize) -> Result<Incoming> {
        Ok(self.send(path, body).await?.into_body())
    }

    /// Asks something.
    pub(super) async fn ask<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        self.ask_at_length(path, body, ANSWER_MAX).await
    }

    /// Asks something whose answer may be so long.
    async fn ask_at_length<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
        length_max: usize,
    ) -> Result<T> {
        let answer = self.send(path, body).await?;
        let body = Limited::new(answer.into_body(), length_max).collect();
        let body = tokio::time::timeout(ANSWER, body).await.context("it takes too long")?;
        let Ok(body) = body else { bail!("the answer has no end") };
        serde_json::from_slice(&body.to_bytes()).ok().context("the answer cannot be read")
    }

    async fn send(&mut self, path: &str, body: &impl Serialize) -> Result<Response<Incoming>> {
        let body = Full::new(Bytes::from(serde_json::to_vec(body)?));
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, "shop")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        self.requests.ready().await?;
        let answer = tokio::time::timeout(ANSWER, self.requests.send_request(request)).await;
        let answer = answer.context("it takes too long")??;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            StatusCode::FORBIDDEN => {
                let body = Limited::new(answer.into_body(), ANSWER_MAX).collect();
                let body = tokio::time::timeout(ANSWER, body).await.context("it takes too long")?;
                let Ok(body) = body else { bail!("the answer has no end") };
                let refused = serde_json::from_slice::<Refused>(&body.to_bytes());
                let refused = refused.ok().context("the answer cannot be read")?;
                Err(NotDone::Refused(refused.error).into())
            }
            status => Err(NotDone::Status(status).into()),
        }
    }
}

/// A shop as it is asked now and then, at whichever of its servers answers.
pub(super) struct Shop {
    controls: Vec<Control>,
    config: Arc<ClientConfig>,
    connection: Mutex<Option<Connection>>,
}

impl Shop {
    pub(super) fn new(controls: Vec<Control>, config: Arc<ClientConfig>) -> Shop {
        Shop { controls, config, connection: Mutex::new(None) }
    }

    /// Asks something that may be asked twice; says why nobody has answered.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, String> {
        self.ask_at_length(path, body, ANSWER_MAX).await
    }

    /// The same, where the answer may be so long.
    pub(super) async fn ask_at_length<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        length_max: usize,
    ) -> Result<T, String> {
        let mut place = self.connection.lock().await;
        let mut why = "there is nobody to ask".to_owned();
        // It is kept only if it has answered.
        if let Some(mut open) = place.take().filter(|open| !open.is_closed())
            && let Ok(answer) = open.ask_at_length(path, body, length_max).await
        {
            *place = Some(open);
            return Ok(answer);
        }
        for control in &self.controls {
            let asked = async {
                let mut open = Connection::open(control, &self.config).await?;
                let answer = open.ask_at_length(path, body, length_max).await?;
                anyhow::Ok((open, answer))
            };
            match asked.await {
                Ok((open, answer)) => {
                    *place = Some(open);
                    return Ok(answer);
                }
                Err(error) => why = format!("{control}: {error:#}"),
            }
        }
        Err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_named_by_its_host_and_port() {
        for (text, host, port) in [
            ("https://shop.example:8443", "shop.example", 8443),
            ("https://192.0.2.1:1/", "192.0.2.1", 1),
            ("https://[2001:db8::1]:8443", "2001:db8::1", 8443),
        ] {
            assert_eq!(text.parse(), Ok(Control { host: host.into(), port }), "{text}");
        }
        for text in
            ["http://shop.example:1", "https://shop.example", "shop.example:1", "https://a:1/b", ""]
        {
            assert!(text.parse::<Control>().is_err(), "{text}");
        }
    }
}
