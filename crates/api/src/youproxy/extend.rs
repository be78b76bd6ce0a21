//! `POST /extend`, `POST /extend/order`, and their prices

use domain::command::{Outcome, Wish};
use domain::extend::Extend;
use domain::journal::Event;
use domain::select::{Among, Selection};
use wire::youproxy::extend::{ExtendAnswer, ExtendRequest, Extended};

use super::order::priced;
use super::stop::{Done, Stop, bad_idempotency_key, decided};
use super::{Asked, read};
use crate::spend::{fingerprint, spend};

/// What an extension would cost.
pub(super) fn calculate(asked: &Asked<'_>) -> Result<Done, Stop> {
    let extend = wish(asked)?;
    let quoted = asked.app.engine.quote_extension(&extend)?;
    priced(extend.kind, quoted)
}

/// Extends.
pub(super) async fn carry_out(asked: &Asked<'_>) -> Result<Done, Stop> {
    let extend = wish(asked)?;
    let print = fingerprint(asked.call.template(), &asked.body);
    let idempotency = asked.key.idempotency(print, &asked.caller.key);
    let idempotency = idempotency.ok_or_else(bad_idempotency_key)?;
    let kind = extend.kind;
    let app = asked.app;
    let wish = Wish::Extend(extend);
    let decision = spend(&app.engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let (outcome, _, replayed) = decided(decision)?;
    let (Some(kind), Outcome::Done { event, .. }) = (kind, outcome) else {
        return Err(Stop::Unknown);
    };
    let Event::Extension { bill, period, leases, .. } = *event else { return Err(Stop::Unknown) };
    let ids = app.engine.public_ids();
    let answer = ExtendAnswer::extended(Extended {
        proxy_type: read::proxy_type(kind),
        rent_period_days: period.days(),
        ip_address_ids: leases.iter().map(|moved| ids.lease(moved.lease)).collect(),
        account: read::account(bill.balance_after),
        promo_code_status: read::promo_status(bill.quote.promo),
    });
    Ok(Done::once_or_again(&answer, replayed))
}

/// The shop's words for what is asked.
fn wish(asked: &Asked<'_>) -> Result<Extend, Stop> {
    let request = ExtendRequest::read(&asked.body)?;
    let ids = asked.app.engine.public_ids();
    let leases = if asked.call.by_orders() || request.means_orders() {
        Selection::Orders(read::orders(ids, &request.order_ids))
    } else {
        read::leases(ids, &request.ip_address_ids)
    };
    Ok(Extend {
        customer: asked.customer(),
        kind: read::kind(&request.proxy_type),
        leases,
        among: Among::All,
        period: read::period(&request.rent_period_days),
        promo: read::promo(&request.promo_code),
    })
}
