//! `GET /api/v1/wallet`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::problem::Refused;
use super::{Asked, ok, problem};

pub(super) const PATH: &str = "/api/v1/wallet";

/// What is in the wallet.
pub(super) async fn show(asked: Asked) -> Result<Response<Body>, Refused> {
    let balance = asked.app.engine.balance(asked.customer());
    let balance = balance?.ok_or_else(|| problem::plain(StatusCode::NOT_FOUND))?;
    let currency = balance.currency();
    Ok(ok(&json!({ "balance": balance.decimal(), "currency": currency.code() })))
}
