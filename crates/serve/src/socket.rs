use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    link::{Link, Write},
    stats::count,
};

/// A client's socket that tells its [`Link`] what it sees, and fails when the client does not read.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    link: Arc<Link>,
    stall: Stall,
    too_large: bool,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, link: Arc<Link>) -> Socket {
        Socket { stream, link, stall: Stall::default(), too_large: false }
    }

    /// Whether hyper wanted to refuse a head for its size. Its answer was not written, since only
    /// the head can tell which answer is right.
    pub(crate) fn head_is_too_large(&self) -> bool {
        self.too_large
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    fn before_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.link.about_to_write() {
            Write::Plain => Ok(()),
            Write::Watched if !has_left(&self.stream) => Ok(()),
            Write::Watched => {
                self.link.ended();
                Err(ErrorKind::BrokenPipe.into())
            }
            Write::Refusal if bytes.get(9..12) == Some(b"431") => {
                self.too_large = true;
                Err(ErrorKind::InvalidData.into())
            }
            Write::Refusal => Ok(()),
        }
    }

    fn after_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(_)) => self.stall.is_over(),
            Poll::Ready(Err(_)) => self.link.ended(),
            Poll::Pending => {
                if self.stall.poll(cx, &self.link).is_ready() {
                    self.link.ended();
                    count(&self.link.stats.write_timeouts);
                    return Poll::Ready(Err(ErrorKind::TimedOut.into()));
                }
            }
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let room = buf.remaining();
        let read = Pin::new(&mut this.stream).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => this.link.read(),
            Poll::Ready(Ok(())) if room == 0 => {}
            Poll::Ready(_) => this.link.ended(),
            Poll::Pending => {}
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.before_write(buf)?;
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.after_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.before_write(bufs.first().map_or(&[], |buf| buf))?;
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.after_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls this once it has written everything it has, and only then.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed {
            this.link.flushed();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.link.ended();
    }
}

/// Whether the client has ended its side or reset the connection, by what the kernel knows now.
///
/// Neither a read nor the runtime can tell: a read stops at bytes that were sent before the end,
/// and the runtime learns of the end only when it next gathers events.
fn has_left(stream: &TcpStream) -> bool {
    let left = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    let mut fds = [PollFd::new(stream, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        match poll(&mut fds, Some(&now)) {
            Ok(_) => return fds[0].revents().intersects(left),
            Err(Errno::INTR) => {}
            // The write that follows will find out.
            Err(_) => return false,
        }
    }
}

/// How long a client has left no room for a byte.
#[derive(Debug, Default)]
struct Stall {
    running: bool,
    /// Kept from one stall to the next; most connections never have one.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    fn is_over(&mut self) {
        self.running = false;
    }

    /// Ready when the client has had its time.
    fn poll(&mut self, cx: &mut Context<'_>, link: &Link) -> Poll<()> {
        let deadline = || Instant::now() + link.limits.write_stall;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline())));
        if !self.running {
            self.running = true;
            sleep.as_mut().reset(deadline());
        }
        sleep.as_mut().poll(cx)
    }
}
