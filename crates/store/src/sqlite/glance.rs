//! A customer with one lease, at a glance: what the price of an extension needs, which is asked
//! for more often than anything else. One statement sees the books at one moment by itself, and
//! costs half of a transaction with three.

use domain::ids::{CustomerId, LeaseId};
use domain::needs::Needs;
use domain::proxy::Proxy;
use domain::world::Loaded;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::catalogues::Catalogues;
use super::customers::{CUSTOMER_AND_WALLET_COLUMNS, customer_and_wallet_columns, with_wallet};
use super::leases::{lease, lease_columns};
use super::orders::{order_columns, order_with_access};
use super::proxies::Shelf;
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
    /// With all that is shown of the lease, which is there and the customer's.
    SHOWN = concat!(
        "SELECT ", state_columns!(), ", ", customer_and_wallet_columns!(), ", ", lease_columns!(),
        ", address.ip, address.gateway, address.port, address.modem,
         lease.reboot_epoch, ", order_columns!(), "
         FROM state JOIN customer ON customer.id = ?1
         JOIN wallet ON wallet.customer_id = customer.id
         JOIN lease ON lease.id = ?2 AND lease.customer_id = customer.id AND lease.state < 2
         JOIN address ON address.id = lease.address_id
         JOIN ", order_with_access!(), "
         WHERE state.id = 1 AND customer_order.id = lease.order_id"
    );
}

/// Where the lease is in a row.
const LEASE: usize = STATE_COLUMNS + CUSTOMER_AND_WALLET_COLUMNS;

/// What is needed, if it is a customer and one lease and nothing else, and if both are there.
pub(super) fn load(
    connection: &Connection,
    needs: &Needs,
    catalogues: &Catalogues,
) -> Result<Option<Loaded>> {
    let Some((customer, lease)) = only(needs) else { return Ok(None) };
    let mut statement = connection.prepare_cached(GLANCE)?;
    let mut rows = statement.query((customer.0, lease.0))?;
    match rows.next()? {
        Some(row) if row.get_ref(LEASE)? != ValueRef::Null => loaded(row, needs, catalogues),
        _ => Ok(None),
    }
}

/// The same, and the lease as it is shown, if it is live and the customer's.
pub(super) fn load_shown(
    mut shelf: Shelf<'_>,
    needs: &Needs,
    customer: CustomerId,
    catalogues: &Catalogues,
) -> Result<Option<(Loaded, Vec<Proxy>)>> {
    let Some((of, lease)) = only(needs).filter(|(of, _)| *of == customer) else { return Ok(None) };
    let mut statement = shelf.connection.prepare_cached(SHOWN)?;
    let mut rows = statement.query((of.0, lease.0))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Some(loaded) = loaded(row, needs, catalogues)? else { return Ok(None) };
    let lease = loaded.leases[0].clone();
    if lease.ends_at <= shelf.now {
        return Ok(None);
    }
    let proxy = shelf.proxy(row, LEASE, lease)?;
    Ok(Some((loaded, vec![proxy])))
}

/// The customer and the lease, if nothing else is needed.
fn only(needs: &Needs) -> Option<(CustomerId, LeaseId)> {
    let (customer, lease) = (needs.customers.first()?, needs.leases.first()?);
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
    (few && else_empty).then_some((*customer, *lease))
}

fn loaded(row: &Row<'_>, needs: &Needs, catalogues: &Catalogues) -> Result<Option<Loaded>> {
    let state = state(row)?;
    let lease = lease(row, LEASE)?;
    if needs.siblings.contains(&lease.id) && lease.product.extends_whole_orders() {
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
