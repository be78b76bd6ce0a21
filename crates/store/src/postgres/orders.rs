//! Orders, with the passwords that belong to them sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::{Access, Login};
use domain::ids::{CustomerId, OrderId};
use domain::order::{Order, Protocol};

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::{corrupt, password_place};
use crate::vault::Vault;
use crate::{Result, encoding};

statements! {
    GET = "SELECT id, customer_id, product, period_days, quantity, goal, login, password_sealed,
        source_ip, protocol, rotation_seconds, created_at_ms FROM customer_order
        WHERE id = ANY($1)";
}

/// The orders, with their passwords unsealed. Those that do not exist are left out.
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
        access: access(row, vault, id)?,
        protocol: protocol.transpose()?,
        rotation_seconds: rotation.transpose()?,
        created_at: row.time(11)?,
    })
}

fn access(row: &Row, vault: &Vault, id: OrderId) -> Result<Access> {
    match (row.optional_text(6)?, row.optional_text(8)?) {
        (Some(login), None) => {
            let password = vault.unseal(&password_place(id), row.bytes(7)?);
            let password =
                password.ok_or_else(|| corrupt("customer_order.password_sealed", id.0))?;
            Ok(Access::Login(Login { login: login.to_owned(), password }))
        }
        (None, Some(ip)) => encoding::ip("customer_order.source_ip", ip).map(Access::SourceIp),
        _ => Err(corrupt("customer_order.login", id.0)),
    }
}
