//! `/api/proxy/reboot`: the link that rotates a mobile exit.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, Response, StatusCode};
use axum::routing::get;
use domain::rotation::NotRotated;

use crate::app::App;
use crate::native::{length, problem};
use crate::routes::Route;
use crate::{answer, query};

pub(crate) fn routes() -> Vec<Route> {
    let (template, handler) = ("/api/proxy/reboot", get(reboot));
    vec![Route { dialect: "reboot", template, methods: &["get"], handler }]
}

/// Asks for another exit for whoever knows a live lease's token; says nothing at all to others.
async fn reboot(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    // A HEAD comes along with GET, but whoever only looks must not rotate anything.
    if request.method() != Method::GET {
        return problem::plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let token = query::value(request.uri().query().unwrap_or(""), "token");
    match app.engine.reboot(token.as_deref().unwrap_or("")).await {
        Ok(Ok(_)) => {
            answer::json(StatusCode::OK, "{\"status\":\"success\",\"data\":null,\"errors\":[]}")
        }
        Ok(Err(NotRotated::TooSoon { wait })) => {
            let mut answer = failed(StatusCode::TOO_MANY_REQUESTS, "Too soon, try again later");
            answer::retry_after(answer.headers_mut(), length(wait));
            answer
        }
        Ok(Err(NotRotated::NotRotatable)) => {
            failed(StatusCode::UNPROCESSABLE_ENTITY, "This proxy cannot be rotated")
        }
        Ok(Err(NotRotated::Unknown | NotRotated::Ended)) => {
            failed(StatusCode::NOT_FOUND, "Not found")
        }
        Err(fault) => problem::from_fault(&fault),
    }
}

fn failed(status: StatusCode, message: &str) -> Response<Body> {
    let code = status.as_u16();
    let body = serde_json::json!({
        "status": "error",
        "data": null,
        "errors": [{ "message": message, "code": code }],
    });
    answer::json(status, body.to_string())
}
