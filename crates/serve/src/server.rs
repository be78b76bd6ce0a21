use std::{
    convert::Infallible,
    error::Error,
    fs::File,
    io::{self, ErrorKind, Write as _},
    iter,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use rustix::io::Errno;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, futures::Notified},
    time::{sleep, timeout},
};

use crate::{
    connection,
    edge::Peer,
    limits::Limits,
    link::Link,
    places::{Place, Places},
    request_body::RequestBody,
    stats::{Stats, count},
};

/// How long nothing is accepted after a fault of ours, such as a lack of descriptors. Long enough
/// not to spin, short enough for the kernel to keep the clients meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// How long connections that were told to end at once may take to do so.
const CUT: Duration = Duration::from_secs(1);

/// How many connections that nobody has accepted are served after the listener is told to close;
/// the longest queue that kernels keep unless they are told otherwise. Only a flood has more.
const QUEUED: usize = 4096;

/// Said to a client for whom there is no place.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\
    retry-after: 1\r\ncontent-length: 0\r\n\r\n";

/// Serves HTTP/1 within [`Limits`].
///
/// The limits on connections hold for all listeners of a server together.
#[derive(Debug)]
pub struct Server {
    limits: Arc<Limits>,
    stats: Arc<Stats>,
    places: Arc<Places>,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Connections that were open when it was told to shut down.
    pub open: usize,
    /// Those of them that had not finished within [`Limits::drain`] and were cut off.
    pub cut: usize,
}

impl Server {
    /// A server that keeps to `limits`.
    pub fn new(limits: Limits) -> Server {
        let limits = Arc::new(limits);
        let places = Arc::new(Places::new(Arc::clone(&limits)));
        Server { limits, stats: Arc::default(), places }
    }

    /// What it has seen so far.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Serves the clients of `listener` until `shutdown` is ready, then lets requests that have
    /// begun finish for [`Limits::drain`], and cuts off the rest.
    ///
    /// The listener is closed first, so that new clients go elsewhere; those that the kernel had
    /// accepted are served. A request has begun when its first byte has come, read or not. Idle
    /// connections end at once, but for those that have just begun: their first byte is waited for, for
    /// a second. Nothing that goes wrong with a connection, or with accepting one, ends the server.
    /// Dropping the future cuts off all its connections.
    pub async fn run<S, B>(
        &self,
        listener: TcpListener,
        service: S,
        shutdown: impl Future<Output = ()>,
    ) -> Summary
    where
        S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let running = Running { control: Arc::new(Control::new()) };
        let control = &running.control;
        let mut shutdown = pin!(shutdown);
        let mut acceptor = Acceptor::new(listener);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = acceptor.accept(&self.stats) => accepted,
            };
            let Some((stream, peer)) = accepted else { continue };
            self.begin(stream, peer, &service, control);
        }
        // Clients that the kernel has accepted may have sent their requests.
        for (stream, peer) in acceptor.queued() {
            self.begin(stream, peer, &service, control);
        }

        let open = control.open.load(Ordering::Acquire);
        control.set(Stage::Draining);
        let cut = match timeout(self.limits.drain, control.emptied()).await {
            Ok(()) => 0,
            Err(_) => control.open.load(Ordering::Acquire),
        };
        control.set(Stage::Cut);
        // Whoever is still there after this blocks its thread, and cannot be helped.
        let _ = timeout(CUT, control.emptied()).await;
        Summary { open, cut }
    }

    /// Serves a client, or turns it away.
    fn begin<S, B>(&self, stream: TcpStream, peer: SocketAddr, service: &S, control: &Arc<Control>)
    where
        S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let peer = Peer(SocketAddr::new(peer.ip().to_canonical(), peer.port()));
        let Some(place) = self.places.take(peer.0.ip()) else {
            count(&self.stats.refused);
            return refuse(stream);
        };
        // Answers are written in one piece. Without this their last segment might wait for an
        // acknowledgement; if it fails they are late, but right.
        let _ = stream.set_nodelay(true);
        count(&self.stats.accepted);
        count(&self.stats.open);
        control.open.fetch_add(1, Ordering::AcqRel);
        let open =
            Open { stats: Arc::clone(&self.stats), control: Arc::clone(control), _place: place };
        let link = Arc::new(Link::new(Arc::clone(&self.limits), Arc::clone(&self.stats)));
        let service = service.clone();
        tokio::spawn(async move {
            let open = open;
            connection::serve(stream, peer, service, link, &open.control).await;
        });
    }
}

