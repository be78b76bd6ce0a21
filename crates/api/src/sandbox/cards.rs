//! `/sandbox/v1/cards`: a card that is only played with pays, or fails, because somebody says so.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::post;
use domain::ids::CustomerId;
use domain::payment::Decline;
use domain::refusal::Refusal;
use engine::payment::Behaviour;
use serde::Deserialize;
use serde_json::json;

use super::operator;
use crate::app::App;
use crate::native::problem;
use crate::routes::Route;
use crate::{answer, body};

pub(super) fn routes() -> Vec<Route> {
    let (template, methods) = ("/sandbox/v1/cards", &["post"]);
    vec![Route { dialect: "sandbox", template, methods, handler: post(set) }]
}

/// Whose card is to do what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    customer_id: i64,
    fail: Option<String>,
}

/// Gives a customer a card, or tells the one he has what to do from now on.
async fn set(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if let Err(refused) = operator(&app, &request) {
        return refused.answer();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = body::read(&parts.headers, body).await else {
        return problem::plain(StatusCode::BAD_REQUEST);
    };
    let Some((customer, behaviour)) = read(&body) else {
        let detail = "The body must be {\"customer_id\":1}, with \"fail\":\"declined\", \
                      \"expired\" or \"timeout\" for a card that does not pay";
        return problem::said(StatusCode::BAD_REQUEST, detail);
    };
    match app.engine.set_sandbox_card(customer, behaviour).await {
        Ok(Ok(card)) => {
            let id = app.engine.public_ids().card(card.id);
            let shown = json!({ "card_id": id, "last4": card.face.last4 });
            answer::json(StatusCode::OK, shown.to_string())
        }
        Ok(Err(Refusal::Suspended)) => problem::plain(StatusCode::NOT_FOUND),
        Ok(Err(refused)) => problem::said(StatusCode::CONFLICT, &refused.to_string()),
        Err(fault) => problem::from_fault(&fault),
    }
}

fn read(body: &[u8]) -> Option<(CustomerId, Behaviour)> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let card: Card = serde_json::from_slice(body).ok()?;
    let behaviour = match card.fail {
        None => Behaviour::Pays,
        Some(name) => Behaviour::Fails(Decline::from_name(&name)?),
    };
    Some((CustomerId(card.customer_id), behaviour))
}
