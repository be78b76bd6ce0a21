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

/// Which leases of a kind: packages have sections of their own in some dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Any.
    All,
    /// Those that were bought as parts of packages.
    OfPackages,
    /// The others.
    Single,
}

impl Among {
    fn has(self, lease: &Lease) -> bool {
        match self {
            Among::All => true,
            Among::OfPackages => lease.product.package.is_some(),
            Among::Single => lease.product.package.is_none(),
        }
    }
}

impl Selection {
    /// Adds what has to be known.
    pub(crate) fn add_needs(&self, needs: &mut Needs) {
        match self {
            Selection::Leases(Some(leases)) => {
                needs.leases.extend(leases);
                needs.siblings.extend(leases);
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
        (kind, among): (ProxyKind, Among),
        stands: impl Fn(Standing) -> bool,
        now: Time,
    ) -> Result<Vec<&'w Lease>, Refusal> {
        let fits = |lease: &Lease| {
            lease.customer == customer
                && lease.product.kind == kind
                && among.has(lease)
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
                let whole = chosen.iter().filter(|lease| lease.product.extends_whole_orders());
                let whole: BTreeSet<OrderId> = whole.map(|lease| lease.order).collect();
                let left_out = |lease: &&Lease| fits(lease) && !seen.contains(&lease.id);
                let missing: Vec<LeaseId> = whole
                    .into_iter()
                    .flat_map(|order| world.leases_of(order).filter(left_out))
                    .map(|lease| lease.id)
                    .collect();
                if !missing.is_empty() {
                    return Err(Refusal::WholeOrderOnly { missing });
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
