//! A client's connection that speaks HTTP: one request after the other, each judged by itself.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Instant;

use super::answer::Ends;
use super::backend::{Backend, Ending, Limits, Stop};
use super::buffer::{Input, Output};
use super::credentials::{Presented, Room};
use super::exchange::{Exchange, Finished, Sides};
use super::farewell::{linger, refuse, within};
use super::framing::Length;
use super::head::{HeadError, Scanner, read_request, slots};
use super::request::{Asked, Request};
use crate::refusal::Refusal;
use crate::target::Target;

/// A request that cannot be repeated goes over a connection that was used this short a time ago,
/// or over a new one: the destination may be closing it just now.
const FRESH: Duration = Duration::from_secs(2);

/// A connection to a destination that may carry another request.
struct Kept<U> {
    stream: U,
    input: Input,
    target: Target,
    since: Instant,
}

/// A request that has been judged, written for its destination.
struct Forward {
    target: Target,
    asked: Asked,
    head: Output,
}

/// What came of reading a request.
enum Next<G> {
    Forward(G, Forward),
    Connect(G, Target),
    Refused(Refusal, Ends),
}

/// Serves a client until it leaves, is refused for good, or goes on in another way. `input` is
/// what has been read from it already.
pub async fn serve<C, B>(
    client: &mut C,
    mut input: Input,
    backend: &mut B,
    limits: &Limits,
) -> Ending<B::Grant, B::Upstream>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    // Nobody has been let in yet, and who may be has to say so soon.
    backend.due(limits.head);
    let mut kept = None;
    loop {
        let length = match read_head(client, &mut input, &mut kept, backend, limits).await {
            Ok(Some(length)) => length,
            Ok(None) => return Ending::Closed,
            Err(refusal) => {
                backend.refused(refusal, None);
                refuse(client, refusal, Ends { is_head: false, keeps: false }, backend).await;
                return Ending::Closed;
            }
        };
        let next = judge(input.bytes().get(..length).unwrap_or_default(), backend);
        input.consume(length);
        match next {
            Next::Connect(grant, target) => return Ending::Connect { grant, target, early: input },
            Next::Refused(refusal, ends) => {
                if !refuse(client, refusal, ends, backend).await {
                    return Ending::Closed;
                }
            }
            Next::Forward(grant, forward) => {
                let ends = Ends {
                    is_head: forward.asked.is_head,
                    keeps: forward.asked.keeps && forward.asked.length == Length::Empty,
                };
                let mut carrier = Carrier { client, input: &mut input, backend, limits };
                match carrier.carry(&grant, forward, kept.take()).await {
                    Carried::Kept(upstream) => kept = upstream,
                    Carried::Upgraded(upstream) => return Ending::Upgraded { grant, upstream },
                    Carried::Closed { heard } => {
                        if !heard || !input.is_empty() {
                            linger(client, &mut input, backend).await;
                        }
                        return Ending::Closed;
                    }
                    Carried::Aborted => return Ending::Aborted,
                    Carried::Refused(refusal) => {
                        if !refuse(client, refusal, ends, backend).await {
                            return Ending::Closed;
                        }
                    }
                }
            }
        }
        backend.due(if input.is_empty() { limits.idle } else { limits.head });
    }
}

