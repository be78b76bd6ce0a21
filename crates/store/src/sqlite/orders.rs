//! Orders.

use domain::ids::{CustomerId, OrderId};
use domain::order::{Order, Protocol};
use domain::time::Time;
use rusqlite::{Connection, Row};

use super::authorisations::access;
use super::statements::statements;
use crate::encoding::corrupt;
use crate::vault::Vault;
use crate::{Result, encoding};

/// The columns of an order, with the authorisation that lists show.
macro_rules! order_columns {
    () => {
        "customer_order.id, customer_order.customer_id, customer_order.product,
         customer_order.period_days, customer_order.quantity, customer_order.goal,
         authorisation.login, authorisation.password_sealed, authorisation.source_ip,
         customer_order.protocol, customer_order.rotation_seconds, customer_order.created_at_ms,
         authorisation.shown"
    };
}

/// What shows an order's authorisation beside it, if one is to be shown.
macro_rules! order_with_access {
    () => {
        "customer_order LEFT JOIN authorisation
         ON authorisation.customer_id = customer_order.customer_id
         AND authorisation.order_id = customer_order.id AND authorisation.shown = 1"
    };
}

pub(super) use {order_columns, order_with_access};

statements! {
    GET = concat!(
        "SELECT ", order_columns!(), " FROM ", order_with_access!(), "
         WHERE customer_order.id = ?1"
    );
    ADD = "INSERT INTO customer_order (id, customer_id, product, period_days, quantity, goal,
        protocol, rotation_seconds, created_at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
}

/// The order, with the password that lists show unsealed.
pub(super) fn get(connection: &Connection, vault: &Vault, id: OrderId) -> Result<Option<Order>> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(|row| order(row, 0, vault)).transpose()
}

/// The order whose columns begin with the `first`.
pub(super) fn order(row: &Row<'_>, first: usize, vault: &Vault) -> Result<Order> {
    let text = |index: usize| row.get_ref(first + index)?.as_str().map_err(rusqlite::Error::from);
    let optional =
        |index: usize| row.get_ref(first + index)?.as_str_or_null().map_err(rusqlite::Error::from);
    let id = OrderId(row.get(first)?);
    let shown: Option<i64> = row.get(first + 12)?;
    let access = shown.map(|_| access(row, first + 6, vault, id)).transpose()?;
    let protocol = optional(9)?
        .map(|name| {
            let protocol = Protocol::from_name(name);
            protocol.ok_or_else(|| corrupt("customer_order.protocol", name))
        })
        .transpose()?;
    Ok(Order {
        id,
        customer: CustomerId(row.get(first + 1)?),
        product: encoding::product("customer_order.product", text(2)?)?,
        period: encoding::period("customer_order.period_days", row.get(first + 3)?)?,
        quantity: row.get(first + 4)?,
        goal: row.get(first + 5)?,
        access,
        protocol,
        rotation_seconds: row.get(first + 10)?,
        created_at: Time::from_millis(row.get(first + 11)?),
    })
}

/// Adds new orders. Who may use them is added by itself.
pub(super) fn add(connection: &Connection, orders: &[Order]) -> Result<()> {
    let mut statement = connection.prepare_cached(ADD)?;
    for order in orders {
        statement.execute((
            order.id.0,
            order.customer.0,
            order.product.to_string(),
            order.period.days(),
            order.quantity,
            &order.goal,
            order.protocol.map(Protocol::name),
            order.rotation_seconds,
            order.created_at.millis(),
        ))?;
    }
    Ok(())
}
