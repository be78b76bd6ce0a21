//! `POST /api/v1/leases/{id}/rotate`, `GET /api/v1/leases/{id}/rotations`,
//! `GET /api/v1/rotations/{id}` and `POST /api/v1/leases/{id}/reboot-link`

use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::ids::LeaseId;
use domain::rotation::{
    Ask, Cause, INTERVAL, NotRotated, Outcome, Rotation, State, TRIES_MAX, Whose,
};
use domain::time::Span;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::{Asked, date, ok, problem, read};
use crate::answer;
use crate::app::App;

pub(super) const ROTATE: &str = "/api/v1/leases/{id}/rotate";
pub(super) const OF_LEASE: &str = "/api/v1/leases/{id}/rotations";
pub(super) const ONE: &str = "/api/v1/rotations/{id}";
pub(super) const LINK: &str = "/api/v1/leases/{id}/reboot-link";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    /// How many tries there may be until the exit is another one.
    until_changed: Option<u32>,
}

/// Asks for another exit.
pub(super) async fn rotate(asked: Asked) -> Result<Response<Body>, Refused> {
    asked.may_change()?;
    let lease = lease_in_path(&asked)?;
    let (app, customer) = (asked.app.clone(), asked.customer());
    let body = read(&asked.parts.headers, asked.body).await?;
    let wish = match body.trim_ascii() {
        b"" => Wish::default(),
        body => serde_json::from_slice(body)
            .ok()
            .filter(|_| body.first() == Some(&b'{'))
            .ok_or_else(|| bad("The body is not as the API describes it"))?,
    };
    let tries = wish.until_changed.unwrap_or(1);
    if !(1..=TRIES_MAX).contains(&tries) {
        return Err(bad("until_changed must be from 1 to 5"));
    }
    let whose = Whose::Lease { lease, customer: Some(customer), epoch: None };
    let rotated = app.engine.rotate(Ask { whose, cause: Cause::Api, tries }).await?;
    let rotation = rotated.map_err(refused)?;
    Ok(answer::json(StatusCode::ACCEPTED, shown(&app, &rotation).to_string()))
}

/// What has come of a rotation.
pub(super) async fn show(asked: Asked) -> Result<Response<Body>, Refused> {
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such rotation");
    let engine = &asked.app.engine;
    let id = asked.parts.uri.path().rsplit('/').next().unwrap_or_default();
    let id = engine.public_ids().read_rotation(id).ok_or_else(nothing)?;
    let rotation = engine.rotation(asked.customer(), id)?.ok_or_else(nothing)?;
    Ok(ok(&shown(&asked.app, &rotation)))
}

/// The rotations that were asked for a lease, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let lease = lease_in_path(&asked)?;
    let (engine, limit) = (&asked.app.engine, asked.limit()?);
    let after = match asked.query("after")?.as_ref() {
        "" => None,
        id => {
            let rotation = engine.public_ids().read_rotation(id);
            Some(rotation.ok_or_else(|| bad("after must be the id of a rotation"))?)
        }
    };
    let found = engine.rotations(asked.customer(), lease, after, limit).await?;
    let found = found.ok_or_else(no_lease)?;
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|last| engine.public_ids().rotation(last.id));
    let list: Vec<Value> = found.iter().map(|it| shown(&asked.app, it)).collect();
    Ok(ok(&json!({ "rotations": list, "next": next })))
}

/// Replaces the link that rotates a lease; the old one is dead at once.
pub(super) async fn renew_link(asked: Asked) -> Result<Response<Body>, Refused> {
    asked.may_change()?;
    let lease = lease_in_path(&asked)?;
    let engine = &asked.app.engine;
    let rotates = |shown: &domain::proxy::Proxy| shown.lease.product.operator.is_some();
    let proxies = engine.proxies_of(asked.customer(), &[lease]).await?;
    let proxy = proxies.first().ok_or_else(no_lease)?;
    if !rotates(proxy) {
        return Err(refused(NotRotated::NotRotatable));
    }
    let token = engine.renew_reboot_token(asked.customer(), lease).await?;
    let token = token.ok_or_else(|| refused(NotRotated::Ended))?;
    let link = format!("{}/api/proxy/reboot?token={token}", asked.app.settings.base_url);
    Ok(ok(&json!({ "reboot_link": link })))
}

fn lease_in_path(asked: &Asked) -> Result<LeaseId, Refused> {
    let id = asked.parts.uri.path().rsplit('/').nth(1).unwrap_or_default();
    asked.app.engine.public_ids().read_lease(id).ok_or_else(no_lease)
}

fn no_lease() -> Refused {
    problem::said(StatusCode::NOT_FOUND, "There is no such lease").into()
}

fn bad(detail: &str) -> Refused {
    problem::said(StatusCode::BAD_REQUEST, detail).into()
}

/// Why nothing rotates.
fn refused(refused: NotRotated) -> Refused {
    let (status, name, title, detail) = match refused {
        NotRotated::Unknown => return no_lease(),
        NotRotated::Ended => (
            StatusCode::CONFLICT,
            "lease-ended",
            "The lease has ended",
            "Extend it first, if it is kept in reserve",
        ),
        NotRotated::NotRotatable => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-rotatable",
            "The exit cannot be changed",
            "Only those of mobile proxies can, where the operator drives their modems",
        ),
        NotRotated::TooSoon { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "too-soon",
            "It has just been rotated, or is being rotated",
            "Wait as long as Retry-After says",
        ),
    };
    let mut answer = problem::problem(status, &format!("urn:sublet:problem:{name}"), title, detail);
    if let NotRotated::TooSoon { wait } = refused {
        answer::retry_after(answer.headers_mut(), length(wait));
    }
    answer.into()
}

/// The same length of time.
pub(crate) fn length(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.millis()).unwrap_or(0))
}

fn shown(app: &App, rotation: &Rotation) -> Value {
    let ids = app.engine.public_ids();
    let interval =
        app.engine.catalogue().modems.get(&rotation.modem).map_or(INTERVAL, |it| it.interval);
    let (state, old, new, failure) = match rotation.state {
        State::Queued => ("queued", None, None, None),
        State::Dialing { .. } => ("dialing", None, None, None),
        State::Ended(Outcome::Changed { old, new }) => ("changed", old, new, None),
        State::Ended(Outcome::Same { ip }) => ("same", Some(ip), Some(ip), None),
        State::Ended(Outcome::Failed(failure)) => ("failed", None, None, Some(failure.name())),
    };
    json!({
        "id": ids.rotation(rotation.id),
        "lease_id": rotation.lease.map(|lease| ids.lease(lease)),
        "state": state,
        "cause": rotation.cause.name(),
        "tries": rotation.tries,
        "exit_before": old.map(|ip| ip.to_string()),
        "exit": new.map(|ip| ip.to_string()),
        "failure": failure,
        "asked_at": date(rotation.asked_at),
        "begun_at": rotation.begun_at.map(date),
        "ended_at": rotation.ended_at.map(date),
        "next_allowed_at": date(rotation.asked_at + interval),
    })
}
