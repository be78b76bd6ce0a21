//! `/api/proxy/reboot`: the link that rotates a mobile exit.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use axum::routing::get;

use crate::app::App;
use crate::native::problem;
use crate::routes::Route;
use crate::{answer, query};

pub(crate) fn routes() -> Vec<Route> {
    let (template, handler) = ("/api/proxy/reboot", get(reboot));
    vec![Route { dialect: "reboot", template, methods: &["get"], handler }]
}

/// Says that there is nothing to rotate yet, to those who know a live lease's token, and nothing at
/// all to others.
async fn reboot(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    // A HEAD comes along with GET, but whoever only looks must not rotate anything.
    if request.method() != Method::GET {
        return problem::plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let token = query::value(request.uri().query().unwrap_or(""), "token");
    match app.engine.rebooted(token.as_deref().unwrap_or("")) {
        Ok(Some(_)) => answer::json(
            StatusCode::SERVICE_UNAVAILABLE,
            "{\"error\":\"Traffic is not served by this installation yet\"}",
        ),
        Ok(None) => answer::json(StatusCode::NOT_FOUND, "{\"error\":\"Not found\"}"),
        Err(fault) => problem::from_fault(&fault),
    }
}
