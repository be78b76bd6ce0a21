//! Passing datagrams on, each way.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::net::{SendFlags, sendto};
use tokio::io::{AsyncRead, ReadBuf};

use super::peers::Peers;
use super::{Sockets, may_be};
use crate::admit::Grant;
use crate::flows::Seat;
use crate::link::Link;
use crate::meter::Way;
use crate::policy::Transport;
use crate::refusal::Refusal;
use crate::refusals::Event;
use crate::relay::allowance;
use crate::resolve::{Family, Judge};
use crate::socks5::datagram::{self, HEAD_MAX};
use crate::target::{Host, Target};
use crate::worker::Worker;

/// An association while it lives: done when it has to end.
pub(super) struct Passing<'a> {
    worker: &'a Worker,
    seat: &'a Seat,
    grant: &'a Grant,
    stream: &'a mut Link,
    sockets: &'a mut Sockets,
    peers: Peers,
    lookups: Vec<Lookup<'a>>,
    /// The bytes that wait for names.
    waiting: usize,
    idle: u64,
}

/// A name that is looked up, and the payload that waits for it.
type Lookup<'a> = Pin<Box<dyn Future<Output = Looked> + 'a>>;

/// What came of it.
struct Looked {
    found: Result<SocketAddr, Refusal>,
    target: Target,
    payload: Vec<u8>,
}

/// Datagrams that one turn passes on or drops, each way, before other flows of the thread have
/// theirs.
const TURN: usize = 32;
/// Names that are looked up at a time, and bytes that wait for them. While there are so many,
/// nothing more is read of the client.
const LOOKUPS_MAX: usize = 8;
const WAITING_MAX: usize = 32 * 1024;

