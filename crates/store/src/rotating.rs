//! Rotations, as every store keeps them: the domain decides, and a [`Desk`] reads and writes rows.
//!
//! Whoever changes anything about a modem has its row first, so that two never do at a time, and one
//! transaction changes one modem, so that nobody waits for each other.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::{LeaseId, RotationId};
use domain::rotation::{Ask, Dialer, NotRotated, Outcome, Rotated, Rotation, Taken, Whose};
use domain::time::{Span, Time};

use crate::Result;

/// Reads and writes rows, within one transaction.
pub(crate) trait Desk {
    /// The catalogue in force.
    fn catalogue(&self) -> Result<Arc<Catalogue>>;
    /// What has to be known of a lease.
    fn lease(&self, id: LeaseId) -> Result<Option<Rotated>>;
    /// A modem, which nobody else changes meanwhile if this is for writing.
    fn dialer(&self, name: &str) -> Result<Dialer>;
    /// Keeps a modem, and what has to be noticed by those who serve its leases if `is_seen`.
    fn keep_dialer(&self, dialer: &Dialer, is_seen: bool) -> Result<()>;
    /// The id of the next job.
    fn next_id(&self) -> Result<RotationId>;
    /// Adds a job.
    fn add(&self, rotation: &Rotation) -> Result<()>;
    /// A job.
    fn rotation(&self, id: RotationId) -> Result<Option<Rotation>>;
    /// Keeps how far a job has come.
    fn keep(&self, rotation: &Rotation) -> Result<()>;
    /// The jobs that are open, by modem.
    fn open(&self) -> Result<Vec<Rotation>>;
}

/// Whether a job would be made of `ask`, and for which modem. Changes nothing.
fn judged(
    desk: &impl Desk,
    ask: &Ask,
    now: Time,
) -> Result<std::result::Result<Dialer, NotRotated>> {
    let catalogue = desk.catalogue()?;
    let lease = match &ask.whose {
        Whose::Lease { lease, .. } => desk.lease(*lease)?,
        Whose::Modem(_) => None,
    };
    let name = match ask.modem(lease.as_ref(), &catalogue, now) {
        Ok(name) => name,
        Err(refused) => return Ok(Err(refused)),
    };
    let dialer = desk.dialer(name)?;
    Ok(ask.may(lease.as_ref(), &dialer, &catalogue, now).map(|()| dialer))
}

/// Why no job would be made of `ask`.
pub(crate) fn refusal(desk: &impl Desk, ask: &Ask, now: Time) -> Result<Option<NotRotated>> {
    Ok(judged(desk, ask, now)?.err())
}

/// See [`crate::Store::ask_rotation`].
pub(crate) fn ask(
    desk: &impl Desk,
    ask: &Ask,
    now: Time,
) -> Result<std::result::Result<Rotation, NotRotated>> {
    let mut dialer = match judged(desk, ask, now)? {
        Ok(dialer) => dialer,
        Err(refused) => return Ok(Err(refused)),
    };
    let rotation = ask.job(desk.next_id()?, &dialer.name, now);
    dialer.follow(&rotation);
    desk.add(&rotation)?;
    desk.keep_dialer(&dialer, false)?;
    Ok(Ok(rotation))
}

/// The open jobs of these modems that can be taken, as it looks.
pub(crate) fn takeable(
    desk: &impl Desk,
    modems: &BTreeSet<String>,
    now: Time,
) -> Result<Vec<RotationId>> {
    let open = desk.open()?.into_iter().filter(|it| modems.contains(&it.modem));
    // How long it may take does not matter for whether it can be taken.
    let can_be = open.filter(|it| it.clone().take(Span::ZERO, now) != Taken::No);
    Ok(can_be.map(|it| it.id).collect())
}

/// Takes a job, if it still can be; see [`crate::Store::take_rotations`].
pub(crate) fn take(desk: &impl Desk, id: RotationId, now: Time) -> Result<Option<Rotation>> {
    let catalogue = desk.catalogue()?;
    change(desk, id, |rotation| {
        let deadline = catalogue.modems.get(&rotation.modem).map(|modem| modem.deadline);
        deadline.map(|deadline| rotation.take(deadline, now)).unwrap_or(Taken::No)
    })
}

/// Changes a job with its modem. It is told whether the job is taken by that.
fn change(
    desk: &impl Desk,
    id: RotationId,
    change: impl FnOnce(&mut Rotation) -> Taken,
) -> Result<Option<Rotation>> {
    let Some(modem) = desk.rotation(id)?.map(|rotation| rotation.modem) else { return Ok(None) };
    let mut dialer = desk.dialer(&modem)?;
    // As it is now that nobody else changes it.
    let Some(mut rotation) = desk.rotation(id)? else { return Ok(None) };
    let taken = change(&mut rotation);
    if taken == Taken::No {
        return Ok(None);
    }
    dialer.follow(&rotation);
    desk.keep(&rotation)?;
    desk.keep_dialer(&dialer, true)?;
    Ok((taken == Taken::Yes).then_some(rotation))
}

/// See [`crate::Store::end_rotation`].
pub(crate) fn end(
    desk: &impl Desk,
    id: RotationId,
    claim: i64,
    outcome: Outcome,
    now: Time,
) -> Result<bool> {
    let told = change(desk, id, |rotation| match rotation.tell(claim, outcome, now) {
        true => Taken::Yes,
        false => Taken::No,
    })?;
    Ok(told.is_some())
}

/// The open jobs that are to be given up, as it looks.
pub(crate) fn stale(desk: &impl Desk, now: Time) -> Result<Vec<RotationId>> {
    let open = desk.open()?.into_iter();
    Ok(open.filter(|it| it.clone().give_up(now)).map(|it| it.id).collect())
}

/// Gives up a job, if it still is to be; see [`crate::Store::tidy_rotations`].
pub(crate) fn give_up(desk: &impl Desk, id: RotationId, now: Time) -> Result<()> {
    change(desk, id, |rotation| match rotation.give_up(now) {
        true => Taken::GivenUp,
        false => Taken::No,
    })
    .map(drop)
}
