//! A client that has not yet got what it wants.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::admit::{self, Claim, Denied, Grant};
use crate::flows::{End, Seat};
use crate::http::Input;
use crate::http::session::Session;
use crate::link::Link;
use crate::refusal::Refusal;
use crate::refusals::Event;
use crate::table::Entry;
use crate::target::Target;
use crate::throng::Handshake;
use crate::worker::Worker;

/// A client, and what it has sent that nobody has read yet.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) seat: Seat,
    pub(crate) stream: Link,
    pub(crate) held: Vec<u8>,
    source: IpAddr,
    handshake: Option<Handshake>,
}

/// There is no client any more to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It closed the connection, or broke it off.
    Left,
    /// The connection had to end.
    Ended(End),
}

impl Gone {
    /// What may still be said to a client that was too slow; nothing, if it does not hear.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        match self {
            Gone::Left => None,
            Gone::Ended(end) => Some(end.into()),
        }
    }
}

/// How far a reader got with what has arrived.
#[derive(Debug)]
pub(crate) enum Read<T> {
    /// More is needed.
    More,
    /// It has what it wants, from so many bytes.
    Done(T, usize),
}

/// More is never kept of what a client sends before it has got what it wants.
const HELD_MAX: usize = 64 * 1024;
/// What a client that was refused may still send before it is cut off.
const UNREAD_MAX: usize = 256 * 1024;
/// How long it is listened to.
const FAREWELL: Duration = Duration::from_secs(1);

impl Caller {
    /// A client that has just connected.
    pub(crate) fn new(
        worker: &Worker,
        stream: TcpStream,
        source: SocketAddr,
        handshake: Handshake,
    ) -> Caller {
        let seat = worker.sit(source);
        let source = source.ip().to_canonical();
        let (stream, handshake) = (Link::Bare(stream), Some(handshake));
        Caller { seat, stream, held: Vec::new(), source, handshake }
    }

    /// The same client inside TLS, which begins with what it has sent so far. It is over if there
    /// is no certificate.
    pub(crate) async fn secure(self, worker: &Worker) -> Result<Caller, Gone> {
        let Caller { seat, stream, held, source, handshake } = self;
        let config = worker.shared.certificate.load_full();
        let (Link::Bare(stream), Some(config)) = (stream, config) else { return Err(Gone::Left) };
        let secured = Box::pin(Link::secure(stream, held, config));
        match worker.within(&seat, secured).await {
            Ok(Ok(stream)) => Ok(Caller { seat, stream, held: Vec::new(), source, handshake }),
            Ok(Err(_)) => Err(Gone::Left),
            Err(end) => Err(Gone::Ended(end)),
        }
    }

    /// Reads until `reader` has what it wants. It is given all that has arrived, each time.
    ///
    /// What comes in one piece, as it nearly always does, is read where it lies.
    pub(crate) async fn read<T>(
        &mut self,
        worker: &Rc<Worker>,
        mut reader: impl FnMut(&mut Guest<'_>, &[u8]) -> Read<T>,
    ) -> Result<T, Gone> {
        let mut fresh = !self.held.is_empty();
        std::future::poll_fn(|context| {
            loop {
                if let Some(end) = self.seat.poll_end(context) {
                    return Poll::Ready(Err(Gone::Ended(end)));
                }
                let Caller { seat, stream, held, source, .. } = &mut *self;
                let mut guest = Guest { worker, seat, source: *source, stream };
                if fresh {
                    fresh = false;
                    if let Read::Done(found, used) = reader(&mut guest, held) {
                        held.drain(..used);
                        return Poll::Ready(Ok(found));
                    }
                }
                let mut scratch = worker.scratch.borrow_mut();
                let room = scratch.len().min(HELD_MAX - held.len());
                let mut buffer = ReadBuf::new(&mut scratch[..room]);
                let read = ready!(Pin::new(&mut *guest.stream).poll_read(context, &mut buffer));
                let bytes = buffer.filled();
                if read.is_err() || bytes.is_empty() {
                    return Poll::Ready(Err(Gone::Left));
                }
                if !held.is_empty() {
                    held.extend_from_slice(bytes);
                    fresh = true;
                    continue;
                }
                match reader(&mut guest, bytes) {
                    Read::Done(found, used) => {
                        held.extend_from_slice(&bytes[used..]);
                        return Poll::Ready(Ok(found));
                    }
                    Read::More => held.extend_from_slice(bytes),
                }
            }
        })
        .await
    }

    /// The client for one who reads and writes by himself, and what it has said so far.
    pub(crate) fn session<'a>(
        &'a mut self,
        worker: &'a Worker,
    ) -> (Session<'a>, &'a mut Link, Input) {
        let entry = entry(worker, &self.stream);
        let input = Input::with(&std::mem::take(&mut self.held));
        let Caller { seat, stream, source, handshake, .. } = self;
        let session = Session { worker, seat, source: *source, entry, handshake, has_turn: false };
        (session, stream, input)
    }

