#![expect(clippy::unwrap_used, reason = "a test helper")]

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{Extension, Router, body::Body, extract::State, routing::any};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serve::{BodyError, Delivery, Limits, Peer, Server, Stats, Summary, bind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tower::service_fn;

/// More than anything takes on the busiest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A deadline that is meant to pass.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// Waits for `future`, but not for ever.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let output = timeout(PATIENCE, future).await;
        output.unwrap_or_else(|_| panic!("nothing happened at {caller}"))
    }
}

/// A server on a port of its own.
///
/// `/held` leaves the answer to the test; `/echo` answers with the body; `/early` answers without
/// reading it; `/panic` does.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) stats: Arc<Stats>,
    calls: mpsc::UnboundedReceiver<Call>,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<Summary>,
}

/// A request to `/held`.
pub(crate) struct Call {
    pub(crate) delivery: Delivery,
    pub(crate) peer: Peer,
    pub(crate) answer: oneshot::Sender<Response<Body>>,
}

impl TestServer {
    pub(crate) fn new() -> TestServer {
        TestServer::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> TestServer {
        let (call, calls) = mpsc::unbounded_channel();
        let router = Router::new()
            .route("/held", any(held))
            .route_service("/echo", service_fn(echo))
            .route("/early", any(async || StatusCode::PAYLOAD_TOO_LARGE))
            .route("/panic", any(panics))
            .with_state(call);

        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(limits);
        let stats = server.stats();
        let (shutdown, stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            server.run(listener, router, async { drop(stopped.await) }).await
        });
        TestServer { address, stats, calls, shutdown: Some(shutdown), running }
    }

    /// The next request to `/held`.
    pub(crate) async fn call(&mut self) -> Call {
        soon(self.calls.recv()).await.unwrap()
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn end(self) -> Summary {
        soon(self.running).await.unwrap()
    }

    /// Ends the server without a shutdown.
    pub(crate) fn abort(&self) {
        self.running.abort();
    }

    /// Waits until `count` of its stats is `expected`.
    pub(crate) async fn sees(
        &self,
        expected: u64,
        count: impl Fn(&Stats) -> &std::sync::atomic::AtomicU64,
    ) {
        soon(async {
            while count(&self.stats).load(Ordering::Relaxed) != expected {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

async fn held(
    State(call): State<mpsc::UnboundedSender<Call>>,
    Extension(delivery): Extension<Delivery>,
    Extension(peer): Extension<Peer>,
) -> Response<Body> {
    let (answer, answered) = oneshot::channel();
    assert!(call.send(Call { delivery, peer, answer }).is_ok());
    answered.await.unwrap()
}

async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (status, body) = match request.into_body().collect().await {
        Ok(body) => (StatusCode::OK, body.to_bytes().into()),
        Err(error) if BodyError::is_too_slow(&error) => {
            (StatusCode::REQUEST_TIMEOUT, Body::empty())
        }
        Err(_) => (StatusCode::BAD_REQUEST, Body::empty()),
    };
    Ok(Response::builder().status(status).body(body).unwrap())
}

async fn panics() {
    panic!("as the test wants it");
}

/// A client that minds every byte.
pub(crate) struct Client {
    stream: TcpStream,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn new(server: &TestServer) -> Client {
        Client { stream: soon(TcpStream::connect(server.address)).await.unwrap() }
    }

    /// Goes on with a connection that was opened without the runtime.
    pub(crate) fn over(stream: std::net::TcpStream) -> Client {
        stream.set_nonblocking(true).unwrap();
        Client { stream: TcpStream::from_std(stream).unwrap() }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    pub(crate) async fn send(&mut self, bytes: &str) {
        soon(self.stream.write_all(bytes.as_bytes())).await.unwrap();
    }

    /// Sends without letting anybody else run.
    pub(crate) fn send_now(&mut self, bytes: &str) {
        assert_eq!(self.stream.try_write(bytes.as_bytes()).unwrap(), bytes.len());
    }

    /// Sends what a server that has closed may not take.
    pub(crate) async fn try_send(&mut self, bytes: &str) {
        let _ = soon(self.stream.write_all(bytes.as_bytes())).await;
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
    }

    /// The next answer, by its length.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head["HTTP/1.1 ".len()..][..3].parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        soon(self.stream.read_exact(&mut body)).await.unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon(self.stream.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Whatever comes until the server closes.
    pub(crate) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        soon(self.stream.read_to_end(&mut rest)).await.unwrap();
        String::from_utf8(rest).unwrap()
    }

    /// Waits until the server has closed, politely or not.
    pub(crate) async fn is_closed(&mut self) {
        let mut rest = Vec::new();
        let _ = soon(self.stream.read_to_end(&mut rest)).await;
        assert!(rest.is_empty(), "got {:?}", String::from_utf8_lossy(&rest));
    }

    pub(crate) async fn read_exact(&mut self, bytes: usize) {
        soon(self.stream.read_exact(&mut vec![0; bytes])).await.unwrap();
    }

    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}
