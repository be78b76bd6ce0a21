//! Who may use the addresses of an order, with the passwords sealed.

use std::collections::BTreeSet;

use domain::access::{Access, Login};
use domain::authorisation::{Authorisation, Authorised};
use domain::ids::{AuthorisationId, CustomerId, OrderId};

use super::orders;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::encoding::{corrupt, password_place};
use crate::vault::Vault;
use crate::{Result, encoding};

/// What [`authorisation`] reads, in the first columns.
macro_rules! authorisation_columns {
    () => {
        "authorisation.id, authorisation.customer_id, authorisation.order_id, authorisation.active,
         authorisation.login, authorisation.password_sealed, authorisation.source_ip,
         authorisation.usual, authorisation.chosen, authorisation.shown"
    };
}

pub(super) use authorisation_columns;

/// How many columns [`authorisation`] reads.
const AUTHORISATION_COLUMNS: usize = 10;

statements! {
    /// Those of orders that are not over, with the latest end of their leases.
    LIST = concat!(
        "SELECT ", authorisation_columns!(), ", over.ends_at_ms FROM authorisation
         CROSS JOIN LATERAL (
             SELECT MAX(lease.ends_at_ms) AS ends_at_ms FROM customer_order AS bought
             CROSS JOIN LATERAL (SELECT ends_at_ms, state FROM lease
                WHERE bought.first_lease_id <= lease.id
                ORDER BY lease.id LIMIT bought.quantity) AS lease
             WHERE bought.id = authorisation.order_id AND lease.state < 2
         ) AS over
         WHERE authorisation.customer_id = $1
         AND (authorisation.order_id, authorisation.id) > ($2, $3)
         AND authorisation.order_id <= $4 AND over.ends_at_ms IS NOT NULL
         ORDER BY authorisation.order_id, authorisation.id LIMIT $5"
    );
}

/// Reads [`authorisation_columns`], which are the first, and unseals the password.
pub(super) fn authorisation(row: &Row, vault: &Vault) -> Result<Authorisation> {
    let order = OrderId(row.int(2)?);
    Ok(Authorisation {
        id: AuthorisationId(row.int(0)?),
        customer: CustomerId(row.int(1)?),
        order,
        active: row.flag(3)?,
        access: access(row, 4, vault, order)?,
        usual: row.flag(7)?,
        chosen: row.flag(8)?,
        shown: row.flag(9)?,
    })
}

/// Reads login, sealed password and source address, which begin at `first`.
pub(super) fn access(row: &Row, first: usize, vault: &Vault, order: OrderId) -> Result<Access> {
    match (row.optional_text(first)?, row.optional_text(first + 2)?) {
        (Some(login), None) => {
            let password = vault.unseal(&password_place(order), row.bytes(first + 1)?);
            let password =
                password.ok_or_else(|| corrupt("authorisation.password_sealed", order.0))?;
            Ok(Access::Login(Login { login: login.to_owned(), password }))
        }
        (None, Some(ip)) => encoding::ip("authorisation.source_ip", ip).map(Access::SourceIp),
        _ => Err(corrupt("authorisation.login", order.0)),
    }
}

/// See [`crate::Store::authorisations`].
pub(super) fn list(
    tx: &Tx<'_>,
    vault: &Vault,
    customer: CustomerId,
    order: Option<OrderId>,
    after: Option<(OrderId, AuthorisationId)>,
    limit: u32,
) -> Result<Vec<Authorised>> {
    let (from, to) = crate::authorised::bounds(order, after);
    let rows = tx.rows(LIST, &[&customer.0, &from.0, &from.1, &to, &i64::from(limit)])?;
    let list = rows.iter().map(|row| authorisation(row, vault)).collect::<Result<Vec<_>>>()?;
    let wanted: BTreeSet<OrderId> = list.iter().map(|it| it.order).collect();
    let orders = orders::get(tx, vault, &wanted)?;
    let authorised = |(authorisation, row): (Authorisation, &Row)| {
        let id = authorisation.order;
        let order = orders.get(&id).cloned();
        let order = order.ok_or_else(|| corrupt("authorisation.order_id", id.0))?;
        Ok(Authorised { authorisation, order, ends_at: row.time(AUTHORISATION_COLUMNS)? })
    };
    list.into_iter().zip(&rows).map(authorised).collect()
}