    /// Notes that it was refused what it wanted.
    pub(crate) fn was_refused(&self, worker: &Worker, refusal: Refusal, target: Option<&Target>) {
        let (lease, source) = (self.seat.lease(), self.source);
        worker.refused(Event { refusal, lease, source, target });
    }

    /// Sends `bytes`.
    pub(crate) async fn send(&mut self, worker: &Worker, bytes: &[u8]) -> Result<(), Gone> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match worker.within(&self.seat, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone::Left),
            Err(end) => Err(Gone::Ended(end)),
        }
    }

    /// Tells a client inside TLS that everything was said: the end of the connection alone might
    /// have been made by somebody else.
    pub(crate) async fn part(&mut self, worker: &Worker) {
        if self.stream.is_tls() {
            self.seat.due(worker.after(FAREWELL));
            // It is over, whether that was heard or not.
            let _ = worker.within(&self.seat, self.stream.shutdown()).await;
        }
    }

    /// The client has said what it wants, and is no longer counted among those who have not.
    pub(crate) fn has_spoken(&mut self) {
        self.handshake = None;
    }

    /// Sends last words and lets the client read them: closing with something unread would take
    /// them back.
    pub(crate) async fn farewell(mut self, worker: &Worker, words: &[u8]) {
        self.seat.part();
        self.seat.linger(worker.after(FAREWELL));
        let Caller { seat, stream, .. } = &mut self;
        let talk = async {
            stream.write_all(words).await?;
            stream.shutdown().await?;
            let mut left = UNREAD_MAX;
            std::future::poll_fn(|context| {
                while left > 0 {
                    let mut scratch = worker.scratch.borrow_mut();
                    let mut buffer = ReadBuf::new(&mut scratch);
                    ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
                    match buffer.filled().len() {
                        0 => break,
                        count => left = left.saturating_sub(count),
                    }
                }
                Poll::Ready(io::Result::Ok(()))
            })
            .await
        };
        // It is over, whatever came of it.
        let _ = worker.within(seat, talk).await;
    }
}

/// A client as its reader may see it.
pub(crate) struct Guest<'a> {
    worker: &'a Worker,
    seat: &'a mut Seat,
    source: IpAddr,
    stream: &'a mut Link,
}

impl Guest<'_> {
    /// Lets the client open a flow of the lease that it claims.
    pub(crate) fn admit(&mut self, claim: Claim<'_>) -> Result<Grant, Refusal> {
        let entry = entry(self.worker, self.stream);
        let admitted = admit::admit(self.worker, self.seat, self.source, entry, claim);
        admitted.map_err(|Denied { refusal, lease }| {
            // Who says nothing may say more when asked.
            if refusal != Refusal::CredentialsNeeded {
                let (source, target) = (self.source, None);
                self.worker.refused(Event { refusal, lease, source, target });
            }
            refusal
        })
    }
}

/// Where a client came in, if there are leases for which that matters.
fn entry(worker: &Worker, stream: &Link) -> Option<Entry> {
    let matters = worker.shared.table.has_entries();
    matters.then(|| stream.local_addr().ok().map(Entry::from)).flatten()
}
