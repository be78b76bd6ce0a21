//! Saving what a batch has changed.

use domain::world::Changes;
use rusqlite::Connection;

use super::{
    answers, authorisations, customers, journal, leases, orders, payments, promos, replacements,
    state, stock,
};
use crate::Result;
use crate::vault::Vault;

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
    payments::put(connection, vault, changes)?;
    answers::keep(connection, &changes.remembered)
}
