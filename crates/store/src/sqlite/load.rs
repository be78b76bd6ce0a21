//! Loading what a batch needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::catalogue::Catalogue;
use domain::ids::OrderId;
use domain::needs::Needs;
use domain::time::Time;
use domain::world::Loaded;
use rusqlite::Connection;

use super::state::State;
use super::{answers, authorisations, customers, leases, payments, promos, stock};
use crate::Result;
use crate::vault::Vault;

/// Everything in `needs` that exists, in the order of its fields; its packages are resolved.
///
/// Rows are looked up one by one, in the order of their ids: inside a process that costs less than
/// putting lists into statements, and neighbours lie on one page.
pub(super) fn load(
    connection: &Connection,
    vault: &Vault,
    needs: &Needs,
    state: &State,
    catalogue: Arc<Catalogue>,
    now: Time,
) -> Result<Loaded> {
    let mut loaded = Loaded {
        catalogue,
        next: state.next,
        sales_locked: state.sales_locked,
        ..Loaded::default()
    };
    for id in &needs.customers {
        if let Some((customer, wallet)) = customers::get(connection, *id)? {
            loaded.customers.push(customer);
            loaded.wallets.push(wallet);
        }
    }
    for (code, customer) in &needs.promos {
        let known = loaded.promos.iter().find(|promo| promo.code == *code).map(|promo| promo.id);
        let id = match known {
            Some(id) => id,
            None => match promos::by_code(connection, code)? {
                Some(promo) => {
                    let id = promo.id;
                    loaded.promos.push(promo);
                    id
                }
                None => continue,
            },
        };
        let uses = promos::uses(connection, id, *customer)?;
        loaded.promo_uses.push((id, *customer, uses));
    }
    for (product, quantity) in &needs.stock {
        let pool = stock::pool(connection, product, *quantity, now)?;
        if product.kind.shares_host() && loaded.next_ports.is_empty() {
            loaded.next_ports = stock::next_ports(connection)?;
        }
        loaded.pools.push((product.clone(), pool));
    }
    load_leases(connection, needs, &mut loaded)?;
    authorisations::load(connection, vault, needs, &mut loaded)?;
    for (customer, key) in &needs.remembered {
        loaded.remembered.extend(answers::get(connection, *customer, *key)?);
    }
    for id in &needs.payments {
        loaded.payments.extend(payments::by_id(connection, *id)?);
    }
    for customer in &needs.means {
        loaded.cards.extend(payments::cards_of(connection, vault, *customer)?);
        loaded.top_ups.extend(payments::top_up_of(connection, *customer)?);
    }
    Ok(loaded)
}

fn load_leases(connection: &Connection, needs: &Needs, loaded: &mut Loaded) -> Result<()> {
    let mut whole: BTreeSet<OrderId> = BTreeSet::new();
    for id in needs.leases.union(&needs.siblings) {
        let Some(lease) = leases::by_id(connection, *id)? else { continue };
        if needs.siblings.contains(id) && lease.product.extends_whole_orders() {
            whole.insert(lease.order);
        }
        loaded.leases.push(lease);
    }
    for order in whole.union(&needs.orders) {
        loaded.leases.extend(leases::by_order(connection, *order)?);
    }
    Ok(())
}
