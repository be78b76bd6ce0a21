//! `POST proxy/comment/set`

use domain::command::{Outcome, Wish};
use domain::comment::SetComment;
use domain::journal::Event;
use domain::refusal::Refusal;
use wire::lenient::Field;
use wire::proxyseller::comment::{CommentRequest, Updated, without_tags};

use super::stop::{Done, Stop, decided};
use super::{Asked, read};
use crate::spend::spend;

const UNUSABLE: &str = "Set existed [comment]";

/// Writes something beside proxies, or takes it back.
pub(super) async fn set(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = CommentRequest::read(&asked.body)?;
    let (app, customer) = (asked.app, asked.customer());
    let leases = read::leases(app.engine.public_ids(), &request.ids);
    let comment = match &request.comment {
        Field::Absent => None,
        Field::Bad => return Err(Stop::said(UNUSABLE, "bad-comment")),
        Field::Given(comment) => Some(without_tags(comment)),
    };
    let wish = Wish::SetComment(SetComment { customer, leases, comment });
    let idempotency = asked.idempotency()?;
    let decision = spend(&app.engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let (outcome, replayed) = decided(decision).map_err(|declined| match declined.refusal {
        Refusal::BadComment => declined.said(asked, UNUSABLE),
        _ => declined.stop(asked),
    })?;
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Comment { leases } = *event else { return Err(Stop::Unknown) };
    let updated = u32::try_from(leases.len()).unwrap_or(u32::MAX);
    Ok(Done::once_or_again(&Updated { updated }, replayed))
}
