//! Requests that spend, from their body to the answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use domain::command::{Decision, Outcome, Wish};
use domain::public_id::PublicIds;
use engine::fault::Fault;
use engine::keys::Caller;
use serde::de::DeserializeOwned;
use serve::{Delivery, RequestId};

use super::problem::Refused;
use super::{Asked, problem, read, refusal};
use crate::answer::IDEMPOTENCY_REPLAYED;
use crate::app::App;
use crate::spend::{GivenKey, fingerprint, spend};

/// A request that spends, whose key may do so.
pub(super) struct Spending {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    parts: Parts,
    body: Bytes,
}

/// Something about the request itself is wrong.
pub(super) fn bad(detail: &str) -> Refused {
    problem::said(StatusCode::BAD_REQUEST, detail).into()
}

impl Spending {
    /// Reads what spends.
    pub(super) async fn read(asked: Asked) -> Result<Spending, Refused> {
        let Asked { app, caller, parts, body } = asked;
        if caller.key.read_only {
            return Err(problem::said(StatusCode::FORBIDDEN, "The key is for looking only").into());
        }
        if GivenKey::read(&parts.headers) == GivenKey::Bad {
            return Err(bad("Idempotency-Key must be 1 to 255 printable ASCII characters"));
        }
        let body = read(&parts.headers, body).await?;
        Ok(Spending { app, caller, parts, body })
    }

    /// What is asked for, an object.
    pub(super) fn request<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let is_object = self.body.trim_ascii_start().first() == Some(&b'{');
        let request = serde_json::from_slice(&self.body).ok().filter(|_| is_object);
        request.ok_or_else(|| bad("The body is not as the API describes it"))
    }

    /// Has `wish` decided once, and says what `shown` makes of what was done.
    pub(super) async fn decide(
        self,
        path: &str,
        wish: Wish,
        shown: impl FnOnce(&PublicIds, Outcome) -> Result<Response<Body>, Fault>,
    ) -> Result<Response<Body>, Refused> {
        let Spending { app, caller, parts, body } = self;
        let given = GivenKey::read(&parts.headers);
        let idempotency = given.idempotency(fingerprint(path, &body), &caller.key);
        let idempotency = idempotency.ok_or_else(|| bad("Idempotency-Key cannot be read"))?;
        let delivery = parts.extensions.get::<Delivery>().cloned();
        let delivery = delivery.unwrap_or_else(|| Delivery::settled(serve::Outcome::Delivered));
        let decided = spend(&app.engine, &app.spends, wish, idempotency, &delivery).await;
        let ids = app.engine.public_ids();
        decided.and_then(|decision| answered(ids, decision, shown)).map_err(|fault| {
            let mut answer = problem::from_fault(&fault);
            if matches!(fault, Fault::OutcomeUnknown) {
                problem::name_operation(&mut answer, parts.extensions.get::<RequestId>().copied());
            }
            answer.into()
        })
    }
}

fn answered(
    ids: &PublicIds,
    decision: Decision,
    shown: impl FnOnce(&PublicIds, Outcome) -> Result<Response<Body>, Fault>,
) -> Result<Response<Body>, Fault> {
    let mut answer = match decision.result {
        Err(refused) => refusal::answer(ids, &refused),
        Ok(outcome) => shown(ids, outcome)?,
    };
    if decision.replayed {
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}
