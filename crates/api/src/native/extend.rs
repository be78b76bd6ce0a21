//! `POST /api/v1/leases/extend`

use axum::body::Body;
use axum::http::Response;
use domain::command::{Decision, Outcome, Wish};
use domain::extend::Extend;
use domain::journal::Event;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::select::Selection;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::json;

use super::problem::Refused;
use super::wish::{Wished, marked};
use super::{Asked, date, ok, refusal};
use crate::spend::Means;

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
    let wished: Wished<ExtendLeases> = Wished::read(asked).await?;
    let engine = wished.engine();
    let leases = wished.leases(&wished.request.ids)?;
    let customer = wished.caller.customer.id;
    let unknown = || refusal::answer(&Refusal::UnknownLease);
    // All leases are of the first one's kind, or refused.
    let first = leases.first().ok_or_else(unknown)?;
    let kind = engine.kind_of(customer, *first)?;
    let wish = Wish::ExtendWithPromo(Extend {
        customer,
        kind: Some(kind.ok_or_else(unknown)?),
        leases: Selection::Leases(Some(leases)),
        period_days: Some(wished.request.period_days),
        promo: wished.request.promo_code.clone(),
    });
    let means = match &wished.request.card_id {
        None => Means::Wallet,
        Some(id) => {
            let unknown = || refusal::answer(&Refusal::NoCard);
            Means::Card(engine.public_ids().read_card(id).ok_or_else(unknown)?)
        }
    };
    let decision = wished.decide_by(wish, means).await?;
    shown(engine.public_ids(), decision).map_err(|fault| wished.unknown(fault))
}

fn shown(ids: &PublicIds, decision: Decision) -> Result<Response<Body>, Fault> {
    let answer = match decision.result {
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
    Ok(marked(answer, decision.replayed))
}
