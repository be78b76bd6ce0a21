//! Saving what a batch has changed.

use domain::world::{Changes, NextIds};
use rusqlite::Connection;

use super::{
    answers, authorisations, customers, journal, leases, orders, promos, replacements, state, stock,
};
use crate::Result;
use crate::vault::Vault;

/// Whether there is nothing to save. Ids that were handed out and not used are no change.
pub(super) fn is_nothing(changes: &Changes, before: NextIds) -> bool {
    // Every change of the books but these comes with an entry.
    changes.entries.is_empty()
        && changes.leases.is_empty()
        && changes.remembered.is_empty()
        && changes.next == before
}

/// Writes the changes.
///
/// Leases go before the addresses they hold: an address that one lease gives back in this batch
/// is not let again in it, but the constraints are looked at row by row.
pub(super) fn save(connection: &Connection, vault: &Vault, changes: &Changes) -> Result<()> {
    state::write_next(connection, changes.next)?;
    journal::append(connection, &changes.entries)?;
    for wallet in changes.wallets.values() {
        customers::set_wallet(connection, wallet)?;
    }
    stock::save_new(connection, changes)?;
    for (lease, change) in changes.leases.values() {
        leases::change(connection, lease, *change)?;
    }
    orders::add(connection, &changes.orders)?;
    authorisations::save(connection, vault, changes)?;
    replacements::add(connection, &changes.entries)?;
    leases::add(connection, &changes.leases_new)?;
    stock::save(connection, changes)?;
    promos::set_uses(connection, &changes.promo_uses)?;
    answers::keep(connection, &changes.remembered)
}
