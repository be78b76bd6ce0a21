//! A client's connection, bare or inside TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ServerConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// One side of a tunnel.
pub(crate) trait Side: AsyncRead + AsyncWrite + Unpin {
    /// The connection, if bytes are in it as they are: then the kernel can pass them on by itself.
    fn bare(&self) -> Option<&TcpStream>;
}

impl Side for TcpStream {
    fn bare(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

/// A client's connection.
#[derive(Debug)]
pub(crate) enum Link {
    /// As it is.
    Bare(TcpStream),
    /// Inside TLS.
    Tls(Box<TlsStream<Reread>>),
}

impl Link {
    /// Begins TLS on a connection of which `read` has been read.
    pub(crate) async fn secure(
        stream: TcpStream,
        read: Vec<u8>,
        config: Arc<ServerConfig>,
    ) -> io::Result<Link> {
        let inner = Reread { read, at: 0, stream };
        let stream = TlsAcceptor::from(config).accept(inner).await?;
        Ok(Link::Tls(Box::new(stream)))
    }

    fn stream(&self) -> &TcpStream {
        match self {
            Link::Bare(stream) => stream,
            Link::Tls(stream) => &stream.get_ref().0.stream,
        }
    }

    /// Where the client came in.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream().local_addr()
    }

    /// Where the client comes from.
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream().peer_addr()
    }

    /// Whether it is inside TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Link::Tls(_))
    }

    /// Has the connection reset when it is dropped, so that nobody takes half of something for the
    /// whole.
    pub(crate) fn reset_on_drop(&self) {
        reset_on_drop(self.stream());
    }
}

/// Has a connection reset when it is dropped.
pub(crate) fn reset_on_drop(stream: &TcpStream) {
    // One that has gone already needs none.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

impl Side for Link {
    fn bare(&self) -> Option<&TcpStream> {
        match self {
            Link::Bare(stream) => Some(stream),
            Link::Tls(_) => None,
        }
    }
}

impl AsyncRead for Link {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Bare(stream) => Pin::new(stream).poll_read(context, buffer),
            Link::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Link {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Link::Bare(stream) => Pin::new(stream).poll_write(context, bytes),
            Link::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Bare(stream) => Pin::new(stream).poll_flush(context),
            Link::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Link::Bare(stream) => Pin::new(stream).poll_shutdown(context),
            Link::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// A connection of which something was read to see what it speaks; that is read again first.
#[derive(Debug)]
pub(crate) struct Reread {
    read: Vec<u8>,
    at: usize,
    stream: TcpStream,
}

impl AsyncRead for Reread {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.read.get(self.at..).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.at += count;
        if self.at == self.read.len() {
            (self.read, self.at) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Reread {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
