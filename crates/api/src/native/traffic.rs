//! `GET /api/v1/leases/{id}/refusals` and `POST /api/v1/leases/{id}/check`

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::ids::CustomerId;
use domain::proxy::Proxy;
use serde_json::{Map, Value, json};

use super::problem::Refused;
use super::{Asked, date, ok, problem};
use crate::app::App;
use crate::traffic::{CheckWish, Checked, NotChecked};

pub(super) const REFUSALS: &str = "/api/v1/leases/{id}/refusals";
pub(super) const CHECK: &str = "/api/v1/leases/{id}/check";

/// What the gateway has refused to clients of a lease lately.
pub(super) async fn refusals(asked: Asked) -> Result<Response<Body>, Refused> {
    let proxy = live(&asked.app, asked.customer(), asked.parts.uri.path()).await?;
    let carried = asked.app.settings.carried.as_ref();
    let told = carried.and_then(|carried| carried.refusals(proxy.lease.id));
    let refusals = told.ok_or_else(no_gateway)?;
    let counts: Map<String, Value> =
        refusals.counts.into_iter().map(|(reason, count)| (reason, count.into())).collect();
    let last: Vec<Value> = refusals
        .last
        .into_iter()
        .map(|it| {
            json!({
                "at": date(it.at),
                "reason": it.reason,
                "destination": it.destination,
                "source": it.source.to_string(),
            })
        })
        .collect();
    Ok(ok(&json!({ "counts": counts, "last": last })))
}

/// Whether a lease works, tried as its customer would.
pub(super) async fn check(asked: Asked) -> Result<Response<Body>, Refused> {
    let proxy = live(&asked.app, asked.customer(), asked.parts.uri.path()).await?;
    let carried = asked.app.settings.carried.clone().ok_or_else(no_gateway)?;
    if let Err(wait) = asked.app.limits.check(&asked.caller.key) {
        return Err(problem::too_many(wait).into());
    }
    let exit = proxy.ip;
    let wish = CheckWish::of(&asked.app, &proxy, None);
    let checked = carried.check(wish).await.map_err(|why| match why {
        NotChecked::Busy => {
            problem::said(StatusCode::SERVICE_UNAVAILABLE, "Too many proxies are checked just now")
        }
        NotChecked::NobodyToAsk => problem::said(
            StatusCode::SERVICE_UNAVAILABLE,
            "Checking is not set up: the operator has named nobody to ask for an address",
        ),
    })?;
    let ways: Vec<Value> = checked.iter().map(shown).collect();
    let works = !checked.is_empty() && checked.iter().all(|it| it.reason.is_none());
    Ok(ok(&json!({ "works": works, "expected_exit": exit.to_string(), "ways": ways })))
}

fn shown(checked: &Checked) -> Value {
    let mut shown = json!({
        "protocol": checked.protocol,
        "port": checked.port,
        "works": checked.reason.is_none(),
        "reason": checked.reason,
        "exit": checked.exit.map(|exit| exit.to_string()),
        "connect_ms": checked.connect_ms,
        "first_byte_ms": checked.first_byte_ms,
    });
    if let Some(trusted) = checked.trusted {
        shown["certificate_trusted"] = trusted.into();
    }
    shown
}

/// The caller's lease that the path names.
async fn live(app: &App, customer: CustomerId, path: &str) -> Result<Proxy, Refused> {
    let engine = &app.engine;
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such lease");
    let id = path.rsplit('/').nth(1);
    let lease = id.and_then(|id| engine.public_ids().read_lease(id)).ok_or_else(nothing)?;
    let found = engine.proxies_of(customer, &[lease]).await?;
    found.into_iter().next().ok_or_else(|| nothing().into())
}

fn no_gateway() -> Response<Body> {
    problem::said(StatusCode::SERVICE_UNAVAILABLE, "There is no gateway here to ask")
}
