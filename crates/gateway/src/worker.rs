//! A thread that serves, and what it has for itself.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::connection;
use crate::flows::{End, Flows, Seat};
use crate::listen::{ListenerId, Speaks};
use crate::meter::Accounts;
use crate::policy::Policy;
use crate::relay::Pipes;
use crate::resolve::{Dns, Resolver};
use crate::settings::Settings;
use crate::table::{Changed, Table};
use crate::throng::Throng;

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) table: Arc<Table>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) dns: Dns,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) accounts: Accounts,
    pub(crate) throng: Arc<Throng>,
    pub(crate) connections: AtomicU32,
    /// Clients that may send datagrams.
    pub(crate) associations: AtomicU32,
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
    /// Leases have changed.
    Changed(Arc<[Changed]>),
    /// The whole table has changed.
    Replaced,
    /// The clock was turned.
    ClockTurned,
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
        }
        throttled.push(context.waker().clone());
    }

    /// Whether clients that wait for nothing are to go away.
    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.get()
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
        let throttled = self.throttled.take();
        throttled.into_iter().for_each(Waker::wake);
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
        Some(Duration::from_millis(until_due.min(until_end).clamp(1, LOOK)))
    }

    /// Looks after deadlines and does what it is told, until it is told to end.
    pub(crate) async fn keep(self: &Rc<Worker>, mut orders: mpsc::UnboundedReceiver<Order>) {
        let mut listeners: Vec<(ListenerId, Rc<Notify>)> = Vec::new();
        loop {
            let wait = self.look();
            let wait = if self.throttled.borrow().is_empty() {
                wait
            } else {
                let soon = Duration::from_millis(THROTTLE);
                Some(wait.map_or(soon, |wait| wait.min(soon)))
            };
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
                        listeners.push((id, Rc::clone(&closing)));
                        tokio::task::spawn_local(accept(
                            Rc::clone(self),
                            listener,
                            speaks,
                            closing,
                        ));
                    }
                    Err(error) => tracing::error!(%error, "A listener could not be taken over"),
                },
                Order::Close(id) => listeners.retain(|(own, closing)| {
                    if *own == id {
                        closing.notify_one();
                    }
                    *own != id
                }),
                Order::Drain => {
                    listeners.drain(..).for_each(|(_, closing)| closing.notify_one());
                    self.is_draining.set(true);
                    self.flows.wake_everything();
                }
                Order::Changed(all) => all.iter().for_each(|one| self.flows.change(one)),
                Order::Replaced => self.flows.leases().iter().for_each(|lease| {
                    let id = lease.id();
                    self.flows.change(&Changed { id, now: self.shared.table.get(id) });
                }),
                // Looking is all that is needed.
                Order::ClockTurned => {}
                Order::End => break,
            }
        }
        listeners.iter().for_each(|(_, closing)| closing.notify_one());
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

/// How long nothing is accepted after that has failed, as it does when descriptors are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept(worker: Rc<Worker>, listener: TcpListener, speaks: Speaks, closing: Rc<Notify>) {
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
    // Who has connected before it was closed is served.
    let accept = || std::future::poll_fn(|context| Poll::Ready(listener.poll_accept(context)));
    while let Poll::Ready(Ok((stream, source))) = accept().await {
        take(&worker, stream, source, speaks);
    }
}

/// Serves a connection, if there is room for it.
fn take(worker: &Rc<Worker>, stream: TcpStream, source: SocketAddr, speaks: Speaks) {
    let shared = &worker.shared;
    let open = shared.connections.fetch_add(1, Ordering::Relaxed);
    let counted = Counted(Arc::clone(shared));
    if open >= shared.settings.connections_max {
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
