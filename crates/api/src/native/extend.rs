//! `POST /api/v1/leases/extend`

use axum::body::Body;
use axum::http::Response;
use domain::command::{Outcome, Wish};
use domain::extend::Extend;
use domain::ids::LeaseId;
use domain::journal::Event;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::select::Selection;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::json;

use super::problem::Refused;
use super::spending::Spending;
use super::{Asked, date, ok, refusal};

pub(super) const PATH: &str = "/api/v1/leases/extend";

#[derive(Deserialize)]
struct ExtendLeases {
    ids: Vec<String>,
    period_days: u32,
    promo_code: Option<String>,
}

/// Extends leases, or restores them from their reserve. A promo code that cannot be used refuses
/// the whole.
pub(super) async fn carry_out(asked: Asked) -> Result<Response<Body>, Refused> {
    let spending = Spending::read(asked).await?;
    let request: ExtendLeases = spending.request()?;
    let engine = &spending.app.engine;
    let ids = engine.public_ids();
    let leases: Option<Vec<LeaseId>> = request.ids.iter().map(|id| ids.read_lease(id)).collect();
    let unknown = || refusal::answer(ids, &Refusal::UnknownLease);
    let leases = leases.ok_or_else(unknown)?;
    let customer = spending.caller.customer.id;
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
    spending.decide(PATH, wish, shown).await
}

fn shown(ids: &PublicIds, outcome: Outcome) -> Result<Response<Body>, Fault> {
    let Outcome::Done { entry: Some(entry), at, event } = outcome else {
        return Err(Fault::OutcomeUnknown);
    };
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
    Ok(ok(&json!({
        "receipt_id": ids.entry(entry),
        "at": date(at),
        "period_days": period.days(),
        "total": bill.quote.total.decimal(),
        "balance": bill.balance_after.decimal(),
        "currency": bill.balance_after.currency().code(),
        "leases": leases,
    })))
}
