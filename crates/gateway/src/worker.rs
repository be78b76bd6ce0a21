//! A thread that serves, and what it has for itself.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use domain::time::Span;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::connection;
use crate::flows::{End, Flows, Seat};
use crate::listen::{BACKLOG, ListenerId, Speaks};
use crate::meter::Accounts;
use crate::policy::Policy;
use crate::refusals::{Event, Refusals};
use crate::relay::Pipes;
use crate::resolve::{Dns, Resolver};
use crate::settings::Settings;
use crate::table::{Changed, Table};
use crate::throng::Throng;

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) table: Arc<Table>,
    pub(crate) policy: ArcSwap<Policy>,
    /// Counts the policies that there were.
    pub(crate) policies: AtomicU64,
    pub(crate) refusals: Refusals,
    pub(crate) dns: Dns,
    /// What clients see who connect inside TLS; nobody can, if there is none.
    pub(crate) certificate: ArcSwapOption<ServerConfig>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) accounts: Accounts,
    pub(crate) throng: Arc<Throng>,
    pub(crate) connections: AtomicU32,
    /// Clients that may send datagrams.
    pub(crate) associations: AtomicU32,
    /// Sockets that listen.
    pub(crate) listeners: AtomicU32,
    /// Descriptors that are left to them. More of them leave room for fewer connections.
    pub(crate) spare: u64,
    /// When the clock of deadlines began.
    pub(crate) began: Instant,
}

/// What a thread is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Accept connections of this listener.
    Listen(ListenerId, std::net::TcpListener, Speaks),
    /// Accept no more of it.
    Close(ListenerId),
    /// The leases with these ids have changed.
    Changed(Arc<[u64]>),
    /// The whole table has changed.
    Replaced,
    /// The clock was turned.
    ClockTurned,
    /// Give the listeners out once more.
    Lend(std::sync::mpsc::Sender<std::io::Result<Vec<OwnedFd>>>),
    /// Accept nothing more, and let connections go that wait for nothing.
    Drain,
    /// Close everything and end.
    End,
}

/// The bytes that are read at a time.
const SCRATCH: usize = 64 * 1024;

/// What a thread has.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) flows: Rc<Flows>,
    /// Everything that is read is read into here first: who waits holds no memory.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    pub(crate) pipes: RefCell<Pipes>,
    pub(crate) resolver: Resolver<Dns>,
    /// Flows that have used up what their lease may pass.
    throttled: RefCell<Vec<Waker>>,
    /// When those are tried again, in milliseconds.
    retry_at: Cell<u64>,
    /// The time when the thread last looked, in milliseconds.
    looked: Cell<u64>,
    /// The second in which counts were last brought to accounts.
    folded: Cell<u64>,
    /// Wakes the thread's keeper when something has to be looked after sooner than it thinks.
    nudge: Notify,
    keeper_sleeps: Cell<bool>,
    is_draining: Cell<bool>,
}

