//! Answers, and what they have in common.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Marks an answer that was given before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Names a request whose outcome is not known.
pub(crate) const X_OPERATION_ID: HeaderName = HeaderName::from_static("x-operation-id");

/// Names why a request was refused, as the native API names it. The words and numbers of the other
/// dialects often do not tell.
const X_SUBLET_REASON: HeaderName = HeaderName::from_static("x-sublet-reason");

/// Says in a header why a request was refused.
pub(crate) fn reason<B>(answer: &mut Response<B>, reason: &'static str) {
    answer.headers_mut().insert(X_SUBLET_REASON, HeaderValue::from_static(reason));
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

/// Puts on every answer what keeps it out of caches, referrers and search engines.
pub(crate) fn keep_private(headers: &mut HeaderMap) {
    headers.reserve(4);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
}

/// Says after how long it is worth trying again: whole seconds, at least one.
pub(crate) fn retry_after(headers: &mut HeaderMap, wait: Duration) {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
}
