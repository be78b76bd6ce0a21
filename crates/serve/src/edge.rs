use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    HeaderValue, Request, Response, StatusCode, Uri,
    header::{CONNECTION, CONTENT_LENGTH},
};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::{ServiceExt, util::Oneshot};

use crate::{
    delivery::{Delivery, Slot},
    link::Link,
    request_body::RequestBody,
    stats::count,
};

/// Who sent the request, by the address of the socket; found in the request's extensions.
///
/// IPv4 addresses are written as such, on an IPv6 listener too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Where hyper ends and the service begins.
pub(crate) struct Edge<S> {
    pub(crate) service: S,
    pub(crate) peer: Peer,
    pub(crate) link: Arc<Link>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Edge<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone,
{
    type Response = Response<Answer<B>>;
    type Error = Infallible;
    type Future = Working<S>;

    fn call(&self, request: Request<Incoming>) -> Working<S> {
        count(&self.link.stats.requests);
        let has_body = !request.body().is_end_stream();
        let slot = self.link.called(has_body);
        let delivery = Delivery::new(Arc::clone(&slot), Arc::clone(&self.link));
        let duty = Some(Duty { slot, link: Arc::clone(&self.link), answered: false });

        if target_bytes(request.uri()) > self.link.limits.target_bytes {
            return Working { work: None, duty };
        }

        let link = Arc::clone(&self.link);
        let mut request = request.map(|incoming| RequestBody::new(incoming, link));
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(delivery);
        let work = self.service.clone().oneshot(request);
        Working { work: Some(work), duty }
    }
}

pin_project! {
    /// The work on a request. The answer's client is gone if this is dropped before its end.
    pub(crate) struct Working<S>
    where
        S: tower::Service<Request<RequestBody>>,
    {
        // `None` if the request's target is too long.
        #[pin]
        work: Option<Oneshot<S, Request<RequestBody>>>,
        duty: Option<Duty>,
    }
}

impl<S, B> Future for Working<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>,
{
    type Output = Result<Response<Answer<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = match this.work.as_pin_mut() {
            Some(work) => ready!(work.poll(cx))?.map(Some),
            None => target_too_long(),
        };
        let mut duty = this.duty.take().expect("not polled after its end");
        duty.answered = true;
        if is_about_the_body(answer.status()) && duty.link.may_be_sending() {
            // hyper would close too, but has not noticed yet that nobody reads on.
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer.map(|body| Answer { body, duty })))
    }
}

pin_project! {
    /// The body of an answer, which tells when hyper has had all of it.
    pub(crate) struct Answer<B> {
        #[pin]
        body: Option<B>,
        duty: Duty,
    }
}

impl<B: Body> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else { return Poll::Ready(None) };
        let frame = ready!(body.poll_frame(cx));
        if let Some(Err(_)) = frame {
            this.duty.link.given_up(&this.duty.slot);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The duty to answer a request. Dropped before its time, it tells the link what that means.
struct Duty {
    slot: Arc<Slot>,
    link: Arc<Link>,
    answered: bool,
}

impl Drop for Duty {
    fn drop(&mut self) {
        if self.answered {
            // hyper drops a body when it wants no more of it. That is the end of the answer, even
            // where the body has more, as it does in answer to a HEAD. When a connection fails its
            // bodies are dropped too, but then nothing is flushed any more.
            self.link.handed_over(&self.slot);
        } else {
            self.link.given_up(&self.slot);
        }
    }
}

fn target_too_long<B>() -> Response<Option<B>> {
    let mut answer = Response::new(None);
    *answer.status_mut() = StatusCode::URI_TOO_LONG;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    answer
}

/// Whether the answer says that the request's body was not read to its end.
fn is_about_the_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE)
}

/// How long the target of a request is; for the usual ones, those that are a path, exactly.
fn target_bytes(uri: &Uri) -> usize {
    let scheme = uri.scheme_str().map_or(0, |scheme| scheme.len() + "://".len());
    let authority = uri.authority().map_or(0, |authority| authority.as_str().len());
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    scheme + authority + path
}
