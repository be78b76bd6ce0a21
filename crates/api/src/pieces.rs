//! Bodies that are sent while they are made, so that a million of anything need no memory.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use engine::fault::Fault;
use http_body_util::combinators::UnsyncBoxBody;

/// The next piece of a body, which may be empty, and what comes after it; `None` at the end.
pub(crate) type Step<P> = Pin<Box<dyn Future<Output = Result<(Vec<u8>, Option<P>), Fault>> + Send>>;

/// The rest of a body.
pub(crate) trait Pieces: Sized + Send + 'static {
    /// Makes the next piece.
    fn step(self) -> Step<Self>;
}

/// The body that begins with `first` and goes on with `rest`.
pub(crate) fn body<P: Pieces>(first: Vec<u8>, rest: Option<P>) -> Body {
    match rest {
        None => Body::from(first),
        Some(rest) => Body::new(UnsyncBoxBody::new(Long { step: Some(rest.step()), out: first })),
    }
}

/// A body that is not made yet as a whole.
///
/// The next piece is made when the last one has gone, so a client that reads slowly holds up nobody
/// else. A fault on the way breaks the connection off: half a body must not look like a whole one.
struct Long<P> {
    /// `None` after the end.
    step: Option<Step<P>>,
    /// What is ready to go.
    out: Vec<u8>,
}

impl<P: Pieces> HttpBody for Long<P> {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Fault>>> {
        let this = self.get_mut();
        while this.out.is_empty() {
            let Some(step) = &mut this.step else { return Poll::Ready(None) };
            let stepped = ready!(step.as_mut().poll(context));
            this.step = None;
            let (piece, rest) = match stepped {
                Ok(stepped) => stepped,
                Err(fault) => return Poll::Ready(Some(Err(fault))),
            };
            this.out = piece;
            this.step = rest.map(Pieces::step);
        }
        let piece = Bytes::from(std::mem::take(&mut this.out));
        Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
    }
}