/// Waits for a whole head; `None` is a client that has left, or is to leave.
async fn read_head<C, B>(
    client: &mut C,
    input: &mut Input,
    kept: &mut Option<Box<Kept<B::Upstream>>>,
    backend: &mut B,
    limits: &Limits,
) -> Result<Option<usize>, Refusal>
where
    C: AsyncRead + Unpin,
    B: Backend,
{
    let mut scanner = Scanner::default();
    let (mut begun, mut forgiven, mut timed) = (false, false, !input.is_empty());
    loop {
        if !begun {
            // One empty line before a request is forgiven (RFC 9112, section 2.2).
            if !forgiven && input.bytes().starts_with(b"\r\n") {
                forgiven = true;
                input.consume(2);
            }
            // What is not the first letter of a method is not HTTP; better said now than later.
            match input.bytes() {
                [] | [b'\r'] => {}
                [first, ..] if first.is_ascii_alphabetic() => begun = true,
                _ => return Err(Refusal::Malformed),
            }
        }
        if begun && let Some(length) = scanner.end(input.bytes()).map_err(Refusal::from)? {
            return Ok(Some(length));
        }
        let was_empty = input.is_empty();
        let filled = poll_fn(|cx| {
            if let Poll::Ready(filled) = input.poll_fill(cx, client) {
                return Poll::Ready(Ok(filled));
            }
            if was_empty {
                if kept.as_mut().is_some_and(|kept| kept.is_over(cx)) {
                    *kept = None;
                }
                if backend.poll_drain(cx).is_ready() {
                    return Poll::Ready(Err(Stop::Over));
                }
            }
            backend.poll_stop(cx).map(Err)
        });
        match filled.await {
            Ok(Ok(0)) => return Ok(None),
            Ok(Ok(_)) if !timed && scanner_needs_more(input) => {
                timed = true;
                backend.due(limits.head);
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.kind() == io::ErrorKind::StorageFull => {
                return Err(Refusal::HeadTooLarge);
            }
            Ok(Err(_)) => return Ok(None),
            Err(Stop::Late) if !input.is_empty() => return Err(Refusal::RequestTimeout),
            Err(_) => return Ok(None),
        }
    }
}

/// Whether the first read has not brought a whole head, so that the rest gets a deadline. Most
/// heads come whole, and cost no timer.
fn scanner_needs_more(input: &Input) -> bool {
    !input.bytes().ends_with(b"\r\n\r\n")
}

/// Reads, judges and rewrites a request. Nothing of it is kept but what comes back.
fn judge<B: Backend>(head: &[u8], backend: &mut B) -> Next<B::Grant> {
    let closing = Ends { is_head: head.starts_with(b"HEAD "), keeps: false };
    let mut slots = slots();
    let judged = read_request(head, &mut slots).map_err(HeadError::into).and_then(Request::judge);
    let request = match judged {
        Ok(request) => request,
        Err(refusal) => {
            backend.refused(refusal, None);
            return Next::Refused(refusal, closing);
        }
    };
    let asked = request.asked();
    // A tunnel that is refused is closed: what follows was meant for its other end.
    let ends = Ends {
        keeps: asked.keeps && asked.length == Length::Empty && !request.is_connect(),
        ..closing
    };
    let mut room = Room::default();
    let grant = match backend.admit(Presented::read(request.credentials(), &mut room)) {
        Ok(grant) => grant,
        Err(refusal) => return Next::Refused(refusal, ends),
    };
    if request.is_connect() {
        return match request.connect_target() {
            Ok(target) => Next::Connect(grant, target),
            Err(refusal) => {
                backend.refused(refusal, None);
                Next::Refused(refusal, ends)
            }
        };
    }
    match request.destination() {
        Ok(destination) => {
            let mut output = Output::default();
            request.write(&destination, output.bytes());
            Next::Forward(grant, Forward { target: destination.target, asked, head: output })
        }
        Err(refusal) => {
            backend.refused(refusal, None);
            Next::Refused(refusal, closing)
        }
    }
}

/// What passing one request on came to.
enum Carried<U> {
    Kept(Option<Box<Kept<U>>>),
    Upgraded(U),
    /// `heard` is whether the client has nothing more to say.
    Closed {
        heard: bool,
    },
    Aborted,
    Refused(Refusal),
}

/// What one request is passed on with.
struct Carrier<'a, C, B> {
    client: &'a mut C,
    input: &'a mut Input,
    backend: &'a mut B,
    limits: &'a Limits,
}

