//! Problems in the form of RFC 9457.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use engine::fault::Fault;
use serde::Serialize;

use crate::answer;
use crate::answer::X_OPERATION_ID;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json; charset=utf-8");

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    /// The leases that would have to be named too.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing_leases: &'a [String],
}

/// An answer in place of the one that was asked for; boxed, because it is the rarer one.
pub(crate) struct Refused(Box<Response<Body>>);

impl Refused {
    pub(crate) fn answer(self) -> Response<Body> {
        *self.0
    }
}

impl From<Response<Body>> for Refused {
    fn from(answer: Response<Body>) -> Refused {
        Refused(Box::new(answer))
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::from(from_fault(&fault))
    }
}

/// A problem with a name of its own, for programs to tell it by.
pub(crate) fn problem(status: StatusCode, name: &str, title: &str, detail: &str) -> Response<Body> {
    with_leases(status, name, title, detail, &[])
}

/// The same, with the leases that would have to be named too.
pub(super) fn with_leases(
    status: StatusCode,
    name: &str,
    title: &str,
    detail: &str,
    missing_leases: &[String],
) -> Response<Body> {
    let status_code = status.as_u16();
    let problem = Problem { r#type: name, title, status: status_code, detail, missing_leases };
    let body = serde_json::to_vec(&problem).expect("texts can be written into memory");
    let mut answer = answer::json(status, body);
    answer.headers_mut().insert(CONTENT_TYPE, PROBLEM);
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// A problem that its status says all about.
pub(crate) fn plain(status: StatusCode) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Problem");
    problem(status, "about:blank", title, title)
}

/// A problem that its status says all about, with what the caller can do.
pub(crate) fn said(status: StatusCode, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Problem");
    problem(status, "about:blank", title, detail)
}

/// More is asked than is allowed.
pub(crate) fn too_many(wait: Duration) -> Response<Body> {
    let detail = "Too many requests, nothing was done";
    let mut answer = said(StatusCode::TOO_MANY_REQUESTS, detail);
    answer::retry_after(answer.headers_mut(), wait);
    answer
}

/// Something is wrong here.
pub(crate) fn from_fault(fault: &Fault) -> Response<Body> {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match fault {
        Fault::Overloaded
        | Fault::Deadline
        | Fault::Unavailable
        | Fault::Closing
        | Fault::Broken => {
            let detail = "Temporarily unavailable, nothing was done";
            let mut answer = said(unavailable, detail);
            answer::retry_after(answer.headers_mut(), Duration::from_secs(1));
            answer
        }
        Fault::OutcomeUnknown => {
            let name = "urn:sublet:problem:outcome-unknown";
            let detail = "Repeat the request with the same Idempotency-Key to learn it";
            problem(unavailable, name, "The outcome is not known", detail)
        }
    }
}

/// Names the request whose outcome is not known.
pub(crate) fn name_operation(answer: &mut Response<Body>, id: Option<serve::RequestId>) {
    if let Some(id) = id.and_then(|id| HeaderValue::try_from(id.to_string()).ok()) {
        answer.headers_mut().insert(X_OPERATION_ID, id);
    }
}
