//! What customers write beside their leases.

use crate::ids::{CustomerId, EntryId, LeaseId};
use crate::journal::Event;
use crate::lease::Standing;
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::select::named;
use crate::time::Time;
use crate::world::World;

/// The longest comment, in characters.
pub const COMMENT_LENGTH_MAX: usize = 256;

/// A wish to write something beside leases, of whatever kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetComment {
    /// Whose leases.
    pub customer: CustomerId,
    /// Which; `None` if nothing was named or a name cannot be one of ours.
    pub leases: Option<Vec<LeaseId>>,
    /// What; nothing, or nothing but space, takes back what is there.
    pub comment: Option<String>,
}

impl SetComment {
    /// What has to be known to decide it.
    pub fn needs(&self) -> Needs {
        Needs {
            customers: [self.customer].into(),
            leases: self.leases.iter().flatten().copied().collect(),
            ..Needs::default()
        }
    }

    /// Writes it beside every lease, or beside none. Says which, each once and in the order in
    /// which they were named; repeating it is harmless and writes nothing.
    pub(crate) fn apply(
        &self,
        world: &mut World,
        now: Time,
    ) -> Result<(Option<EntryId>, Event), Refusal> {
        world.spender(self.customer)?;
        let comment = checked(self.comment.as_deref())?;
        let stands = |standing| standing != Standing::Over;
        let leases = named(world, self.customer, self.leases.as_deref(), stands, now)?;
        let changed = leases.iter().any(|lease| lease.comment != comment);
        let leases: Vec<LeaseId> = leases.iter().map(|lease| lease.id).collect();
        for id in &leases {
            world.change_lease(*id, |lease| lease.comment.clone_from(&comment));
        }
        let event = Event::Comment { leases };
        let entry = changed.then(|| world.record(self.customer, event.clone(), now));
        Ok((entry, event))
    }
}

/// The comment without the space around it; `None` if nothing is left.
pub(crate) fn checked(comment: Option<&str>) -> Result<Option<String>, Refusal> {
    let comment = comment.unwrap_or("").trim();
    let text = |sign: char| !sign.is_control() || matches!(sign, '\n' | '\r' | '\t');
    if COMMENT_LENGTH_MAX < comment.chars().count() || !comment.chars().all(text) {
        return Err(Refusal::BadComment);
    }
    Ok((!comment.is_empty()).then(|| comment.to_owned()))
}
