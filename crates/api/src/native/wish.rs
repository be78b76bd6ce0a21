//! What customers wish for here: read, decided once, and told again to who repeats it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;
use domain::command::{Decision, Wish};
use domain::ids::LeaseId;
use domain::refusal::Refusal;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::keys::Caller;
use serde::de::DeserializeOwned;
use serve::{Delivery, RequestId};

use super::problem::Refused;
use super::{Asked, problem, read, refusal};
use crate::answer::IDEMPOTENCY_REPLAYED;
use crate::app::App;
use crate::spend::{GivenKey, Means, fingerprint, spend_by};

/// A request to change something, that has been read.
pub(super) struct Wished<T> {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    pub(super) parts: Parts,
    /// What its body says.
    pub(super) request: T,
    body: Bytes,
}

fn bad(detail: &str) -> Refused {
    problem::said(StatusCode::BAD_REQUEST, detail).into()
}

impl<T: DeserializeOwned> Wished<T> {
    /// Reads the body, which is an object, of somebody who may change things. What is deleted needs
    /// none.
    pub(super) async fn read(asked: Asked) -> Result<Wished<T>, Refused> {
        let Asked { app, caller, parts, body } = asked;
        if caller.key.read_only {
            return Err(problem::said(StatusCode::FORBIDDEN, "The key is for looking only").into());
        }
        if GivenKey::read(&parts.headers) == GivenKey::Bad {
            return Err(bad("Idempotency-Key must be 1 to 255 printable ASCII characters"));
        }
        let mut body = read(&parts.headers, body).await?;
        if body.is_empty() && parts.method == Method::DELETE {
            body = Bytes::from_static(b"{}");
        }
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        let request: Option<T> = serde_json::from_slice(&body).ok().filter(|_| is_object);
        let request = request.ok_or_else(|| bad("The body is not as the API describes it"))?;
        Ok(Wished { app, caller, parts, request, body })
    }
}

impl<T> Wished<T> {
    pub(super) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    /// Has `wish` decided, or learns what became of it before.
    pub(super) async fn decide(&self, wish: Wish) -> Result<Decision, Refused> {
        self.decide_by(wish, Means::Wallet).await
    }

    /// The same for what is paid with `means`.
    pub(super) async fn decide_by(&self, wish: Wish, means: Means) -> Result<Decision, Refused> {
        let given = GivenKey::read(&self.parts.headers);
        // What is asked of one path by different methods is different.
        let (method, path) = (&self.parts.method, self.parts.uri.path());
        let route = match *method == Method::POST {
            true => path.to_owned(),
            false => format!("{method} {path}"),
        };
        let idempotency = given.idempotency(fingerprint(&route, &self.body), &self.caller.key);
        let idempotency = idempotency.ok_or_else(|| bad("Idempotency-Key cannot be read"))?;
        let delivery = self.parts.extensions.get::<Delivery>().cloned();
        let delivery = delivery.unwrap_or_else(|| Delivery::settled(serve::Outcome::Delivered));
        let decided =
            spend_by(self.engine(), &self.app.spends, wish, means, idempotency, &delivery).await;
        decided.map_err(|fault| self.unknown(fault))
    }

    /// The answer to a fault, naming the request if its outcome is not known.
    pub(super) fn unknown(&self, fault: Fault) -> Refused {
        let mut answer = problem::from_fault(&fault);
        if matches!(fault, Fault::OutcomeUnknown) {
            problem::name_operation(&mut answer, self.parts.extensions.get::<RequestId>().copied());
        }
        answer.into()
    }

    /// The leases of these ids.
    pub(super) fn leases(&self, ids: &[String]) -> Result<Vec<LeaseId>, Refused> {
        let public = self.engine().public_ids();
        let leases: Option<Vec<LeaseId>> = ids.iter().map(|id| public.read_lease(id)).collect();
        leases.ok_or_else(|| refusal::answer(&Refusal::UnknownLease).into())
    }
}

/// Marks an answer that was given before.
pub(super) fn marked(mut answer: Response<Body>, replayed: bool) -> Response<Body> {
    if replayed {
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}