impl<'a> Passing<'a> {
    /// Passes on what comes to `sockets`, as long as `stream` lives.
    pub(super) fn new(
        worker: &'a Worker,
        seat: &'a Seat,
        grant: &'a Grant,
        stream: &'a mut Link,
        sockets: &'a mut Sockets,
    ) -> Passing<'a> {
        let idle = worker.shared.settings.udp.idle;
        seat.due(worker.after(idle));
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let (peers, lookups, waiting) = (Peers::default(), Vec::new(), 0);
        Passing { worker, seat, grant, stream, sockets, peers, lookups, waiting, idle }
    }

    /// Ready when the client has closed its connection. What it says there is nothing to us.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..TURN {
            let mut scratch = self.worker.scratch.borrow_mut();
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut *self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes a datagram of the client, and passes it on, keeps it until its name is known, or drops
    /// it.
    fn poll_up(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.lookups.len() >= LOOKUPS_MAX || self.waiting >= WAITING_MAX {
            return Poll::Pending;
        }
        let worker = self.worker;
        if allowance(context, worker, self.grant, Way::Up).is_none() {
            return Poll::Pending;
        }
        let mut scratch = worker.scratch.borrow_mut();
        let mut buffer = ReadBuf::new(&mut scratch);
        let received = ready!(self.sockets.entry.poll_recv_from(context, &mut buffer));
        // An error tells of a datagram that was sent and did not arrive, which is nothing new.
        let Ok(from) = received else { return Poll::Ready(()) };
        if !self.sockets.is_client(from) {
            return Poll::Ready(());
        }
        let Ok((target, payload)) = datagram::parse(buffer.filled()) else {
            return Poll::Ready(());
        };
        if self.sockets.client.port() == 0 {
            self.sockets.client = from;
            self.sockets.hear_client_alone();
        }
        match target.host() {
            Host::Address(ip) => {
                let to = SocketAddr::new(*ip, target.port());
                let ports = self.grant.ports();
                let policy = worker.shared.policy.load();
                let judged = policy.judge(to, Transport::Udp, ports.as_deref());
                match judged {
                    Ok(to) => self.send_up(to, payload),
                    Err(refusal) => self.refused(refusal, &target),
                }
            }
            Host::Name(_) => {
                let payload = payload.to_vec();
                drop(scratch);
                self.look_up(target, payload);
                self.poll_lookups(context);
            }
        }
        Poll::Ready(())
    }

    fn look_up(&mut self, target: Target, payload: Vec<u8>) {
        let (worker, grant, family) = (self.worker, self.grant, self.sockets.family);
        self.waiting += payload.len();
        self.lookups.push(Box::pin(async move {
            let policy = worker.shared.policy.load_full();
            let ports = grant.ports();
            let transport = Transport::Udp;
            let judge = Judge { policy: &policy, transport, ports: ports.as_deref() };
            let found = worker.resolver.resolve(&target, family, judge).await;
            Looked { found: found.map(|found| found.first()), target, payload }
        }));
    }

    /// Passes on what has waited for a name that is known now.
    fn poll_lookups(&mut self, context: &mut Context<'_>) {
        let mut at = 0;
        while let Some(lookup) = self.lookups.get_mut(at) {
            match lookup.as_mut().poll(context) {
                Poll::Pending => at += 1,
                Poll::Ready(Looked { found, target, payload }) => {
                    drop(self.lookups.swap_remove(at));
                    self.waiting -= payload.len();
                    match found {
                        Ok(to) => self.send_up(to, &payload),
                        Err(refusal) => self.refused(refusal, &target),
                    }
                }
            }
        }
    }

    /// Notes that a datagram goes nowhere.
    fn refused(&self, refusal: Refusal, target: &Target) {
        let (lease, source) = (self.seat.lease(), self.sockets.client.ip().to_canonical());
        self.worker.refused(Event { refusal, lease, source, target: Some(target) });
    }

    /// Sends from the exit. `to` must be the very address that the policy has judged.
    fn send_up(&mut self, to: SocketAddr, payload: &[u8]) {
        if Family::of(to.ip()) != self.sockets.family {
            return;
        }
        // Noted before, because the answer may be there before this returns.
        self.peers.note(to.ip());
        // What the network does not take now is lost, as datagrams are.
        if sendto(&self.sockets.exit, payload, SendFlags::DONTWAIT, &to).is_ok() {
            self.has_passed(Way::Up, payload.len());
        }
    }

    /// Takes a datagram that came to the exit, and passes it on or drops it.
    fn poll_down(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let worker = self.worker;
        if allowance(context, worker, self.grant, Way::Down).is_none() {
            return Poll::Pending;
        }
        let mut scratch = worker.scratch.borrow_mut();
        // The largest payload fits behind the largest head.
        let (head, room) = scratch.split_at_mut(HEAD_MAX);
        let mut buffer = ReadBuf::new(room);
        let received = ready!(self.sockets.exit.poll_recv_from(context, &mut buffer));
        let Ok(from) = received else { return Poll::Ready(()) };
        let count = buffer.filled().len();
        if !self.peers.contains(from.ip()) {
            return Poll::Ready(());
        }
        let at = datagram::write_head(from, head);
        let message = &scratch[at..HEAD_MAX + count];
        let (entry, client) = (&self.sockets.entry, &self.sockets.client);
        if sendto(entry, message, SendFlags::DONTWAIT, client).is_ok() {
            self.has_passed(Way::Down, count);
        }
        Poll::Ready(())
    }

    /// Counts a payload that was passed on.
    fn has_passed(&self, way: Way, count: usize) {
        self.grant.count(way, count);
        if let Some(rate) = self.grant.byte_rate() {
            self.grant.fill(way, count, rate, self.worker.nanos());
        }
        self.seat.due(self.worker.coarse_millis().saturating_add(self.idle));
    }
}

impl Future for Passing<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let passing = &mut *self;
        if passing.seat.poll_end(context).is_some()
            || !may_be(&passing.worker.shared, passing.grant)
            || passing.poll_gone(context).is_ready()
        {
            return Poll::Ready(());
        }
        passing.poll_lookups(context);
        let (mut up, mut down) = (true, true);
        for _ in 0..TURN {
            up = up && passing.poll_up(context).is_ready();
            down = down && passing.poll_down(context).is_ready();
            if !up && !down {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
