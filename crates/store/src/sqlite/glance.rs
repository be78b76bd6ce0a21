//! A customer with one lease, at a glance: what the price of an extension needs, which is asked
//! for more often than anything else. One statement sees the books at one moment by itself, and
//! costs half of a transaction with three.

use domain::needs::Needs;
use domain::world::Loaded;
use rusqlite::Connection;

use super::catalogues::Catalogues;
use super::customers::{CUSTOMER_AND_WALLET_COLUMNS, customer_and_wallet_columns, with_wallet};
use super::leases::{lease, lease_columns};
use super::state::{STATE_COLUMNS, state, state_columns};
use super::statements::statements;
use crate::Result;

statements! {
    GLANCE = concat!(
        "SELECT ", state_columns!(), ", ", customer_and_wallet_columns!(), ", ", lease_columns!(), "
         FROM state JOIN customer ON customer.id = ?1
         JOIN wallet ON wallet.customer_id = customer.id
         LEFT JOIN lease ON lease.id = ?2 WHERE state.id = 1"
    );
}

/// What is needed, if it is a customer and one lease and nothing else, and if both are there.
pub(super) fn load(
    connection: &Connection,
    needs: &Needs,
    catalogues: &Catalogues,
) -> Result<Option<Loaded>> {
    let (Some(customer), Some(id)) = (needs.customers.first(), needs.leases.first()) else {
        return Ok(None);
    };
    let few = needs.customers.len() == 1 && needs.leases.len() == 1;
    let else_empty = needs.promos.is_empty()
        && needs.stock.is_empty()
        && needs.packages.is_empty()
        && needs.orders.is_empty()
        && needs.authorisations.is_empty()
        && needs.authorised.is_empty()
        && needs.usual_logins.is_empty()
        && needs.logins.is_empty()
        && needs.remembered.is_empty()
        && needs.payments.is_empty()
        && needs.means.is_empty()
        && needs.siblings.is_subset(&needs.leases);
    if !few || !else_empty {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(GLANCE)?;
    let mut rows = statement.query((customer.0, id.0))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let behind_customer = STATE_COLUMNS + CUSTOMER_AND_WALLET_COLUMNS;
    if row.get_ref(behind_customer)? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    let state = state(row)?;
    let lease = lease(row, behind_customer)?;
    if needs.siblings.contains(id) && lease.product.extends_whole_orders() {
        return Ok(None);
    }
    // One that has just been applied is read in a transaction.
    let Some(catalogue) = catalogues.known(state.catalogue_version) else { return Ok(None) };
    let (customer, wallet) = with_wallet(row, STATE_COLUMNS)?;
    Ok(Some(Loaded {
        catalogue,
        customers: vec![customer],
        wallets: vec![wallet],
        leases: vec![lease],
        next: state.next,
        sales_locked: state.sales_locked,
        ..Loaded::default()
    }))
}