impl<C, B> Carrier<'_, C, B>
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    /// Passes a request on, over the connection that is there if it will do.
    async fn carry(
        &mut self,
        grant: &B::Grant,
        forward: Forward,
        kept: Option<Box<Kept<B::Upstream>>>,
    ) -> Carried<B::Upstream> {
        let Forward { target, asked, head } = forward;
        let mut kept = kept.filter(|kept| self.will_do(kept, grant, &target, &asked));
        if let Some(there) = &mut kept
            && poll_fn(|cx| Poll::Ready(there.is_over(cx))).await
        {
            kept = None;
        }
        let reused = kept.is_some();
        let mut upstream = match kept {
            Some(kept) => kept,
            None => match self.connect(grant, target.clone()).await {
                Ok(upstream) => upstream,
                Err(refusal) => return Carried::Refused(refusal),
            },
        };
        let mut exchange = Exchange::new(asked, head);
        let mut finished =
            self.run(&mut exchange, &mut upstream, reused && asked.is_repeatable).await;
        if finished == Finished::Gone {
            upstream = match self.connect(grant, target).await {
                Ok(upstream) => upstream,
                Err(refusal) => return Carried::Refused(refusal),
            };
            exchange.begin_again();
            finished = self.run(&mut exchange, &mut upstream, false).await;
        }
        match finished {
            Finished::Done { client_keeps: false, heard, .. } => Carried::Closed { heard },
            Finished::Done { client_keeps: true, upstream_keeps, .. } => {
                upstream.since = Instant::now();
                Carried::Kept(upstream_keeps.then_some(upstream))
            }
            Finished::Upgraded => self.hand_over(upstream).await,
            Finished::Refused(refusal) => self.refused(refusal, &upstream.target),
            Finished::Gone => self.refused(Refusal::ConnectionLost, &upstream.target),
            Finished::Broken => {
                self.backend.cut(upstream.stream);
                Carried::Aborted
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, target: &Target) -> Carried<B::Upstream> {
        self.backend.refused(refusal, Some(target));
        Carried::Refused(refusal)
    }

    fn will_do(
        &self,
        kept: &Kept<B::Upstream>,
        grant: &B::Grant,
        target: &Target,
        asked: &Asked,
    ) -> bool {
        kept.target == *target
            && !asked.upgrades
            && self.backend.may_reuse(&kept.stream, grant)
            && (asked.is_repeatable || kept.since.elapsed() < FRESH)
    }

    async fn connect(
        &mut self,
        grant: &B::Grant,
        target: Target,
    ) -> Result<Box<Kept<B::Upstream>>, Refusal> {
        let stream = self.backend.connect(grant, &target).await?;
        Ok(Box::new(Kept { stream, input: Input::default(), target, since: Instant::now() }))
    }

    async fn run(
        &mut self,
        exchange: &mut Exchange,
        upstream: &mut Kept<B::Upstream>,
        repeats: bool,
    ) -> Finished {
        let sides = Sides {
            client: &mut *self.client,
            from_client: &mut *self.input,
            upstream: &mut upstream.stream,
            from_upstream: &mut upstream.input,
        };
        exchange.run(sides, self.backend, self.limits, repeats).await
    }

    /// Sends on what both sides have said in the new protocol already.
    async fn hand_over(&mut self, mut upstream: Box<Kept<B::Upstream>>) -> Carried<B::Upstream> {
        let sent = async {
            upstream.stream.write_all(self.input.bytes()).await?;
            upstream.stream.flush().await?;
            self.client.write_all(upstream.input.bytes()).await?;
            self.client.flush().await
        };
        self.backend.due(self.limits.stalled);
        match within(self.backend, sent).await {
            Some(Ok(())) => Carried::Upgraded(upstream.stream),
            _ => Carried::Aborted,
        }
    }
}

impl<U: AsyncRead + Unpin> Kept<U> {
    /// Whether the destination has closed the connection, or says what nobody has asked for.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let mut byte = [0];
        Pin::new(&mut self.stream).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_ready()
    }
}