/// Tells a client that there is no place for it, if that costs nothing.
fn refuse(stream: TcpStream) {
    // The runtime would not write before it has polled the socket. The kernel takes a few bytes on
    // a new connection at once; if it does not, closing must do.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(NO_PLACE);
    }
}

/// What a server tells its connections.
#[derive(Debug)]
pub(crate) struct Control {
    stage: AtomicU8,
    drained: Notify,
    cut: Notify,
    open: AtomicUsize,
    emptied: Notify,
}

/// How far the end of a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    Running,
    /// Requests that have begun are finished.
    Draining,
    /// Nothing is finished.
    Cut,
}

impl Control {
    fn new() -> Control {
        Control {
            stage: AtomicU8::new(Stage::Running as u8),
            drained: Notify::new(),
            cut: Notify::new(),
            open: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Stage::Running as u8 => Stage::Running,
            stage if stage == Stage::Draining as u8 => Stage::Draining,
            _ => Stage::Cut,
        }
    }

    /// Ready when [`Stage::Draining`] begins after this call.
    pub(crate) fn drained(&self) -> Notified<'_> {
        self.drained.notified()
    }

    /// Ready when [`Stage::Cut`] begins after this call.
    pub(crate) fn cut(&self) -> Notified<'_> {
        self.cut.notified()
    }

    fn set(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
        match stage {
            Stage::Running => {}
            Stage::Draining => self.drained.notify_waiters(),
            Stage::Cut => self.cut.notify_waiters(),
        }
    }

    /// Waits until no connection is open.
    async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.open.load(Ordering::Acquire) == 0 {
                return;
            }
            emptied.await;
        }
    }
}

/// Cuts off all connections when dropped.
struct Running {
    control: Arc<Control>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.set(Stage::Cut);
    }
}

/// An open connection, counted until dropped.
struct Open {
    stats: Arc<Stats>,
    control: Arc<Control>,
    _place: Place,
}

impl Drop for Open {
    fn drop(&mut self) {
        if thread::panicking() {
            count(&self.stats.panics);
        }
        self.stats.open.fetch_sub(1, Ordering::Relaxed);
        if self.control.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.control.emptied.notify_waiters();
        }
    }
}

/// Accepts connections, also when the process runs out of descriptors.
struct Acceptor {
    listener: TcpListener,
    /// A descriptor to give up when there are no others, so that clients can be turned away instead
    /// of being left waiting.
    spare: Option<File>,
    /// Whether the last attempt failed; the log is told only of the first.
    failing: bool,
}

impl Acceptor {
    fn new(listener: TcpListener) -> Acceptor {
        Acceptor { listener, spare: spare(), failing: false }
    }

    /// The next connection. `None` if there was none, and it is time to try again.
    async fn accept(&mut self, stats: &Stats) -> Option<(TcpStream, SocketAddr)> {
        let error = match self.listener.accept().await {
            Ok(accepted) => {
                self.failing = false;
                return Some(accepted);
            }
            Err(error) if is_the_clients(&error) => return None,
            Err(error) => error,
        };

        count(&stats.accept_errors);
        if !self.failing {
            tracing::warn!(%error, "Cannot accept connections: {error}");
        }
        self.failing = true;
        if is_out_of_descriptors(&error) {
            self.turn_one_away(stats).await;
        }
        sleep(PAUSE).await;
        None
    }

    /// Closes the listener and gives the connections that the kernel had accepted for it.
    fn queued(self) -> Vec<(TcpStream, SocketAddr)> {
        // The runtime would not look before it has heard of them.
        let Ok(listener) = self.listener.into_std() else { return Vec::new() };
        iter::from_fn(|| listener.accept().ok())
            .take(QUEUED)
            .filter_map(|(stream, peer)| {
                stream.set_nonblocking(true).ok()?;
                Some((TcpStream::from_std(stream).ok()?, peer))
            })
            .collect()
    }

    async fn turn_one_away(&mut self, stats: &Stats) {
        if self.spare.take().is_some()
            && let Ok(Ok((stream, _))) = timeout(PAUSE, self.listener.accept()).await
        {
            count(&stats.refused);
            refuse(stream);
        }
        self.spare = spare();
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Whether a connection failed before it was accepted, which says nothing about the next.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
