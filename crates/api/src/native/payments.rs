//! `GET` and `POST /api/v1/payments`, `GET /api/v1/payment-methods`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::money::Money;
use domain::payment::{Decline, Payment};
use engine::wallet::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, date, ok, problem, refusal};
use crate::app::App;

pub(super) const PATH: &str = "/api/v1/payments";
pub(super) const METHODS: &str = "/api/v1/payment-methods";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    amount: String,
    method: String,
}

/// The ways to pay into the wallet.
pub(super) async fn methods(asked: Asked) -> Result<Response<Body>, Refused> {
    let ways = asked.app.engine.ways_to_pay(asked.caller.customer.currency);
    let shown: Vec<Value> =
        ways.iter().map(|way| json!({ "method": way.name, "title": way.title })).collect();
    Ok(ok(&json!({ "methods": shown })))
}

/// Begins a payment into the wallet, and says where it is made.
pub(super) async fn begin(asked: Asked) -> Result<Response<Body>, Refused> {
    asked.may_change()?;
    let (app, customer) = (asked.app.clone(), asked.caller.customer.clone());
    let request: Pay = asked.parsed().await?;
    let amount = Money::parse(&request.amount, customer.currency);
    let begun = app.engine.top_up(customer.id, amount, &request.method).await?;
    let (payment, place) = match begun {
        Ok(begun) => begun,
        Err(refused) => return Ok(refusal::answer(app.engine.public_ids(), &refused)),
    };
    let mut shown = shown(&app, &payment);
    shown["url"] = match place {
        Place::Path(path) => format!("{}{path}", app.settings.base_url).into(),
        Place::Url(url) => url.into(),
    };
    Ok(ok(&shown))
}

/// The payments, oldest first, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let after = match asked.query("after")?.as_ref() {
        "" => None,
        id => {
            let bad = || problem::said(StatusCode::BAD_REQUEST, "after must be a payment's id");
            Some(ids.read_payment(id).ok_or_else(bad)?)
        }
    };
    let limit = asked.limit()?;
    let found = engine.payments(asked.customer(), after, limit).await?;
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|last| ids.payment(last.id));
    let payments: Vec<Value> = found.iter().map(|it| shown(&asked.app, it)).collect();
    Ok(ok(&json!({ "payments": payments, "next": next })))
}

fn shown(app: &App, payment: &Payment) -> Value {
    let ids = app.engine.public_ids();
    json!({
        "id": ids.payment(payment.id),
        "state": payment.state.name(),
        "purpose": payment.purpose.name(),
        "amount": payment.amount.decimal(),
        "currency": payment.amount.currency().code(),
        "method": payment.provider,
        "card_id": payment.card.map(|card| ids.card(card)),
        "reason": payment.declined.map(Decline::name),
        "receipt_id": payment.entry.map(|entry| ids.entry(entry)),
        "created_at": date(payment.created_at),
    })
}
