//! Bodies of the requests between a shop and its gateways, and of their answers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;

/// The body of an answer: all of it, or what somebody still has to say.
pub(crate) enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// What comes this way, until nobody sends any more.
    Told(mpsc::Receiver<Bytes>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Told(bytes) => {
                bytes.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }
}

/// An answer of one JSON value.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).expect("an answer of ours can be written");
    answer(status, "application/json", Body::Whole(Some(text.into())))
}

/// An answer.
pub(crate) fn answer(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    answer
}

/// The path at which a gateway has itself be known by its key.
pub(crate) const ENROL: &str = "/v1/enrol";

/// The path at which it asks what to serve.
pub(crate) const FEED: &str = "/v1/feed";

/// The path at which it says what leases have used.
pub(crate) const USAGE: &str = "/v1/usage";

/// The path at which it says how it is.
pub(crate) const REPORT: &str = "/v1/report";

/// The path at which it asks for jobs for its modems.
pub(crate) const JOBS: &str = "/v1/rotations";

/// The path at which it says what has come of one.
pub(crate) const ENDED: &str = "/v1/rotations/ended";

/// The path at which it says what it has refused.
pub(crate) const REFUSALS: &str = "/v1/refusals";
