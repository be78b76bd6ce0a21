//! `/sandbox/v1`: what happens because somebody says so, such as that time passes. Only in a
//! sandbox.

mod cards;
mod span;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use domain::time::Time;
use engine::engine::ClockError;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::native::problem::Refused;
use crate::native::{date, problem};
use crate::routes::Route;
use crate::{answer, body, caller};

pub(crate) fn routes() -> Vec<Route> {
    let (template, methods) = ("/sandbox/v1/clock", &["get", "post"]);
    let clock = Route { dialect: "sandbox", template, methods, handler: get(show).post(turn) };
    let mut routes = cards::routes();
    routes.insert(0, clock);
    routes
}

/// Where the clock is to go: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    advance: Option<String>,
    now: Option<String>,
}

async fn show(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if let Err(refused) = operator(&app, &request) {
        return refused.answer();
    }
    answer::json(StatusCode::OK, json!({ "now": date(app.engine.now()) }).to_string())
}

/// Moves the clock forward, and answers when everything that was due on the way is done.
async fn turn(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if let Err(refused) = operator(&app, &request) {
        return refused.answer();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = body::read(&parts.headers, body).await else {
        return problem::plain(StatusCode::BAD_REQUEST);
    };
    let Some(target) = target(&app, &body) else {
        let detail =
            "The body must be {\"advance\":\"1d12h\"} or {\"now\":\"2026-12-01T00:00:00Z\"}";
        return problem::said(StatusCode::BAD_REQUEST, detail);
    };
    // On a task of its own: a jump that has begun is done to its end, also if nobody waits for it.
    let engine = app.engine.clone();
    let moved = tokio::spawn(async move { engine.move_clock(target).await });
    match moved.await {
        Ok(Ok(swept)) => {
            let done = json!({
                "now": date(app.engine.now()),
                "renewed": swept.renewed,
                "failed": swept.failed,
                "ended": swept.ended,
                "released": swept.released,
            });
            answer::json(StatusCode::OK, done.to_string())
        }
        Ok(Err(ClockError::Backwards)) => {
            problem::said(StatusCode::CONFLICT, "The clock cannot be moved back")
        }
        Ok(Err(ClockError::TooFar)) => {
            problem::said(StatusCode::BAD_REQUEST, "The clock cannot be moved that far")
        }
        Ok(Err(ClockError::NotASandbox)) => problem::plain(StatusCode::NOT_FOUND),
        Ok(Err(ClockError::Fault(fault))) => problem::from_fault(&fault),
        Err(_) => problem::plain(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// Lets only operators pass.
fn operator(app: &App, request: &Request) -> Result<(), Refused> {
    let found = app.engine.operator(caller::bearer(request.headers()).reveal());
    match found? {
        Some(_) => Ok(()),
        None => match app.limits.failed_key(caller::address(request.extensions())) {
            Ok(()) => Err(problem::said(
                StatusCode::UNAUTHORIZED,
                "The operator token is missing or wrong",
            )
            .into()),
            Err(wait) => Err(problem::too_many(wait).into()),
        },
    }
}

fn target(app: &App, body: &[u8]) -> Option<Time> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let turn: Turn = serde_json::from_slice(body).ok()?;
    match (turn.advance, turn.now) {
        (Some(span), None) => Some(app.engine.now() + span::read(&span)?),
        (None, Some(now)) => {
            let now: Timestamp = now.parse().ok()?;
            Some(Time::from_millis(now.as_millisecond()))
        }
        _ => None,
    }
}
