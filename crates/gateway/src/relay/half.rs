//! One direction of a tunnel.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::pipe::{SpliceFlags, splice};
use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use super::pipes::Pipe;
use crate::admit::Grant;
use crate::link::Side;
use crate::meter::Way;
use crate::worker::Worker;

/// One direction of a tunnel, and what it holds that has been read and not yet written.
#[derive(Debug)]
pub(super) struct Half {
    way: Way,
    stage: Stage,
    /// Whether so much came lately that a pipe is worth it.
    is_bulk: bool,
    /// Whether something was written that may not have been sent: TLS keeps what the network does
    /// not take.
    is_unsent: bool,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is held.
    Empty,
    /// Some bytes are held, from `at` on.
    Held { bytes: Vec<u8>, at: usize },
    /// So many bytes are in a pipe.
    Piped { pipe: Pipe, left: usize },
    /// There will be no more; the other side is yet to be told.
    Ending,
    /// The other side has been told.
    Over,
}

/// What one turn may pass on before other tunnels of the thread have theirs.
const TURN: usize = 4 << 20;
/// The most that is asked of one splice.
const SPLICE: usize = 1 << 20;
/// A burst that is smaller is copied the next time.
const SMALL: usize = 16 * 1024;

impl Half {
    /// A direction that begins with `early`.
    pub(super) fn new(way: Way, early: Vec<u8>) -> Half {
        let stage =
            if early.is_empty() { Stage::Empty } else { Stage::Held { bytes: early, at: 0 } };
        Half { way, stage, is_bulk: false, is_unsent: false }
    }

    /// Whether everything has been read and passed on.
    pub(super) fn has_passed_all(&self) -> bool {
        matches!(self.stage, Stage::Ending | Stage::Over)
    }

    /// Tells the other side that there will be no more, if that is so and it was not told yet.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>, to: &mut impl Side) {
        if let Stage::Ending = self.stage
            // Who has gone already need not be told.
            && Pin::new(to).poll_shutdown(context).is_ready()
        {
            self.stage = Stage::Over;
        }
    }

    /// Passes on what there is. Ready when there will be no more.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        worker: &Worker,
        grant: &Grant,
        from: &mut impl Side,
        to: &mut impl Side,
    ) -> Poll<io::Result<()>> {
        let mut passed = 0;
        loop {
            match &mut self.stage {
                Stage::Held { bytes, at } => {
                    while let Some(rest) = bytes.get(*at..).filter(|rest| !rest.is_empty()) {
                        *at += ready!(Pin::new(&mut *to).poll_write(context, rest))?;
                        self.is_unsent = true;
                    }
                    self.stage = Stage::Empty;
                }
                Stage::Piped { pipe, left } => {
                    let to = to.bare().ok_or(io::ErrorKind::Unsupported)?;
                    while *left > 0 {
                        *left -= ready!(poll_splice_out(context, pipe, to, *left))?;
                    }
                    if let Stage::Piped { pipe, .. } =
                        std::mem::replace(&mut self.stage, Stage::Empty)
                    {
                        worker.pipes.borrow_mut().give(pipe);
                    }
                }
                Stage::Empty => {
                    if std::mem::replace(&mut self.is_unsent, false)
                        && Pin::new(&mut *to).poll_flush(context)?.is_pending()
                    {
                        self.is_unsent = true;
                        return Poll::Pending;
                    }
                    if passed >= TURN {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    let Some(most) = allowance(context, worker, grant, self.way) else {
                        return Poll::Pending;
                    };
                    let count = ready!(self.poll_fill(context, worker, from, to, most))?;
                    if count == 0 {
                        self.stage = Stage::Ending;
                        continue;
                    }
                    passed += count;
                    grant.count(self.way, count);
                    if let Some(rate) = grant.byte_rate() {
                        grant.fill(self.way, count, rate, worker.nanos());
                    }
                }
                Stage::Ending | Stage::Over => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Reads up to `most` bytes and writes what can be written at once; the rest is held. Zero is
    /// the end.
    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        worker: &Worker,
        from: &mut impl Side,
        to: &mut impl Side,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        while let (true, Some(from), Some(_)) = (self.is_bulk, from.bare(), to.bare()) {
            ready!(from.poll_read_ready(context))?;
            let Some(pipe) = worker.pipes.borrow_mut().take() else { break };
            match splice_in(from, &pipe, most.min(SPLICE)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    worker.pipes.borrow_mut().give(pipe);
                }
                Ok(count) if count > 0 => {
                    self.is_bulk = count >= SMALL;
                    self.stage = Stage::Piped { pipe, left: count };
                    return Poll::Ready(Ok(count));
                }
                ended => {
                    worker.pipes.borrow_mut().give(pipe);
                    return Poll::Ready(ended);
                }
            }
        }
        let mut scratch = worker.scratch.borrow_mut();
        let scratch_size = scratch.len();
        let room = scratch_size.min(most);
        let mut buffer = ReadBuf::new(&mut scratch[..room]);
        ready!(Pin::new(&mut *from).poll_read(context, &mut buffer))?;
        let bytes = buffer.filled();
        // More came than fits, so that more is there.
        self.is_bulk = bytes.len() == scratch_size;
        let mut at = 0;
        while at < bytes.len() {
            match Pin::new(&mut *to).poll_write(context, &bytes[at..]) {
                Poll::Ready(written) => {
                    at += written?;
                    self.is_unsent = true;
                }
                Poll::Pending => {
                    self.stage = Stage::Held { bytes: bytes[at..].to_vec(), at: 0 };
                    break;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    /// Lets go of what is held, for a tunnel that ends with something in a pipe.
    pub(super) fn drop_pipe(&mut self, worker: &Worker) {
        if let Stage::Piped { .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            worker.pipes.borrow_mut().lose();
        }
    }
}

/// How many bytes may be read now. If there are none, the task will be woken when there may be.
pub(crate) fn allowance(
    context: &Context<'_>,
    worker: &Worker,
    grant: &Grant,
    way: Way,
) -> Option<usize> {
    let Some(rate) = grant.byte_rate() else { return Some(usize::MAX) };
    let room = grant.room(way, rate, worker.nanos());
    // A few bytes at a time would cost a call each.
    if room < 1024 {
        worker.throttle(context);
        return None;
    }
    Some(room)
}

const FLAGS: SpliceFlags = SpliceFlags::MOVE.union(SpliceFlags::NONBLOCK);

fn splice_in(from: &TcpStream, pipe: &Pipe, most: usize) -> io::Result<usize> {
    from.try_io(Interest::READABLE, || Ok(splice(from, None, &pipe.into, None, most, FLAGS)?))
}

fn poll_splice_out(
    context: &mut Context<'_>,
    pipe: &Pipe,
    to: &TcpStream,
    left: usize,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(to.poll_write_ready(context))?;
        let spliced =
            to.try_io(Interest::WRITABLE, || Ok(splice(&pipe.out, None, to, None, left, FLAGS)?));
        match spliced {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            done => return Poll::Ready(done),
        }
    }
}
