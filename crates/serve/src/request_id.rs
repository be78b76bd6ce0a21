use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is called in answers and logs: 16 hex digits, found in its extensions.
///
/// Different for each request of a process, and very likely between processes. Not a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Gives each request a [`RequestId`], and its answer the header `X-Request-Id`.
///
/// What a client sends under that name is ignored: a name that others choose could be made to
/// collide, or to forge a line of a log. Layers and services made from one layer count together.
#[derive(Clone, Debug)]
pub struct RequestIdLayer {
    next: Arc<AtomicU64>,
}

impl RequestIdLayer {
    /// Starts at a random id.
    ///
    /// # Panics
    ///
    /// If the operating system has no random numbers.
    pub fn new() -> RequestIdLayer {
        let start = getrandom::u64().expect("the operating system has random numbers");
        RequestIdLayer { next: Arc::new(AtomicU64::new(start)) }
    }

    fn next(&self) -> RequestId {
        RequestId(scatter(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Default for RequestIdLayer {
    fn default() -> RequestIdLayer {
        RequestIdLayer::new()
    }
}

impl<S> tower::Layer<S> for RequestIdLayer {
    type Service = RequestIdService<S>;

    fn layer(&self, inner: S) -> RequestIdService<S> {
        RequestIdService { inner, ids: self.clone() }
    }
}

/// A service beneath a [`RequestIdLayer`].
#[derive(Clone, Debug)]
pub struct RequestIdService<S> {
    inner: S,
    ids: RequestIdLayer,
}

impl<S, A, B> tower::Service<Request<A>> for RequestIdService<S>
where
    S: tower::Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Named<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Named<S::Future> {
        let id = self.ids.next();
        request.headers_mut().remove(X_REQUEST_ID);
        request.extensions_mut().insert(id);
        Named { answer: self.inner.call(request), id }
    }
}

pin_project! {
    /// The future of a [`RequestIdService`].
    #[derive(Debug)]
    pub struct Named<F> {
        #[pin]
        answer: F,
        id: RequestId,
    }
}

impl<F, B, E> Future for Named<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let mut answer = ready!(this.answer.poll(cx))?;
        let id = this.id.to_string();
        let id = HeaderValue::try_from(id).expect("hex digits may stand in a header");
        answer.headers_mut().insert(X_REQUEST_ID, id);
        Poll::Ready(Ok(answer))
    }
}

/// Makes numbers in a row look unlike each other, so that people do not take one for another, and
/// do not count our requests. Different numbers stay different: each step can be undone. (The last
/// step of SplitMix64.)
fn scatter(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, convert::Infallible};

    use tower::{Layer, ServiceExt, service_fn};

    use super::*;

    #[tokio::test]
    async fn the_answer_names_the_request_as_the_handler_knew_it() {
        let service = RequestIdLayer::new().layer(service_fn(async |request: Request<()>| {
            assert!(!request.headers().contains_key("x-request-id"));
            let id = *request.extensions().get::<RequestId>().unwrap();
            Ok::<_, Infallible>(Response::new(id.to_string()))
        }));
        let request = Request::builder().header("X-Request-Id", "mine").body(()).unwrap();

        let answer = service.oneshot(request).await.unwrap();

        assert_eq!(answer.headers()["x-request-id"], answer.body().as_str());
        assert_eq!(answer.body().len(), 16);
    }

    #[test]
    fn no_two_requests_have_the_same_id() {
        let ids = RequestIdLayer::new();
        let other = ids.clone();
        let seen: HashSet<_> = (0..1000).flat_map(|_| [ids.next(), other.next()]).collect();
        assert_eq!(seen.len(), 2000);
    }
}
