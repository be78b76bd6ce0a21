//! `GET` and `PATCH /api/v1/auto-top-up`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::auto_top_up::SetAutoTopUp;
use domain::money::Money;
use domain::payment::Decline;
use domain::refusal::Refusal;
use engine::wallet::TopUpShown;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, cards, date, ok, problem, refusal};
use crate::app::App;

pub(super) const PATH: &str = "/api/v1/auto-top-up";

/// What is not named stays as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    enabled: Option<bool>,
    threshold: Option<String>,
    amount: Option<String>,
    card_id: Option<String>,
}

/// How automatic top-up stands.
pub(super) async fn show(asked: Asked) -> Result<Response<Body>, Refused> {
    let found = asked.app.engine.auto_top_up(asked.customer())?;
    Ok(ok(&shown(&asked.app, &found)))
}

/// Sets automatic top-up; what is said is done whole or not at all.
pub(super) async fn change(asked: Asked) -> Result<Response<Body>, Refused> {
    asked.may_change()?;
    let (app, caller) = (asked.app.clone(), asked.caller.customer.clone());
    let change: Change = asked.parsed().await?;
    let money = |text: &Option<String>| -> Result<Option<Money>, Refused> {
        let Some(text) = text else { return Ok(None) };
        let bad = || problem::said(StatusCode::BAD_REQUEST, "An amount cannot be read");
        Ok(Some(Money::parse(text, caller.currency).ok_or_else(bad)?))
    };
    let (threshold, amount) = (money(&change.threshold)?, money(&change.amount)?);
    let ids = app.engine.public_ids();
    let card = match &change.card_id {
        None => None,
        Some(id) => match ids.read_card(id) {
            Some(card) => Some(card),
            None => return Ok(refusal::answer(ids, &Refusal::NoCard)),
        },
    };
    let (customer, enabled) = (caller.id, change.enabled);
    let wish = SetAutoTopUp { customer, enabled, threshold, amount, card };
    Ok(match app.engine.set_auto_top_up(wish).await? {
        Ok(found) => ok(&shown(&app, &found)),
        Err(refused) => refusal::answer(ids, &refused),
    })
}

fn shown(app: &App, found: &TopUpShown) -> Value {
    let set = found.set.as_ref();
    let ids = app.engine.public_ids();
    json!({
        "state": found.state.name().to_ascii_lowercase(),
        "enabled": set.is_some_and(|set| set.enabled),
        "threshold": set.map(|set| set.threshold.decimal()),
        "amount": set.map(|set| set.amount.decimal()),
        "currency": set.map(|set| set.amount.currency().to_string()),
        "card": found.card.as_ref().map(|card| cards::shown(ids, card, found.now)),
        "failures": set.map_or(0, |set| set.fails),
        "tried_at": set.and_then(|set| set.tried_at).map(date),
        "last": set.map(|set| json!({
            "event": set.last.status.name().to_ascii_lowercase(),
            "amount": set.last.amount.decimal(),
            "at": date(set.last.at),
            "reason": set.last.why.map(Decline::name),
        })),
    })
}
