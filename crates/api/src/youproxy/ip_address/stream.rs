//! A listing that is sent while it is read, so that a million leases need no memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::HttpBody;
use bytes::Bytes;
use domain::proxy::Proxy;
use engine::fault::Fault;
use engine::reads::Walk;
use http_body_util::combinators::UnsyncBoxBody;

use super::CHUNK;
use super::shown::Orders;
use crate::app::App;

type Step = Pin<Box<dyn Future<Output = Result<(Vec<Proxy>, Option<Walk>), Fault>> + Send>>;

/// The body of a long listing.
///
/// The next piece is read when the last one has gone, so a client that reads slowly holds up nobody
/// else. A fault on the way breaks the connection off: half a list must not look like a whole one.
pub(super) struct Listing {
    app: Arc<App>,
    /// `None` after the end.
    orders: Option<Orders>,
    step: Option<Step>,
    /// What is ready to go.
    out: Vec<u8>,
}

impl Listing {
    /// Goes on from `walk`, behind what is in `out` already.
    pub(super) fn body(
        app: Arc<App>,
        orders: Orders,
        walk: Walk,
        out: Vec<u8>,
    ) -> UnsyncBoxBody<Bytes, Fault> {
        let step = Some(step(&app, walk));
        UnsyncBoxBody::new(Listing { app, orders: Some(orders), step, out })
    }
}

fn step(app: &Arc<App>, walk: Walk) -> Step {
    let engine = app.engine.clone();
    Box::pin(async move { engine.step(walk, CHUNK).await })
}

impl HttpBody for Listing {
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
            let (proxies, rest) = match stepped {
                Ok(stepped) => stepped,
                Err(fault) => return Poll::Ready(Some(Err(fault))),
            };
            if let Some(orders) = &mut this.orders {
                orders.add(proxies, &mut this.out);
            }
            match rest {
                Some(walk) => this.step = Some(self::step(&this.app, walk)),
                None => {
                    if let Some(orders) = this.orders.take() {
                        orders.end(None, &mut this.out);
                    }
                }
            }
        }
        let piece = Bytes::from(std::mem::take(&mut this.out));
        Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
    }
}
