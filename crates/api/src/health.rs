//! `/healthz`, `/readyz`, `/metrics` and `/api/ip`

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::routing::get;
use serve::Peer;

use crate::answer;
use crate::app::App;
use crate::native::problem;
use crate::routes::Route;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn routes() -> Vec<Route> {
    let route =
        |template, handler| Route { dialect: "health", template, methods: &["get"], handler };
    vec![
        route("/healthz", get(alive)),
        route("/readyz", get(ready)),
        route("/metrics", get(metrics)),
        route("/api/ip", get(address)),
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

/// The address that the caller comes from, so that one can see what a proxy makes of it.
async fn address(Extension(Peer(from)): Extension<Peer>) -> Response<Body> {
    let mut answer = Response::new(Body::from(format!("{}\n", from.ip().to_canonical())));
    answer.headers_mut().insert(CONTENT_TYPE, TEXT);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn metrics(State(app): State<Arc<App>>) -> Response<Body> {
    let mut answer = Response::new(Body::from(app.metrics.text()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
    answer
}
