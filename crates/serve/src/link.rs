use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::{
    net::{TcpStream, tcp::OwnedWriteHalf},
    time::Instant,
};

use crate::{
    delivery::{Outcome, Slot},
    limits::Limits,
    stats::{Stats, count},
};

/// What the parts of one connection tell each other: the socket what it saw, the edge which
/// requests came of it, the bodies that they ended.
///
/// hyper owns all these parts and shows none of them to the others. They all run within the
/// connection's task, so the locks are hardly ever waited for.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) limits: Arc<Limits>,
    pub(crate) stats: Arc<Stats>,
    state: Mutex<State>,
    /// The half of the socket that is written to; `None` before the connection and after it. It is
    /// here so that a [`Delivery`](crate::Delivery) on another task can ask the kernel about it.
    writer: Mutex<Option<OwnedWriteHalf>>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Whether an answer has been written.
    served: bool,
    /// Whether the client has ended its side, or the connection has failed.
    ended: bool,
    /// Whether there may be bytes from the client that nobody has asked for.
    unread: bool,
    /// The answers not yet written, oldest first. There is hardly ever more than one: hyper works
    /// on one request at a time, but may start on the next before the last byte is out.
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    slot: Arc<Slot>,
    /// Whether hyper has been given all of the answer.
    handed_over: bool,
}

/// A client that has just connected has a request, and may not have come to sending it.
const NEWCOMER: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No byte of the next request has come.
    Waiting,
    /// The head of a request is coming.
    Head,
    /// A request is being worked on, or its answer written.
    Work,
}

/// What to do with bytes that are about to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Nobody has asked for them: hyper is refusing a head.
    Refusal,
    /// Write them if the client is still there.
    Watched,
    /// Write them.
    Plain,
}

impl Link {
    pub(crate) fn new(limits: Arc<Limits>, stats: Arc<Stats>) -> Link {
        let state = State {
            phase: Phase::Waiting,
            since: Instant::now(),
            served: false,
            ended: false,
            unread: false,
            open: Vec::new(),
        };
        Link { limits, stats, state: Mutex::new(state), writer: Mutex::new(None) }
    }

    /// The connection begins.
    pub(crate) fn attach(&self, writer: OwnedWriteHalf) {
        *self.writer() = Some(writer);
    }

    /// The connection is over, or goes on without this link.
    pub(crate) fn detach(&self) -> Option<OwnedWriteHalf> {
        self.writer().take()
    }

    /// Does something with the half that is written to; `None` without one.
    pub(crate) fn with_writer<T>(&self, work: impl FnOnce(&mut OwnedWriteHalf) -> T) -> Option<T> {
        self.writer().as_mut().map(work)
    }

    /// Whether the client has ended its side or reset the connection, or the connection is over.
    pub(crate) fn has_client_left(&self) -> bool {
        self.writer().as_ref().is_none_or(|writer| has_left(writer.as_ref()))
    }

    /// Whether a request has begun to come and is not yet complete enough to be worked on, by what
    /// the kernel knows now.
    pub(crate) fn is_receiving(&self) -> bool {
        match self.phase() {
            Phase::Waiting => {
                self.writer().as_ref().is_some_and(|writer| has_bytes(writer.as_ref()))
            }
            Phase::Head => true,
            Phase::Work => false,
        }
    }

    /// Until when the first byte of a connection is waited for although the server ends; nothing if
    /// a byte has come.
    pub(crate) fn newcomer_until(&self) -> Option<Instant> {
        let state = self.state();
        let is_new = state.phase == Phase::Waiting && !state.served && !state.ended;
        is_new.then(|| state.since + NEWCOMER)
    }

    fn writer(&self) -> MutexGuard<'_, Option<OwnedWriteHalf>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have been read.
    pub(crate) fn read(&self) {
        let mut state = self.state();
        state.unread = true;
        if state.phase == Phase::Waiting {
            state.phase = Phase::Head;
            state.since = Instant::now();
        }
    }

    /// The head of a request has been read; its answer is the one of the returned slot.
    pub(crate) fn called(&self, has_body: bool) -> Arc<Slot> {
        let slot = Slot::new();
        let mut state = self.state();
        state.phase = Phase::Work;
        state.unread = has_body;
        state.open.push(Open { slot: Arc::clone(&slot), handed_over: false });
        slot
    }

    /// The body of the request has been read to its end.
    pub(crate) fn body_read(&self) {
        self.state().unread = false;
    }

    /// hyper has been given all of an answer.
    pub(crate) fn handed_over(&self, slot: &Arc<Slot>) {
        let mut state = self.state();
        if let Some(open) = state.open.iter_mut().find(|open| Arc::ptr_eq(&open.slot, slot)) {
            open.handed_over = true;
        }
    }

    /// Whatever hyper was given before this has been written.
    pub(crate) fn flushed(&self) {
        let mut state = self.state();
        if !state.open.first().is_some_and(|open| open.handed_over) {
            return;
        }
        state.open.retain(|open| {
            if open.handed_over {
                open.slot.settle(Outcome::Delivered);
            }
            !open.handed_over
        });
        if state.open.is_empty() {
            state.phase = Phase::Waiting;
            state.since = Instant::now();
            state.served = true;
        }
    }

    /// An answer will not be finished.
    pub(crate) fn given_up(&self, slot: &Slot) {
        if slot.settle(Outcome::Gone) {
            count(&self.stats.gone);
        }
    }

    /// The client has ended its side, or the connection has failed.
    pub(crate) fn ended(&self) {
        let mut state = self.state();
        state.ended = true;
        for open in state.open.drain(..) {
            self.given_up(&open.slot);
        }
    }

    /// Whether the client may still be sending what will not be read.
    pub(crate) fn may_be_sending(&self) -> bool {
        let state = self.state();
        state.unread && !state.ended
    }

    /// What to do with bytes that are about to be written.
    pub(crate) fn about_to_write(&self) -> Write {
        let mut state = self.state();
        if state.phase != Phase::Work {
            // What has come of the head is of no more use, and there may be more of it.
            state.unread = true;
            Write::Refusal
        } else if state.open.iter().any(|open| open.slot.is_watched()) {
            Write::Watched
        } else {
            Write::Plain
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Whether an answer has been written on this connection.
    pub(crate) fn has_served(&self) -> bool {
        self.state().served
    }

    /// By when the client must have done something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        let time: Duration = match state.phase {
            Phase::Waiting if state.served => self.limits.idle,
            Phase::Waiting | Phase::Head => self.limits.head,
            Phase::Work => return None,
        };
        Some(state.since + time)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the client has ended its side or reset the connection, by what the kernel knows now.
///
/// Neither a read nor the runtime can tell: a read stops at bytes that were sent before the end,
/// and the runtime learns of the end only when it next gathers events.
fn has_left(stream: &TcpStream) -> bool {
    // If the kernel does not say, the write that follows will find out.
    let events = ask(stream, PollFlags::RDHUP).unwrap_or(PollFlags::empty());
    events.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}

/// Whether there is something to be read from a connection that is still whole.
fn has_bytes(stream: &TcpStream) -> bool {
    let events = ask(stream, PollFlags::IN | PollFlags::RDHUP).unwrap_or(PollFlags::empty());
    events.contains(PollFlags::IN)
        && !events.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}

/// Which of `events` the kernel knows now, and whether the connection has failed.
fn ask(stream: &TcpStream, events: PollFlags) -> Result<PollFlags, Errno> {
    let mut fds = [PollFd::new(stream, events)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        match poll(&mut fds, Some(&now)) {
            Ok(_) => return Ok(fds[0].revents()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
