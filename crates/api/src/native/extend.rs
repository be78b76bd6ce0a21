//! `POST /api/v1/leases/extend`

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode};
use domain::command::{Decision, Outcome, Wish};
use domain::extend::Extend;
use domain::ids::LeaseId;
use domain::journal::Event;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::select::Selection;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::json;
use serve::{Delivery, RequestId};

use super::problem::Refused;
use super::{Asked, date, ok, problem, read, refusal};
use crate::answer::IDEMPOTENCY_REPLAYED;
use crate::spend::{GivenKey, Means, fingerprint, spend_by};

pub(super) const PATH: &str = "/api/v1/leases/extend";

#[derive(Deserialize)]
struct ExtendLeases {
    ids: Vec<String>,
    period_days: u32,
    promo_code: Option<String>,
    card_id: Option<String>,
}

/// Extends leases, or restores them from their reserve. A promo code that cannot be used refuses
/// the whole.
pub(super) async fn carry_out(asked: Asked) -> Result<Response<Body>, Refused> {
    let Asked { app, caller, parts, body } = asked;
    let bad = |detail| problem::said(StatusCode::BAD_REQUEST, detail);
    if caller.key.read_only {
        return Err(problem::said(StatusCode::FORBIDDEN, "The key is for looking only").into());
    }
    let given = GivenKey::read(&parts.headers);
    if given == GivenKey::Bad {
        return Err(bad("Idempotency-Key must be 1 to 255 printable ASCII characters").into());
    }
    let body = read(&parts.headers, body).await?;
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let request: Option<ExtendLeases> = serde_json::from_slice(&body).ok().filter(|_| is_object);
    let request = request.ok_or_else(|| bad("The body is not as the API describes it"))?;

    let engine = &app.engine;
    let ids = engine.public_ids();
    let leases: Option<Vec<LeaseId>> = request.ids.iter().map(|id| ids.read_lease(id)).collect();
    let unknown = || refusal::answer(&Refusal::UnknownLease);
    let leases = leases.ok_or_else(unknown)?;
    let customer = caller.customer.id;
    // All leases are of the first one's kind, or refused.
    let first = leases.first().ok_or_else(unknown)?;
    let kind = engine.kind_of(customer, *first)?;
    let wish = Wish::ExtendWithPromo(Extend {
        customer,
        kind: Some(kind.ok_or_else(unknown)?),
        leases: Selection::Leases(Some(leases)),
        period_days: Some(request.period_days),
        promo: request.promo_code,
    });
    let idempotency = given.idempotency(fingerprint(PATH, &body), &caller.key);
    let idempotency = idempotency.ok_or_else(|| bad("Idempotency-Key cannot be read"))?;
    let card = match &request.card_id {
        None => None,
        Some(id) => {
            let unknown = || refusal::answer(&Refusal::NoCard);
            Some(ids.read_card(id).ok_or_else(unknown)?)
        }
    };
    let delivery = parts.extensions.get::<Delivery>().cloned();
    let delivery = delivery.unwrap_or_else(|| Delivery::settled(serve::Outcome::Delivered));
    let means = card.map_or(Means::Wallet, Means::Card);
    let decided = spend_by(engine, &app.spends, wish, means, idempotency, &delivery).await;
    let id = parts.extensions.get::<RequestId>().copied();
    decided.and_then(|decision| shown(ids, decision)).map_err(|fault| {
        let mut answer = problem::from_fault(&fault);
        if matches!(fault, Fault::OutcomeUnknown) {
            problem::name_operation(&mut answer, id);
        }
        answer.into()
    })
}

fn shown(ids: &PublicIds, decision: Decision) -> Result<Response<Body>, Fault> {
    let mut answer = match decision.result {
        Err(refused) => refusal::answer(&refused),
        Ok(Outcome::Done { entry: Some(entry), at, event }) => {
            let Event::Extension { bill, period, leases, .. } = *event else {
                return Err(Fault::OutcomeUnknown);
            };
            let leases: Vec<_> = leases
                .iter()
                .map(|moved| {
                    let (id, from, to) = (ids.lease(moved.lease), date(moved.from), date(moved.to));
                    json!({ "id": id, "ended_at": from, "ends_at": to })
                })
                .collect();
            let mut shown = json!({
                "receipt_id": ids.entry(entry),
                "at": date(at),
                "period_days": period.days(),
                "total": bill.quote.total.decimal(),
                "balance": bill.balance_after.decimal(),
                "currency": bill.balance_after.currency().code(),
                "leases": leases,
            });
            if let Some(payment) = bill.payment {
                shown["payment_id"] = ids.payment(payment).into();
            }
            ok(&shown)
        }
        Ok(_) => return Err(Fault::OutcomeUnknown),
    };
    if decision.replayed {
        answer.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}
