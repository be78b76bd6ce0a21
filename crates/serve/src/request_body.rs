use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{link::Link, stats::count};

/// The body of a request, which fails if it takes too long.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    link: Arc<Link>,
    deadline: Instant,
    /// Made when there is something to wait for; most bodies come along with their head.
    sleep: Option<Pin<Box<Sleep>>>,
    is_late: bool,
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It did not come within [`Limits::body`](crate::Limits::body). To be answered with a 408; the
    /// connection is then closed.
    #[error("the request's body took too long")]
    TooSlow,
    /// The connection failed, or the body is not what its head says.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl BodyError {
    /// Whether `error` is a [`BodyError::TooSlow`], or was caused by one; frameworks wrap it.
    pub fn is_too_slow(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| error.source())
            .filter_map(|error| error.downcast_ref())
            .any(|error| matches!(error, BodyError::TooSlow))
    }
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, link: Arc<Link>) -> RequestBody {
        let deadline = Instant::now() + link.limits.body;
        RequestBody { incoming, link, deadline, sleep: None, is_late: false }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(self.deadline)));
        ready!(sleep.as_mut().poll(cx));
        if !self.is_late {
            self.is_late = true;
            count(&self.link.stats.body_timeouts);
        }
        Poll::Ready(())
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            ready!(this.poll_deadline(cx));
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        };
        if frame.is_none() || this.incoming.is_end_stream() {
            this.link.body_read();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
