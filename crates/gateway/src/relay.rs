//! Passing bytes on between a client and its destination.
//!
//! What comes in small pieces is copied through a buffer that the whole thread shares. What comes
//! in bulk goes through a pipe inside the kernel, and the pipe is given back as soon as nothing is
//! in it. A tunnel that is silent holds neither.

mod half;
mod pipes;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use self::half::Half;
pub(crate) use self::half::allowance;
pub(crate) use self::pipes::Pipes;
use crate::admit::Grant;
use crate::flows::Seat;
use crate::link::Link;
use crate::meter::Way;
use crate::worker::Worker;

/// How a relay came to its end.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Both sides have said all they had to say.
    Done,
    /// One side broke off.
    Broken,
    /// The connection had to end.
    Ended,
}

/// A tunnel: done when both directions are.
pub(crate) struct Relay<'a> {
    worker: &'a Worker,
    seat: &'a Seat,
    grant: &'a Grant,
    client: &'a mut Link,
    server: &'a mut TcpStream,
    up: Half,
    down: Half,
    idle: u64,
}

impl<'a> Relay<'a> {
    /// A tunnel from `client` to `server`. `early` is what the client has already sent.
    pub(crate) fn new(
        worker: &'a Worker,
        seat: &'a Seat,
        grant: &'a Grant,
        client: &'a mut Link,
        server: &'a mut TcpStream,
        early: Vec<u8>,
    ) -> Relay<'a> {
        let idle = worker.shared.settings.idle.as_millis();
        grant.count(Way::Up, early.len());
        Relay {
            worker,
            seat,
            grant,
            client,
            server,
            up: Half::new(Way::Up, early),
            down: Half::new(Way::Down, Vec::new()),
            idle: u64::try_from(idle).unwrap_or(u64::MAX),
        }
    }
}

impl Future for Relay<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let relay = &mut *self;
        if relay.seat.poll_end(context).is_some() {
            return Poll::Ready(Outcome::Ended);
        }
        let (worker, grant) = (relay.worker, relay.grant);
        let up = relay.up.poll(context, worker, grant, relay.client, relay.server);
        let down = relay.down.poll(context, worker, grant, relay.server, relay.client);
        if let (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) = (up, down) {
            return Poll::Ready(Outcome::Broken);
        }
        if relay.up.has_passed_all() && relay.down.has_passed_all() {
            // To close tells both sides.
            return Poll::Ready(Outcome::Done);
        }
        relay.up.poll_end(context, relay.server);
        relay.down.poll_end(context, relay.client);
        relay.seat.due(worker.coarse_millis().saturating_add(relay.idle));
        Poll::Pending
    }
}

impl Drop for Relay<'_> {
    fn drop(&mut self) {
        self.up.drop_pipe(self.worker);
        self.down.drop_pipe(self.worker);
    }
}
