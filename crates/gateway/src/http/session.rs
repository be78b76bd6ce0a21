//! The gateway around the passing on of requests: who is let in, and what is counted.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::backend::{Backend, Stop};
use super::credentials::Presented;
use crate::admit::{self, Claim, Denied, Grant};
use crate::destination;
use crate::flows::{End, Seat};
use crate::link::reset_on_drop;
use crate::meter::Way;
use crate::refusal::Refusal;
use crate::refusals::Event;
use crate::table::Entry;
use crate::target::Target;
use crate::throng::Handshake;
use crate::worker::Worker;

/// A client's connection as the requests on it see the gateway.
pub(crate) struct Session<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) seat: &'a mut Seat,
    pub(crate) source: IpAddr,
    pub(crate) entry: Option<Entry>,
    pub(crate) handshake: &'a mut Option<Handshake>,
    /// Whether the next connection to a destination is the one that being let in has counted.
    pub(crate) has_turn: bool,
}

impl<'a> Backend for Session<'a> {
    type Grant = Grant;
    type Upstream = Upstream<'a>;

    fn admit(&mut self, presented: Presented<'_>) -> Result<Grant, Refusal> {
        let claim = match presented {
            Presented::Nothing => Claim::Nobody,
            Presented::Unreadable => Claim::Nonsense,
            Presented::Basic(known) => {
                Claim::Login { login: known.login, password: known.password }
            }
        };
        let was_of = self.seat.lease();
        let admitted = admit::admit(self.worker, self.seat, self.source, self.entry, claim);
        let grant = admitted.map_err(|Denied { refusal, lease }| {
            let (source, target) = (self.source, None);
            self.worker.refused(Event { refusal, lease, source, target });
            refusal
        })?;
        self.has_turn |= self.seat.lease() != was_of;
        *self.handshake = None;
        Ok(grant)
    }

    fn refused(&mut self, refusal: Refusal, target: Option<&Target>) {
        let (lease, source) = (self.seat.lease(), self.source);
        self.worker.refused(Event { refusal, lease, source, target });
    }

    async fn connect(&mut self, grant: &Grant, target: &Target) -> Result<Upstream<'a>, Refusal> {
        self.due(self.worker.shared.settings.connect);
        let policy = policies(self.worker);
        let has_turn = std::mem::take(&mut self.has_turn);
        let reach = async {
            if !has_turn {
                grant.take_turn(self.worker.nanos())?;
            }
            destination::reach(self.worker, grant, target).await
        };
        let reached = match self.worker.within(self.seat, reach).await {
            Ok(reached) => reached,
            Err(End::Deadline) => Err(Refusal::ConnectTimeout),
            Err(end) => Err(end.into()),
        };
        if let Err(refusal) = &reached {
            self.refused(*refusal, Some(target));
        }
        let (worker, grant) = (self.worker, grant.clone());
        reached.map(|stream| Upstream { stream, grant, worker, policy })
    }

    fn may_reuse(&self, upstream: &Upstream<'a>, grant: &Grant) -> bool {
        upstream.grant.leaves_like(grant) && upstream.policy == policies(self.worker)
    }

    fn cut(&mut self, upstream: Upstream<'a>) {
        reset_on_drop(&upstream.stream);
    }

    fn due(&mut self, after: Duration) {
        self.seat.due(self.worker.after(after));
    }

    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Stop> {
        match self.seat.poll_end(cx) {
            None => Poll::Pending,
            Some(End::Deadline) => Poll::Ready(Stop::Late),
            Some(_) => Poll::Ready(Stop::Over),
        }
    }

    fn poll_drain(&mut self, _: &mut Context<'_>) -> Poll<()> {
        // Who waits at a seat is woken when this changes.
        if self.worker.is_draining() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A connection to a destination, whose bytes are the lease's.
pub(crate) struct Upstream<'a> {
    stream: TcpStream,
    grant: Grant,
    worker: &'a Worker,
    /// By which policy it was judged.
    policy: u64,
}

/// How many policies there were: a connection that was judged by another one is not used again.
fn policies(worker: &Worker) -> u64 {
    worker.shared.policies.load(Ordering::Acquire)
}

/// Fewer bytes than this are not worth a call.
const ROOM_MIN: usize = 1024;

impl Upstream<'_> {
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// How many bytes may pass now. If there are none, the task is woken when there may be.
    fn poll_room(&self, cx: &Context<'_>, way: Way) -> Poll<usize> {
        let Some(rate) = self.grant.byte_rate() else { return Poll::Ready(usize::MAX) };
        let room = self.grant.room(way, rate, self.worker.nanos());
        if room < ROOM_MIN {
            self.worker.throttle(cx);
            return Poll::Pending;
        }
        Poll::Ready(room)
    }

    fn passed(&self, way: Way, count: usize) {
        self.grant.count(way, count);
        if let Some(rate) = self.grant.byte_rate() {
            self.grant.fill(way, count, rate, self.worker.nanos());
        }
    }
}

impl AsyncRead for Upstream<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = ready!(self.poll_room(cx, Way::Down)).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        let count = part.filled().len();
        buffer.advance(count);
        self.passed(Way::Down, count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upstream<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = ready!(self.poll_room(cx, Way::Up));
        let part = bytes.get(..room).unwrap_or(bytes);
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
        self.passed(Way::Up, count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