/// While there is anything to look after, it is looked after at least so often: bytes are brought
/// to accounts, and a machine that has slept finds leases that have ended meanwhile.
const LOOK: u64 = 250;
/// How long connections may take to end when everything does.
const CLOSING: Duration = Duration::from_secs(1);
/// How soon a throttled flow is tried again.
const THROTTLE: u64 = 50;

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>) -> Rc<Worker> {
        let pipes = Pipes::new(shared.settings.pipes);
        let resolver = Resolver::new(shared.dns.clone());
        Rc::new(Worker {
            shared,
            flows: Rc::new(Flows::new()),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            pipes: RefCell::new(pipes),
            resolver,
            throttled: RefCell::default(),
            retry_at: Cell::new(0),
            looked: Cell::new(0),
            folded: Cell::new(0),
            nudge: Notify::new(),
            keeper_sleeps: Cell::new(false),
            is_draining: Cell::new(false),
        })
    }

    /// Milliseconds since the gateway began.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the gateway began.
    pub(crate) fn nanos(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the gateway began, a second late at most while there are connections.
    pub(crate) fn coarse_millis(&self) -> u64 {
        self.looked.get()
    }

    /// Notes that a client was refused something.
    pub(crate) fn refused(&self, event: Event<'_>) {
        self.shared.refusals.note(event, self.shared.clock.now(), self.millis());
    }

    /// A seat for a connection from `source` whose handshake begins.
    pub(crate) fn sit(&self, source: SocketAddr) -> Seat {
        if self.keeper_sleeps.get() {
            self.nudge();
        }
        self.flows.sit(source.ip().to_canonical(), self.after(self.shared.settings.handshake))
    }

    /// The moment `span` from now, for deadlines.
    pub(crate) fn after(&self, span: Duration) -> u64 {
        self.millis().saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// Runs `work` until it is done or the connection at `seat` has to end.
    pub(crate) async fn within<T>(
        &self,
        seat: &Seat,
        work: impl Future<Output = T>,
    ) -> Result<T, End> {
        let mut work = pin!(work);
        std::future::poll_fn(|context| match seat.poll_end(context) {
            Some(end) => Poll::Ready(Err(end)),
            None => work.as_mut().poll(context).map(Ok),
        })
        .await
    }

    /// Wakes the task when it is worth trying again to pass bytes on.
    pub(crate) fn throttle(&self, context: &Context<'_>) {
        let mut throttled = self.throttled.borrow_mut();
        if throttled.is_empty() {
            self.nudge();
            self.retry_at.set(self.looked.get() + THROTTLE);
        }
        // The same flow may ask many times before its turn comes.
        if !throttled.last().is_some_and(|last| last.will_wake(context.waker())) {
            throttled.push(context.waker().clone());
        }
    }

    /// Whether clients that wait for nothing are to go away.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.get()
    }

    /// Lets the thread's keeper look when a lease ends that has just been let in. It may sleep for
    /// longer than the lease has, because it did not know of it.
    pub(crate) fn ends_in(&self, rest: Span) {
        if rest.millis() < LOOK.cast_signed() {
            self.nudge();
        }
    }

    fn nudge(&self) {
        self.keeper_sleeps.set(false);
        self.looked.set(self.millis());
        self.nudge.notify_one();
    }

    /// Does what is due, and says for how long nothing will be.
    fn look(&self) -> Option<Duration> {
        let millis = self.millis();
        let now = self.shared.clock.now();
        self.looked.set(millis);
        self.flows.advance(millis, now);
        if millis >= self.retry_at.get() {
            let throttled = self.throttled.take();
            throttled.into_iter().for_each(Waker::wake);
        }
        if self.folded.replace(millis / LOOK) != millis / LOOK {
            self.flows.fold();
        }
        if self.flows.is_quiet() {
            self.keeper_sleeps.set(true);
            return None;
        }
        let (due, lease_ends) = self.flows.next();
        let until_due = due.map_or(LOOK, |due| due.saturating_sub(millis));
        let until_end = lease_ends
            .map_or(LOOK, |ends_at| u64::try_from(ends_at.since(now).millis()).unwrap_or(LOOK));
        let until_retry = match self.throttled.borrow().as_slice() {
            [] => LOOK,
            _ => self.retry_at.get().saturating_sub(millis),
        };
        let wait = until_due.min(until_end).min(until_retry);
        Some(Duration::from_millis(wait.clamp(1, LOOK)))
    }

    /// Lets flows feel what the table says of their leases now. An order may be older than that: to
    /// go by what was true when it was given would end flows that have been let in since.
    fn heed(&self, leases: &[u64]) {
        for id in leases.iter().filter(|id| self.flows.serves(**id)) {
            self.flows.change(&Changed { id: *id, now: self.shared.table.get(*id) });
        }
    }

    /// Looks after deadlines and does what it is told, until it is told to end.
    pub(crate) async fn keep(self: &Rc<Worker>, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut listeners: Vec<Listening> = Vec::new();
        loop {
            let wait = self.look();
            let sleep = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            let order = tokio::select! {
                order = orders.recv() => order.unwrap_or(Order::End),
                () = self.nudge.notified() => continue,
                () = sleep => continue,
            };
            match order {
                Order::Listen(id, listener, speaks) => match TcpListener::from_std(listener) {
                    Ok(listener) => {
                        let closing = Rc::new(Notify::new());
                        let listener = Rc::new(listener);
                        listeners.push(Listening {
                            id,
                            listener: Rc::clone(&listener),
                            closing: Rc::clone(&closing),
                        });
                        tokio::task::spawn_local(accept(
                            Rc::clone(self),
                            listener,
                            speaks,
                            closing,
                        ));
                    }
                    Err(error) => tracing::error!(%error, "A listener could not be taken over"),
                },
                Order::Close(id) => listeners.retain(|own| {
                    if own.id == id {
                        own.closing.notify_one();
                    }
                    own.id != id
                }),
                Order::Lend(to) => {
                    let lent =
                        listeners.iter().map(|own| own.listener.as_fd().try_clone_to_owned());
                    // Who does not wait any longer needs none.
                    let _ = to.send(lent.collect());
                }
                Order::Drain => {
                    listeners.drain(..).for_each(|own| own.closing.notify_one());
                    self.is_draining.set(true);
                    self.flows.wake_everything();
                }
                Order::Changed(ids) => self.heed(&ids),
                Order::Replaced => self.heed(&self.flows.leases()),
                // Looking is all that is needed.
                Order::ClockTurned => {}
                Order::End => break,
            }
        }
        listeners.iter().for_each(|own| own.closing.notify_one());
        // Each connection ends when it is next polled, or the time after if it has last words. What
        // has not ended by then ends with the runtime.
        for _ in 0..CLOSING.as_millis() {
            if self.flows.count() == 0 {
                break;
            }
            self.flows.end_everything();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.flows.fold();
    }
}

/// A listener of the thread.
struct Listening {
    id: ListenerId,
    listener: Rc<TcpListener>,
    closing: Rc<Notify>,
}

/// How long nothing is accepted after that has failed, as it does when descriptors are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept(
    worker: Rc<Worker>,
    listener: Rc<TcpListener>,
    speaks: Speaks,
    closing: Rc<Notify>,
) {
    let _counted = CountedSocket::new(&worker.shared);
    let mut closing = pin!(closing.notified());
    loop {
        let accepted = std::future::poll_fn(|context| match closing.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => listener.poll_accept(context).map(Some),
        });
        match accepted.await {
            Some(Ok((stream, source))) => take(&worker, stream, source, speaks),
            Some(Err(error)) => {
                tracing::warn!(%error, "No connection can be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None => break,
        }
    }
    // Who has connected before it was closed is served. The system is asked, and not the runtime,
    // which may not have heard of all yet and gives a task only so many at a time.
    let Some(Ok(listener)) = Rc::into_inner(listener).map(TcpListener::into_std) else { return };
    // Those who come meanwhile, where another process listens too, are that one's.
    for _ in 0..BACKLOG {
        let Ok((stream, source)) = listener.accept() else { break };
        let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
        if let Ok(stream) = stream {
            take(&worker, stream, source, speaks);
        }
    }
}

/// Serves a connection, if there is room for it.
fn take(worker: &Rc<Worker>, stream: TcpStream, source: SocketAddr, speaks: Speaks) {
    let shared = &worker.shared;
    let open = shared.connections.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(Arc::clone(shared));
    let listeners = shared.listeners.load(Ordering::Relaxed);
    if open >= shared.settings.connections_beside(listeners.into(), shared.spare) {
        return;
    }
    let most = shared.settings.handshakes_per_source;
    let Some(handshake) = shared.throng.enter(source.ip(), most) else { return };
    let worker = Rc::clone(worker);
    tokio::task::spawn_local(async move {
        let _counted = counted;
        connection::serve(&worker, stream, source, speaks, handshake).await;
    });
}

/// A connection that is counted until this is dropped.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket that listens, until this is dropped.
struct CountedSocket(Arc<Shared>);

impl CountedSocket {
    fn new(shared: &Arc<Shared>) -> CountedSocket {
        shared.listeners.fetch_add(1, Ordering::Relaxed);
        CountedSocket(Arc::clone(shared))
    }
}

impl Drop for CountedSocket {
    fn drop(&mut self) {
        // Whoever was accepted there is counted for those who see this.
        self.0.listeners.fetch_sub(1, Ordering::Release);
    }
}
