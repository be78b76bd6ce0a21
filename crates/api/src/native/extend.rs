//! `POST /api/v1/leases/extend`

use axum::body::Body;
use axum::http::Response;
use domain::command::Wish;
use domain::extend::Extend;
use domain::journal::Event;
use domain::period::PeriodWish;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::select::{Among, Selection};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::wish::Wished;
use super::{Asked, date};

pub(super) const PATH: &str = "/api/v1/leases/extend";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
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
    let leases = wished.leases(&wished.request.ids)?;
    let customer = wished.caller.customer.id;
    let unknown = || wished.refused(&Refusal::UnknownLease);
    // All leases are of the first one's kind, or refused.
    let first = leases.first().ok_or_else(unknown)?;
    let kind = wished.engine().kind_of(customer, *first)?;
    let wish = Wish::ExtendWithPromo(Extend {
        customer,
        kind: Some(kind.ok_or_else(unknown)?),
        leases: Selection::Leases(Some(leases)),
        among: Among::All,
        period: PeriodWish::Days(wished.request.period_days),
        promo: wished.request.promo_code.clone(),
    });
    wished.buy(wish, wished.request.card_id.as_deref(), shown).await
}

fn shown(ids: &PublicIds, event: &Event) -> Option<Value> {
    let Event::Extension { period, leases, .. } = event else { return None };
    let leases: Vec<_> = leases
        .iter()
        .map(|moved| {
            let (id, from, to) = (ids.lease(moved.lease), date(moved.from), date(moved.to));
            json!({ "id": id, "ended_at": from, "ends_at": to })
        })
        .collect();
    Some(json!({ "period_days": period.days(), "leases": leases }))
}
