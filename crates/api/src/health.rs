//! `/healthz`, `/readyz` and `/metrics`

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::routing::get;

use crate::answer;
use crate::app::App;
use crate::native::problem;
use crate::routes::Route;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn routes() -> Vec<Route> {
    let route =
        |template, handler| Route { dialect: "health", template, methods: &["get"], handler };
    vec![
        route("/healthz", get(alive)),
        route("/readyz", get(ready)),
        route("/metrics", get(metrics)),
    ]
}

/// The process is alive.
async fn alive() -> Response<Body> {
    answer::json(StatusCode::OK, "{\"status\":\"alive\"}")
}

/// Requests can be served: the database answers, and the server is not about to end. A gateway that
/// is here and cannot serve everything is told of, but keeps nobody from what else is served.
async fn ready(State(app): State<Arc<App>>) -> Response<Body> {
    let gateway = app.settings.traffic.as_ref().map(|it| it.is_ready.load(Ordering::Relaxed));
    let body = match gateway {
        None => "{\"status\":\"ready\"}",
        Some(true) => "{\"status\":\"ready\",\"gateway\":\"ready\"}",
        Some(false) => "{\"status\":\"ready\",\"gateway\":\"impaired\"}",
    };
    match app.engine.check_ready().await {
        Ok(()) => answer::json(StatusCode::OK, body),
        Err(fault) => problem::from_fault(&fault),
    }
}

async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    let mut answer = Response::new(Body::from(app.metrics.text()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
    answer
}
