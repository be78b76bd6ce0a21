//! Locking and loading what a batch needs.
//!
//! All statements go to the server in one go. Their order is that of the locks, and the same in
//! every batch, each list by id: the run of the server, wallets, promo codes, ports, prefixes, addresses. Each statement
//! sees what was committed before it, and so, behind the wallets' locks, what those who held them
//! before have left.

mod access;
mod leases;
mod means;
mod promos;
mod remembered;
pub(super) mod stock;
mod wallets;

use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::needs::Needs;
use domain::time::Time;
use domain::world::Loaded;

use self::access::Accesses;
use self::leases::Leases;
use self::means::Means;
use self::promos::Promos;
use self::remembered::Asked;
pub(super) use self::stock::Locks;
use self::stock::Stock;
use self::wallets::Wallets;
use super::session::Ask;
use super::transaction::Tx;
use super::value::Value;
use super::{runs, state};
use crate::Result;
use crate::vault::Vault;

/// Every file's statements, for the test that prepares them.
#[cfg(test)]
pub(super) const FILES: &[(&str, &[(&str, &str)])] = &[
    ("load/access", access::STATEMENTS),
    ("load/leases", leases::STATEMENTS),
    ("load/means", means::STATEMENTS),
    ("load/promos", promos::STATEMENTS),
    ("load/remembered", remembered::STATEMENTS),
    ("load/stock", stock::STATEMENTS),
    ("load/wallets", wallets::STATEMENTS),
];

/// Everything in `needs` that exists; its packages are resolved. `catalogue` gives the catalogue of a version. `locks` says
/// what is kept from others until the end of the transaction, which is of this `run`, if any: the
/// number of a server and of its run.
pub(super) fn load(
    tx: &Tx<'_>,
    vault: &Vault,
    needs: &Needs,
    now: Time,
    locks: Locks,
    run: Option<(i64, i64)>,
    catalogue: impl FnOnce(&Tx<'_>, i64) -> Result<Arc<Catalogue>>,
) -> Result<Loaded> {
    let wallets = Wallets::new(needs);
    let promos = Promos::new(needs);
    let stock = Stock::new(needs, now);
    let leases = Leases::new(needs);
    let accesses = Accesses::new(needs);
    let asked = Asked::new(needs);
    let means = Means::new(needs);

    let mut values: Vec<(&'static str, Vec<&dyn Value>)> = Vec::new();
    if let Some((server, run)) = &run {
        values.push((runs::HELD, vec![server, run]));
    }
    let of_wallets = values.len();
    wallets.ask(locks, &mut values);
    let of_promos = values.len();
    promos.ask(locks, &mut values);
    let of_stock = values.len();
    stock.ask(locks, &mut values);
    let of_leases = values.len();
    leases.ask(&mut values);
    let of_accesses = values.len();
    accesses.ask(&mut values);
    let of_answers = values.len();
    asked.ask(&mut values);
    let of_means = values.len();
    means.ask(&mut values);
    let of_state = values.len();
    values.push((state::READ, Vec::new()));

    let asks: Vec<Ask<'_>> =
        values.iter().map(|(sql, values)| Ask { sql, values: values.as_slice() }).collect();
    let answers = tx.all(&asks)?;

    if let Some(held) = answers[..of_wallets].first() {
        runs::is_held(held)?;
    }
    let state = answers[of_state].rows.first();
    let state = state::state(state.ok_or_else(|| super::failure::missing("state", 1))?)?;
    let mut loaded = Loaded {
        catalogue: catalogue(tx, state.catalogue_version)?,
        next: state.next,
        sales_locked: state.sales_locked,
        ..Loaded::default()
    };
    wallets.read(&answers[of_wallets..of_promos], &mut loaded)?;
    promos.read(&answers[of_promos..of_stock], &mut loaded)?;
    stock.read(&answers[of_stock..of_leases], &mut loaded)?;
    leases.read(tx, &answers[of_leases..of_accesses], &mut loaded)?;
    accesses.read(vault, &answers[of_accesses..of_answers], &mut loaded)?;
    asked.read(&answers[of_answers..of_means], &mut loaded)?;
    means.read(vault, &answers[of_means..of_state], &mut loaded)?;
    if locks == Locks::Waiting {
        stock.wait_for_all(tx, &mut loaded)?;
    }
    Ok(loaded)
}
