//! `POST /api/v1/leases/replace` and `GET /api/v1/leases/{id}/replacements`

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::command::{Outcome, Wish};
use domain::journal::Event;
use domain::replace::{Replace, ReplaceReason};
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::wish::{Wished, marked};
use super::{Asked, date, ok, problem};

pub(super) const PATH: &str = "/api/v1/leases/replace";
pub(super) const OF_ONE: &str = "/api/v1/leases/{id}/replacements";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplaceLeases {
    ids: Vec<String>,
    reason: String,
    comment: Option<String>,
}

/// Gives leases other addresses.
pub(super) async fn carry_out(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<ReplaceLeases> = Wished::read(asked).await?;
    let leases = wished.leases(&wished.request.ids)?;
    let (engine, customer) = (wished.engine(), wished.caller.customer.id);
    let wish = Wish::Replace(Replace {
        customer,
        pools: engine.pools_of(customer, &leases).await?,
        leases: Some(leases),
        reason: ReplaceReason::from_name(&wished.request.reason),
        comment: wished.request.comment.clone(),
    });
    let decision = wished.decide(wish).await?;
    let (entry, at, event) = match decision.result {
        Err(refused) => return Ok(marked(wished.refused(&refused), decision.replayed)),
        Ok(Outcome::Done { entry: Some(entry), at, event }) => (entry, at, *event),
        Ok(_) => return Err(wished.unknown(Fault::OutcomeUnknown)),
    };
    let Event::Replacement { leases, .. } = event else {
        return Err(wished.unknown(Fault::OutcomeUnknown));
    };
    let addresses: BTreeSet<_> = leases.iter().flat_map(|it| [it.from, it.to]).collect();
    let exits = engine.exits(addresses).await?;
    let ids = engine.public_ids();
    let replaced = leases.iter().map(|it| {
        let [from, to] = [it.from, it.to].map(|id| exits.get(&id).map(ToString::to_string));
        json!({ "id": ids.lease(it.lease), "exit_before": from, "exit": to })
    });
    let answer = ok(&json!({
        "receipt_id": ids.entry(entry),
        "at": date(at),
        "leases": replaced.collect::<Vec<_>>(),
    }));
    Ok(marked(answer, decision.replayed))
}

/// Which exits a lease had before.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let nothing = || problem::said(StatusCode::NOT_FOUND, "There is no such lease");
    let id = asked.parts.uri.path().rsplit('/').nth(1);
    let lease = id.and_then(|id| ids.read_lease(id)).ok_or_else(nothing)?;
    engine.kind_of(asked.customer(), lease)?.ok_or_else(nothing)?;
    let found = engine.replacements(asked.customer(), lease).await?;
    let list = found.iter().map(|it| {
        json!({
            "receipt_id": ids.entry(it.entry),
            "at": date(it.at),
            "reason": it.reason.name(),
            "comment": it.comment,
            "exit_before": it.from.to_string(),
            "exit": it.to.to_string(),
        })
    });
    Ok(ok(&json!({ "replacements": list.collect::<Vec<Value>>() })))
}
