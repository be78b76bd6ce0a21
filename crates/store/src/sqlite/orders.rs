//! Orders, with the passwords that belong to them sealed.

use domain::access::{Access, Login};
use domain::ids::{CustomerId, OrderId};
use domain::order::{Order, Protocol};
use domain::time::Time;
use rusqlite::{Connection, Row};

use super::statements::statements;
use crate::encoding::{corrupt, password_place};
use crate::error::Error;
use crate::vault::Vault;
use crate::{Result, encoding};

statements! {
    GET = "SELECT id, customer_id, product, period_days, quantity, goal, login, password_sealed,
        source_ip, protocol, rotation_seconds, created_at_ms FROM customer_order WHERE id = ?1";
    ADD = "INSERT INTO customer_order (id, customer_id, product, period_days, quantity, goal,
        login, password_sealed, source_ip, protocol, rotation_seconds, created_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
}

/// The order, with its password unsealed.
pub(super) fn get(connection: &Connection, vault: &Vault, id: OrderId) -> Result<Option<Order>> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(|row| order(row, vault)).transpose()
}

fn order(row: &Row<'_>, vault: &Vault) -> Result<Order> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let optional =
        |index: usize| row.get_ref(index)?.as_str_or_null().map_err(rusqlite::Error::from);
    let id = OrderId(row.get(0)?);
    let access = match (optional(6)?, optional(8)?) {
        (Some(login), None) => {
            let sealed = row.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?;
            let password = vault.unseal(&password_place(id), sealed);
            let password =
                password.ok_or_else(|| corrupt("customer_order.password_sealed", id.0))?;
            Access::Login(Login { login: login.to_owned(), password })
        }
        (None, Some(ip)) => Access::SourceIp(encoding::ip("customer_order.source_ip", ip)?),
        _ => return Err(corrupt("customer_order.login", id.0)),
    };
    let protocol = optional(9)?
        .map(|name| {
            let protocol = Protocol::from_name(name);
            protocol.ok_or_else(|| corrupt("customer_order.protocol", name))
        })
        .transpose()?;
    Ok(Order {
        id,
        customer: CustomerId(row.get(1)?),
        product: encoding::product("customer_order.product", text(2)?)?,
        period: encoding::period("customer_order.period_days", row.get(3)?)?,
        quantity: row.get(4)?,
        goal: row.get(5)?,
        access,
        protocol,
        rotation_seconds: row.get(10)?,
        created_at: Time::from_millis(row.get(11)?),
    })
}

/// Adds new orders.
pub(super) fn add(connection: &Connection, vault: &Vault, orders: &[Order]) -> Result<()> {
    let mut statement = connection.prepare_cached(ADD)?;
    for order in orders {
        let (login, sealed, ip) = match &order.access {
            Access::Login(Login { login, password }) => {
                let mut nonce = [0; 24];
                getrandom::fill(&mut nonce).map_err(|error| Error::Fault(error.into()))?;
                (Some(login), Some(vault.seal(&password_place(order.id), password, nonce)), None)
            }
            Access::SourceIp(ip) => (None, None, Some(ip.to_string())),
        };
        statement.execute((
            order.id.0,
            order.customer.0,
            order.product.to_string(),
            order.period.days(),
            order.quantity,
            &order.goal,
            login,
            sealed,
            ip,
            order.protocol.map(Protocol::name),
            order.rotation_seconds,
            order.created_at.millis(),
        ))?;
    }
    Ok(())
}
