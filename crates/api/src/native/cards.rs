//! `GET /api/v1/cards`, `DELETE /api/v1/cards/{id}`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::card::Card;
use domain::public_id::PublicIds;
use domain::refusal::Refusal;
use domain::time::Time;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, ok, problem, refusal};

pub(super) const PATH: &str = "/api/v1/cards";
pub(super) const ONE: &str = "/api/v1/cards/{id}";

/// The cards that can be paid with again.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let now = engine.now();
    let cards = engine.cards(asked.customer())?;
    let cards: Vec<Value> = cards.iter().map(|it| shown(engine.public_ids(), it, now)).collect();
    Ok(ok(&json!({ "cards": cards })))
}

/// Forgets a card.
pub(super) async fn remove(asked: Asked) -> Result<Response<Body>, Refused> {
    asked.may_change()?;
    let engine = &asked.app.engine;
    let path = asked.parts.uri.path();
    let id = path.rsplit('/').next().and_then(|id| engine.public_ids().read_card(id));
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such card");
    let removed = engine.remove_card(asked.customer(), id.ok_or_else(nothing)?).await?;
    match removed {
        Ok(card) => Ok(ok(&shown(engine.public_ids(), &card, engine.now()))),
        Err(Refusal::NoCard) => Err(nothing().into()),
        Err(refused) => Ok(refusal::answer(engine.public_ids(), &refused)),
    }
}

/// What a customer tells a card by.
pub(super) fn shown(ids: &PublicIds, card: &Card, now: Time) -> Value {
    let state = match () {
        () if card.removed => "removed",
        () if card.is_expired(now) => "expired",
        () => "active",
    };
    json!({
        "id": ids.card(card.id),
        "brand": card.face.brand,
        "last4": card.face.last4,
        "expires": format!("{:04}-{:02}", card.face.year, card.face.month),
        "state": state,
    })
}
