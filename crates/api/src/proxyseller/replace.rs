//! `POST proxy/replace`

use std::collections::BTreeSet;

use domain::command::{Outcome, Wish};
use domain::journal::Event;
use domain::replace::{Replace, ReplaceReason};
use wire::lenient::Field;
use wire::proxyseller::replace::{ReplaceRequest, Replaced, Submitted};

use super::stop::{Done, Stop, decided};
use super::{Asked, read};
use crate::spend::spend;

/// Gives proxies other addresses, at once.
pub(super) async fn carry_out(asked: &Asked<'_>) -> Result<Done, Stop> {
    let request = ReplaceRequest::read(&asked.body)?;
    let (app, customer) = (asked.app, asked.customer());
    let engine = &app.engine;
    let leases = read::leases(engine.public_ids(), &request.ids);
    let comment = match &request.comment {
        Field::Absent => None,
        // One that cannot be read is one that cannot be used.
        comment => Some(comment.given().cloned().unwrap_or_else(|| "\u{7f}".to_owned())),
    };
    let wish = Wish::Replace(Replace {
        customer,
        pools: engine.pools_of(customer, leases.as_deref().unwrap_or(&[])).await?,
        leases,
        reason: request.reason.given().and_then(|name| ReplaceReason::from_name(name)),
        comment,
    });
    let idempotency = asked.idempotency()?;
    let decision = spend(engine, &app.spends, wish, idempotency, asked.delivery).await?;
    let (outcome, replayed) = decided(decision).map_err(|declined| declined.stop(asked))?;
    let Outcome::Done { event, .. } = outcome else { return Err(Stop::Unknown) };
    let Event::Replacement { leases, .. } = *event else { return Err(Stop::Unknown) };
    let before: BTreeSet<_> = leases.iter().map(|it| it.from).collect();
    let exits = engine.exits(before).await.map_err(|_| Stop::Unknown)?;
    let ips = leases.iter().filter_map(|it| exits.get(&it.from)).map(ToString::to_string);
    let submitted =
        Submitted { ips: ips.collect(), msg: "Replacement request submitted".to_owned() };
    Ok(Done::once_or_again(&Replaced { ok: submitted }, replayed))
}
