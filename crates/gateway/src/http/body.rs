//! One body, from who sends it to who receives it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::buffer::{GATHER, Input, Output};
use super::chunked::{Chunked, Form};
use super::framing::Length;

/// A body on its way.
#[derive(Debug)]
pub(super) enum Body {
    Sized(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

/// Why a body does not go on.
#[derive(Debug)]
pub(super) enum Broken {
    /// Its sender failed, ended too early, or does not send what it announced.
    Sender,
    /// Its receiver takes no more.
    Receiver,
}

impl Body {
    pub(super) fn new(length: Length, form: Form) -> Body {
        match length {
            Length::Empty | Length::Sized(0) => Body::Done,
            Length::Sized(length) => Body::Sized(length),
            Length::Chunked => Body::Chunked(Chunked::new(form)),
            Length::UntilClose => Body::UntilClose,
        }
    }

    /// Copies what is there, up to the end of the body, behind what is already to be sent.
    fn gather(&mut self, input: &mut Input, output: &mut Output) -> Result<(), Broken> {
        let room = GATHER.saturating_sub(output.left());
        let bytes = input.bytes();
        let count = match self {
            Body::Done => return Ok(()),
            Body::Chunked(chunked) => {
                let count = chunked.advance(bytes, output.bytes(), room);
                let count = count.map_err(|_| Broken::Sender)?;
                if chunked.is_done() {
                    *self = Body::Done;
                }
                count
            }
            Body::Sized(_) | Body::UntilClose => {
                let part = self.own(bytes);
                let part = part.get(..room).unwrap_or(part);
                output.bytes().extend_from_slice(part);
                let count = part.len();
                self.passed(count);
                count
            }
        };
        input.consume(count);
        Ok(())
    }

    /// The part of the bytes that belongs to a body that is passed on as it is.
    fn own<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        match self {
            Body::Sized(left) => {
                usize::try_from(*left).ok().and_then(|left| bytes.get(..left)).unwrap_or(bytes)
            }
            Body::UntilClose => bytes,
            Body::Chunked(_) | Body::Done => &[],
        }
    }

    fn passed(&mut self, count: usize) {
        if let Body::Sized(left) = self {
            *left = left.saturating_sub(count as u64);
            if *left == 0 {
                *self = Body::Done;
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Body::Done)
    }

    /// Moves the body on until it has ended and all is sent.
    pub(super) fn poll_move<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        (from, input): (&mut R, &mut Input),
        (to, output): (&mut W, &mut Output),
        progress: &mut bool,
    ) -> Poll<Result<(), Broken>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            // Small pieces gather behind what is to be sent; large ones go straight on.
            let straight = output.left() == 0 && !matches!(self, Body::Chunked(_));
            if !input.is_empty() && !straight && output.is_untouched() {
                self.gather(input, output)?;
            }
            if output.left() > 0 {
                let before = output.left();
                let sent = output.poll_send(cx, to);
                *progress |= output.left() < before;
                ready!(sent).map_err(|_| Broken::Receiver)?;
                // Bodies are not sent twice, heads may be: those are cleared by their owner.
                if !self.is_done() {
                    output.clear();
                }
            }
            if self.is_done() {
                return Pin::new(to).poll_flush(cx).map_err(|_| Broken::Receiver);
            }
            let own = self.own(input.bytes());
            if !own.is_empty() {
                let sent = ready!(Pin::new(&mut *to).poll_write(cx, own));
                let count = sent.ok().filter(|count| *count > 0).ok_or(Broken::Receiver)?;
                *progress = true;
                self.passed(count);
                input.consume(count);
                continue;
            }
            if Pin::new(&mut *to).poll_flush(cx)?.is_pending() {
                return Poll::Pending;
            }
            match ready!(input.poll_fill(cx, from)) {
                Ok(0) if matches!(self, Body::UntilClose) => *self = Body::Done,
                Ok(0) | Err(_) => return Poll::Ready(Err(Broken::Sender)),
                Ok(_) => *progress = true,
            }
        }
    }
}

impl From<io::Error> for Broken {
    /// Only what is sent is flushed.
    fn from(_: io::Error) -> Broken {
        Broken::Receiver
    }
}
