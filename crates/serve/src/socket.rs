use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    link::{Link, Write},
    stats::count,
};

/// A client's socket that tells its [`Link`] what it sees, and fails when the client does not read.
#[derive(Debug)]
pub(crate) struct Socket {
    reader: OwnedReadHalf,
    /// Has the other half.
    link: Attached,
    stall: Stall,
    too_large: bool,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, link: Arc<Link>) -> Socket {
        let (reader, writer) = stream.into_split();
        link.attach(writer);
        Socket { reader, link: Attached(link), stall: Stall::default(), too_large: false }
    }

    /// Whether hyper wanted to refuse a head for its size. Its answer was not written, since only
    /// the head can tell which answer is right.
    pub(crate) fn head_is_too_large(&self) -> bool {
        self.too_large
    }

    /// The stream, with which the link has nothing more to do.
    pub(crate) fn into_stream(self) -> Option<TcpStream> {
        self.reader.reunite(self.link.0.detach()?).ok()
    }

    fn before_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let link = &self.link.0;
        match link.about_to_write() {
            Write::Plain => Ok(()),
            Write::Watched if !link.has_client_left() => Ok(()),
            Write::Watched => {
                link.ended();
                Err(ErrorKind::BrokenPipe.into())
            }
            Write::Refusal if bytes.get(9..12) == Some(b"431") => {
                self.too_large = true;
                Err(ErrorKind::InvalidData.into())
            }
            Write::Refusal => Ok(()),
        }
    }

    /// Writes, with an eye on a client that does not read.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut OwnedWriteHalf>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let link = &self.link.0;
        let written = link.with_writer(|writer| write(Pin::new(writer), cx));
        let written = written.unwrap_or_else(over);
        match written {
            Poll::Ready(Ok(_)) => self.stall.is_over(),
            Poll::Ready(Err(_)) => link.ended(),
            Poll::Pending => {
                if self.stall.poll(cx, link).is_ready() {
                    link.ended();
                    count(&link.stats.write_timeouts);
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
        let read = Pin::new(&mut this.reader).poll_read(cx, buf);
        match &read {
            Poll::Ready(Ok(())) if buf.filled().len() > before => this.link.0.read(),
            Poll::Ready(Ok(())) if room == 0 => {}
            Poll::Ready(_) => this.link.0.ended(),
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
        this.write(cx, |writer, cx| writer.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.before_write(bufs.first().map_or(&[], |buf| buf))?;
        this.write(cx, |writer, cx| writer.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.link.0.with_writer(|writer| writer.is_write_vectored()).unwrap_or(false)
    }

    /// hyper calls this once it has written everything it has, and only then.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let link = &self.link.0;
        let flushed = link.with_writer(|writer| Pin::new(writer).poll_flush(cx));
        let flushed = flushed.unwrap_or_else(over);
        if let Poll::Ready(Ok(())) = flushed {
            link.flushed();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.link.0.with_writer(|writer| Pin::new(writer).poll_shutdown(cx));
        shut.unwrap_or_else(over)
    }
}

/// What a half says that is not there any more.
fn over<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(ErrorKind::NotConnected.into()))
}

/// A socket's tie to its link, which ends with it.
#[derive(Debug)]
struct Attached(Arc<Link>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.ended();
        // Whoever still holds the link must not hold the connection open.
        if let Some(writer) = self.0.detach() {
            writer.forget();
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
