//! What customers wish for here: read, decided once, and told again to who repeats it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use bytes::Bytes;
use domain::command::{Decision, Outcome, Wish};
use domain::ids::LeaseId;
use domain::journal::Event;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use engine::engine::Engine;
use engine::fault::Fault;
use engine::keys::Caller;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serve::{Delivery, RequestId};

use super::problem::Refused;
use super::{Asked, date, ok, problem, read, refusal};
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

/// Something about the request itself is wrong.
pub(super) fn bad(detail: &str) -> Refused {
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
    async fn decide_by(&self, wish: Wish, means: Means) -> Result<Decision, Refused> {
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
        leases.ok_or_else(|| self.refused(&Refusal::UnknownLease).into())
    }

    /// A refusal as it is told.
    pub(super) fn refused(&self, refusal: &Refusal) -> Response<Body> {
        refusal::answer(self.engine().public_ids(), refusal)
    }

    /// Buys what is wished for with the card of this id, or from the wallet if there is none. The
    /// answer is the receipt, with what `shown` tells of that which was bought; `None` if it was
    /// something else.
    pub(super) async fn buy(
        &self,
        wish: Wish,
        card: Option<&str>,
        shown: impl FnOnce(&PublicIds, &Event) -> Option<Value>,
    ) -> Result<Response<Body>, Refused> {
        let ids = self.engine().public_ids();
        let means = match card {
            None => Means::Wallet,
            Some(id) => {
                Means::Card(ids.read_card(id).ok_or_else(|| self.refused(&Refusal::NoCard))?)
            }
        };
        let decision = self.decide_by(wish, means).await?;
        let (entry, at, event) = match decision.result {
            Err(refused) => return Ok(marked(self.refused(&refused), decision.replayed)),
            Ok(Outcome::Done { entry: Some(entry), at, event }) => (entry, at, event),
            Ok(_) => return Err(self.unknown(Fault::OutcomeUnknown)),
        };
        let (Some(bill), Some(mut receipt)) = (event.bill(), shown(ids, &event)) else {
            return Err(self.unknown(Fault::OutcomeUnknown));
        };
        receipt["receipt_id"] = ids.entry(entry).into();
        receipt["at"] = date(at).into();
        receipt["total"] = bill.quote.total.decimal().into();
        receipt["balance"] = bill.balance_after.decimal().into();
        receipt["currency"] = bill.balance_after.currency().code().into();
        if let Some(payment) = bill.payment {
            receipt["payment_id"] = ids.payment(payment).into();
        }
        Ok(marked(ok(&receipt), decision.replayed))
    }
}

/// Marks an answer that was given before.
pub(super) fn marked(mut answer: Response<Body>, replayed: bool) -> Response<Body> {
    if replayed {
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    answer
}
