//! `/api/v1/authorisations` and `/api/v1/authorisations/{id}`

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use domain::authorisation::Authorised;
use domain::authorise::{
    Authorise, AuthoriseBy, ChangeAuthorisation, DeleteAuthorisation, SourceWish,
};
use domain::command::{Decision, Outcome, Wish};
use domain::ids::{AuthorisationId, CustomerId, OrderId};
use domain::journal::Event;
use domain::public_id::PublicIds;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Refused;
use super::wish::{Wished, marked};
use super::{Asked, date, leases, ok, problem};

pub(super) const PATH: &str = "/api/v1/authorisations";
pub(super) const ONE: &str = "/api/v1/authorisations/{id}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    order_id: String,
    by: String,
    source_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    active: Option<bool>,
    login: Option<String>,
    password: Option<String>,
    source_ip: Option<String>,
}

/// Nothing is said.
#[derive(Deserialize)]
struct Nothing {}

/// The ways in to what is rented, by pages.
pub(super) async fn list(asked: Asked) -> Result<Response<Body>, Refused> {
    let bad = |detail| Refused::from(problem::said(StatusCode::BAD_REQUEST, detail));
    let engine = &asked.app.engine;
    let ids = engine.public_ids();
    let order = match asked.query("order_id")?.as_ref() {
        "" => None,
        id => Some(ids.read_order(id).ok_or_else(|| bad("order_id must be the id of an order"))?),
    };
    let after = match asked.query("after")?.as_ref() {
        "" => None,
        place => Some(read_place(ids, place).ok_or_else(|| bad("after must be a `next`"))?),
    };
    let limit = asked.limit()?;
    let found = engine.authorisations(asked.customer(), order, after, limit).await?;
    let full = found.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| full).map(|last| place(ids, last));
    let list: Vec<Value> = found.iter().map(|it| shown(ids, it)).collect();
    Ok(ok(&json!({ "authorisations": list, "next": next })))
}

/// Where a page ends: an order and one of its authorisations.
fn place(ids: &PublicIds, last: &Authorised) -> String {
    let it = &last.authorisation;
    format!("{}-{}", ids.order(it.order), ids.authorisation(it.id))
}

fn read_place(ids: &PublicIds, place: &str) -> Option<(OrderId, AuthorisationId)> {
    let (order, authorisation) = place.split_once('-')?;
    Some((ids.read_order(order)?, ids.read_authorisation(authorisation)?))
}

/// Lets somebody use the addresses of an order.
pub(super) async fn add(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<New> = Wished::read(asked).await?;
    let New { order_id, by, source_ip } = &wished.request;
    let by = match (by.as_str(), source_ip) {
        ("usual", None) => AuthoriseBy::Usual,
        ("own", None) => AuthoriseBy::Own,
        ("source_ip", ip) => AuthoriseBy::SourceIp(ip.as_deref().and_then(|ip| ip.parse().ok())),
        _ => {
            let detail = "by must be usual, own, or source_ip with a source_ip";
            return Err(problem::said(StatusCode::BAD_REQUEST, detail).into());
        }
    };
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|_| Fault::Broken)?;
    let (customer, order) =
        (wished.caller.customer.id, wished.engine().public_ids().read_order(order_id));
    let wish = Wish::Authorise(Authorise { customer, order, by, seed });
    let decision = wished.decide(wish).await?;
    told(&wished, customer, decision).await
}

/// Changes an authorisation.
pub(super) async fn change(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<Changed> = Wished::read(asked).await?;
    let Changed { active, login, password, source_ip } = &wished.request;
    let source = match source_ip.as_deref().map(str::parse::<IpAddr>) {
        None => SourceWish::Kept,
        Some(Err(_)) => SourceWish::Unreadable,
        Some(Ok(ip)) => SourceWish::To(ip),
    };
    let customer = wished.caller.customer.id;
    let wish = Wish::ChangeAuthorisation(ChangeAuthorisation {
        customer,
        authorisation: named(&wished),
        active: *active,
        login: login.clone(),
        password: password.clone(),
        source,
    });
    let decision = wished.decide(wish).await?;
    told(&wished, customer, decision).await
}

/// Deletes an authorisation.
pub(super) async fn delete(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<Nothing> = Wished::read(asked).await?;
    let customer = wished.caller.customer.id;
    let authorisation = named(&wished);
    let wish = Wish::DeleteAuthorisation(DeleteAuthorisation { customer, authorisation });
    let decision = wished.decide(wish).await?;
    told(&wished, customer, decision).await
}

/// The authorisation that the path names.
fn named<T>(wished: &Wished<T>) -> Option<AuthorisationId> {
    let id = wished.parts.uri.path().rsplit('/').next();
    id.and_then(|id| wished.engine().public_ids().read_authorisation(id))
}

/// What was done, with the authorisation as it is now, unless it was deleted. Logins and passwords
/// are in no receipt.
async fn told<T>(
    wished: &Wished<T>,
    customer: CustomerId,
    decision: Decision,
) -> Result<Response<Body>, Refused> {
    let engine = wished.engine();
    let ids = engine.public_ids();
    let (entry, event) = match decision.result {
        Err(refused) => return Ok(marked(wished.refused(&refused), decision.replayed)),
        Ok(Outcome::Done { entry, event, .. }) => (entry, *event),
        Ok(_) => return Err(wished.unknown(Fault::OutcomeUnknown)),
    };
    let Event::Authorisation { authorisation, .. } = event else {
        return Err(wished.unknown(Fault::OutcomeUnknown));
    };
    let now = engine.authorisation(customer, authorisation).await?;
    let answer = ok(&json!({
        "receipt_id": entry.map(|entry| ids.entry(entry)),
        "id": ids.authorisation(authorisation),
        "authorisation": now.map(|now| shown(ids, &now)),
    }));
    Ok(marked(answer, decision.replayed))
}

fn shown(ids: &PublicIds, authorised: &Authorised) -> Value {
    let it = &authorised.authorisation;
    json!({
        "id": ids.authorisation(it.id),
        "order_id": ids.order(it.order),
        "active": it.active,
        "access": leases::access(&it.access),
        "usual": it.usual,
        "shown_in_lists": it.shown,
        "ends_at": date(authorised.ends_at),
    })
}
