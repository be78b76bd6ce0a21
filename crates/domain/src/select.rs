//! Which leases a command is about.

use std::collections::BTreeSet;

use crate::ids::{CustomerId, LeaseId, OrderId};
use crate::kind::ProxyKind;
use crate::lease::{Lease, Standing};
use crate::needs::Needs;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::world::World;

/// Leases, named one by one or by their orders. `None` where nothing was named or a name cannot be
/// one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These leases.
    Leases(Option<Vec<LeaseId>>),
    /// All leases of these orders.
    Orders(Option<Vec<OrderId>>),
}

impl Selection {
    /// Adds what has to be known.
    pub(crate) fn add_needs(&self, kind: Option<ProxyKind>, needs: &mut Needs) {
        match self {
            Selection::Leases(Some(leases)) => {
                needs.leases.extend(leases);
                if kind.is_some_and(ProxyKind::extends_whole_orders) {
                    needs.siblings.extend(leases);
                }
            }
            Selection::Orders(Some(orders)) => needs.orders.extend(orders),
            Selection::Leases(None) | Selection::Orders(None) => {}
        }
    }

    /// The leases of `customer` that are meant, in the order in which they were named, each once.
    ///
    /// All or nothing: one that does not exist, is another's, is of another kind or does not stand
    /// as it should refuses them all, in one and the same way. Of an order, the leases that are
    /// over are left out, unless all are.
    pub(crate) fn leases<'w>(
        &self,
        world: &'w World,
        customer: CustomerId,
        kind: ProxyKind,
        stands: impl Fn(Standing) -> bool,
        now: Time,
    ) -> Result<Vec<&'w Lease>, Refusal> {
        let fits = |lease: &Lease| {
            lease.customer == customer
                && lease.product.kind == kind
                && stands(world.standing(lease, now))
        };
        match self {
            Selection::Leases(ids) => {
                let ids = ids.as_ref().filter(|ids| !ids.is_empty());
                let mut seen = BTreeSet::new();
                let mut chosen = Vec::new();
                for id in ids.ok_or(Refusal::UnknownLease)? {
                    if seen.insert(*id) {
                        let lease = world.lease(*id).filter(|lease| fits(lease));
                        chosen.push(lease.ok_or(Refusal::UnknownLease)?);
                    }
                }
                if kind.extends_whole_orders() {
                    let left_out = |lease: &&Lease| fits(lease) && !seen.contains(&lease.id);
                    let touched: BTreeSet<OrderId> =
                        chosen.iter().map(|lease| lease.order).collect();
                    for order in touched {
                        if world.leases_of(order).any(|lease| left_out(&lease)) {
                            return Err(Refusal::WholeOrderOnly);
                        }
                    }
                }
                Ok(chosen)
            }
            Selection::Orders(ids) => {
                let ids = ids.as_ref().filter(|ids| !ids.is_empty());
                let mut seen = BTreeSet::new();
                let mut chosen = Vec::new();
                for id in ids.ok_or(Refusal::UnknownOrder)? {
                    if !seen.insert(*id) {
                        continue;
                    }
                    let before = chosen.len();
                    chosen.extend(world.leases_of(*id).filter(|lease| fits(lease)));
                    if chosen.len() == before {
                        return Err(Refusal::UnknownOrder);
                    }
                }
                Ok(chosen)
            }
        }
    }
}

/// The leases of `customer` that are named, of whatever kinds, in the order in which they were
/// named, each once.
///
/// All or nothing: one that does not exist, is another's or does not stand as it should refuses
/// them all, in one and the same way.
pub(crate) fn named<'w>(
    world: &'w World,
    customer: CustomerId,
    ids: Option<&[LeaseId]>,
    stands: impl Fn(Standing) -> bool,
    now: Time,
) -> Result<Vec<&'w Lease>, Refusal> {
    let fits = |lease: &&Lease| lease.customer == customer && stands(world.standing(lease, now));
    let mut seen = BTreeSet::new();
    let ids = ids.filter(|ids| !ids.is_empty()).ok_or(Refusal::UnknownLease)?;
    ids.iter()
        .filter(|id| seen.insert(**id))
        .map(|id| world.lease(*id).filter(fits).ok_or(Refusal::UnknownLease))
        .collect()
}
