//! `POST /api/v1/leases/comment`

use axum::body::Body;
use axum::http::Response;
use domain::command::{Outcome, Wish};
use domain::comment::SetComment;
use domain::journal::Event;
use engine::fault::Fault;
use serde::Deserialize;
use serde_json::json;

use super::problem::Refused;
use super::wish::{Wished, marked};
use super::{Asked, ok};

pub(super) const PATH: &str = "/api/v1/leases/comment";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentLeases {
    ids: Vec<String>,
    comment: Option<String>,
}

/// Writes something beside leases.
pub(super) async fn carry_out(asked: Asked) -> Result<Response<Body>, Refused> {
    let wished: Wished<CommentLeases> = Wished::read(asked).await?;
    let leases = Some(wished.leases(&wished.request.ids)?);
    let (customer, comment) = (wished.caller.customer.id, wished.request.comment.clone());
    let wish = Wish::SetComment(SetComment { customer, leases, comment });
    let decision = wished.decide(wish).await?;
    let (entry, event) = match decision.result {
        Err(refused) => return Ok(marked(wished.refused(&refused), decision.replayed)),
        Ok(Outcome::Done { entry, event, .. }) => (entry, *event),
        Ok(_) => return Err(wished.unknown(Fault::OutcomeUnknown)),
    };
    let Event::Comment { leases } = event else {
        return Err(wished.unknown(Fault::OutcomeUnknown));
    };
    let receipt = entry.map(|entry| wished.engine().public_ids().entry(entry));
    let answer = ok(&json!({ "receipt_id": receipt, "updated": leases.len() }));
    Ok(marked(answer, decision.replayed))
}
