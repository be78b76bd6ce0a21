//! Orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{CustomerId, OrderId};
use domain::order::{Order, Protocol};

use super::authorisations::access;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::corrupt;
use crate::vault::Vault;
use crate::{Result, encoding};

statements! {
    /// With the authorisation that lists show, if there is one.
    GET = "SELECT customer_order.id, customer_order.customer_id, product, period_days, quantity,
        goal, login, password_sealed, source_ip, protocol, rotation_seconds, created_at_ms, shown
        FROM customer_order LEFT JOIN authorisation
        ON authorisation.customer_id = customer_order.customer_id
        AND authorisation.order_id = customer_order.id AND authorisation.shown = 1
        WHERE customer_order.id = ANY($1)";
}

/// The orders, with the passwords that lists show unsealed. Those that do not exist are left out.
pub(super) fn get(
    tx: &Tx<'_>,
    vault: &Vault,
    ids: &BTreeSet<OrderId>,
) -> Result<BTreeMap<OrderId, Arc<Order>>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = tx.rows(GET, &[&ids])?;
    let by_id = |row| {
        let order = order(row, vault)?;
        Ok((order.id, Arc::new(order)))
    };
    rows.iter().map(by_id).collect()
}

fn order(row: &Row, vault: &Vault) -> Result<Order> {
    let id = OrderId(row.int(0)?);
    let shown = row.optional_int(12)?;
    let rotation = row.optional_int(10)?;
    let rotation = rotation.map(|it| encoding::small("customer_order.rotation_seconds", it));
    let protocol = row.optional_text(9)?.map(|name| {
        let protocol = Protocol::from_name(name);
        protocol.ok_or_else(|| corrupt("customer_order.protocol", name))
    });
    Ok(Order {
        id,
        customer: CustomerId(row.int(1)?),
        product: encoding::product("customer_order.product", row.text(2)?)?,
        period: encoding::period("customer_order.period_days", row.int(3)?)?,
        quantity: encoding::small("customer_order.quantity", row.int(4)?)?,
        goal: row.text(5)?.to_owned(),
        access: shown.map(|_| access(row, 6, vault, id)).transpose()?,
        protocol: protocol.transpose()?,
        rotation_seconds: rotation.transpose()?,
        created_at: row.time(11)?,
    })
}
