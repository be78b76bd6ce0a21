//! Who may use the addresses of an order, with the passwords sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::access::{Access, Login};
use domain::authorisation::{Authorisation, Authorised};
use domain::ids::{AuthorisationId, CustomerId, OrderId};
use domain::needs::Needs;
use domain::order::Order;
use domain::time::Time;
use domain::world::{Changes, Loaded};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::failure::missing;
use super::orders;
use super::statements::statements;
use crate::encoding::{corrupt, password_place, usual_place};
use crate::error::Error;
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

/// How many columns [`authorisation`] reads.
const AUTHORISATION_COLUMNS: usize = 10;

statements! {
    BY_ID = concat!("SELECT ", authorisation_columns!(), " FROM authorisation WHERE id = ?1");
    BY_ORDER = concat!(
        "SELECT ", authorisation_columns!(), " FROM authorisation
         WHERE customer_id = ?1 AND order_id = ?2 ORDER BY id"
    );
    /// Those of orders that are not over, with the latest end of their leases.
    LIST = concat!(
        "SELECT ", authorisation_columns!(), ",
         (SELECT MAX(lease.ends_at_ms) FROM lease
            WHERE lease.order_id = authorisation.order_id AND lease.state < 2) AS ends_at_ms
         FROM authorisation WHERE authorisation.customer_id = ?1
         AND (authorisation.order_id, authorisation.id) > (?2, ?3)
         AND authorisation.order_id <= ?4 AND ends_at_ms IS NOT NULL
         ORDER BY authorisation.order_id, authorisation.id LIMIT ?5"
    );
    LOGIN = "SELECT customer_id, id FROM authorisation WHERE login = ?1 AND usual = 0
        LIMIT 1";
    USUAL_LOGIN = "SELECT customer_id FROM usual_login WHERE login = ?1";
    USUAL = "SELECT login, password_sealed FROM usual_login WHERE customer_id = ?1";
    ADD = "INSERT INTO authorisation (id, customer_id, order_id, active, login, password_sealed,
        source_ip, usual, chosen, shown) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    CHANGE = "UPDATE authorisation SET active = ?2, login = ?3, password_sealed = ?4,
        source_ip = ?5, usual = ?6, chosen = ?7, shown = ?8 WHERE id = ?1";
    DELETE = "DELETE FROM authorisation WHERE id = ?1";
    ADD_USUAL = "INSERT INTO usual_login (customer_id, login, password_sealed)
        VALUES (?1, ?2, ?3)";
}

/// Reads [`authorisation_columns`], which are the first, and unseals the password.
fn authorisation(row: &Row<'_>, vault: &Vault) -> Result<Authorisation> {
    let order = OrderId(row.get(2)?);
    Ok(Authorisation {
        id: AuthorisationId(row.get(0)?),
        customer: CustomerId(row.get(1)?),
        order,
        active: row.get(3)?,
        access: access(row, 4, vault, order)?,
        usual: row.get(7)?,
        chosen: row.get(8)?,
        shown: row.get(9)?,
    })
}

/// Reads login, sealed password and source address, which begin at `first`.
pub(super) fn access(row: &Row<'_>, first: usize, vault: &Vault, order: OrderId) -> Result<Access> {
    let optional =
        |index: usize| row.get_ref(first + index)?.as_str_or_null().map_err(rusqlite::Error::from);
    match (optional(0)?, optional(2)?) {
        (Some(login), None) => {
            let sealed = row.get_ref(first + 1)?.as_blob().map_err(rusqlite::Error::from)?;
            let password = vault.unseal(&password_place(order), sealed);
            let password =
                password.ok_or_else(|| corrupt("authorisation.password_sealed", order.0))?;
            Ok(Access::Login(Login { login: login.to_owned(), password }))
        }
        (None, Some(ip)) => Ok(Access::SourceIp(encoding::ip("authorisation.source_ip", ip)?)),
        _ => Err(corrupt("authorisation.login", order.0)),
    }
}

/// Loads what `needs` names of this.
pub(super) fn load(
    connection: &Connection,
    vault: &Vault,
    needs: &Needs,
    loaded: &mut Loaded,
) -> Result<()> {
    for id in &needs.authorisations {
        let mut statement = connection.prepare_cached(BY_ID)?;
        let mut rows = statement.query([id.0])?;
        if let Some(row) = rows.next()? {
            loaded.authorisations.push(authorisation(row, vault)?);
        }
    }
    for (customer, order) in &needs.authorised {
        let mut statement = connection.prepare_cached(BY_ORDER)?;
        let mut rows = statement.query((customer.0, order.0))?;
        while let Some(row) = rows.next()? {
            loaded.authorisations.push(authorisation(row, vault)?);
        }
    }
    for customer in &needs.usual_logins {
        let mut statement = connection.prepare_cached(USUAL)?;
        let mut rows = statement.query([customer.0])?;
        if let Some(row) = rows.next()? {
            let sealed = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let password = vault.unseal(&usual_place(*customer), sealed);
            let password =
                password.ok_or_else(|| corrupt("usual_login.password_sealed", customer.0))?;
            loaded.usual_logins.push((*customer, Login { login: row.get(0)?, password }));
        }
    }
    for login in &needs.logins {
        let of = connection
            .prepare_cached(LOGIN)?
            .query_row([login], |row| {
                Ok((CustomerId(row.get(0)?), Some(AuthorisationId(row.get(1)?))))
            })
            .optional()?;
        let usual = connection
            .prepare_cached(USUAL_LOGIN)?
            .query_row([login], |row| Ok((CustomerId(row.get(0)?), None)))
            .optional()?;
        let of = of.or(usual);
        loaded.logins.extend(of.map(|(customer, id)| (login.clone(), customer, id)));
    }
    Ok(())
}

/// Writes what has changed: first what has gone, then what makes use of that.
pub(super) fn save(connection: &Connection, vault: &Vault, changes: &Changes) -> Result<()> {
    for id in &changes.authorisations_gone {
        if connection.prepare_cached(DELETE)?.execute([id.0])? != 1 {
            return Err(missing("authorisation", id.0));
        }
    }
    for (customer, Login { login, password }) in &changes.usual_logins {
        let sealed = vault.seal(&usual_place(*customer), password, nonce()?);
        connection.prepare_cached(ADD_USUAL)?.execute((customer.0, login, sealed))?;
    }
    for it in changes.authorisations.values() {
        let (login, sealed, ip) = columns(it, vault)?;
        let values = (it.id.0, it.active, login, sealed, ip, it.usual, it.chosen, it.shown);
        if connection.prepare_cached(CHANGE)?.execute(values)? != 1 {
            return Err(missing("authorisation", it.id.0));
        }
    }
    for it in changes.authorisations_new.values() {
        let (login, sealed, ip) = columns(it, vault)?;
        let Authorisation { id, customer, order, active, usual, chosen, shown, .. } = it;
        connection.prepare_cached(ADD)?.execute((
            id.0, customer.0, order.0, active, login, sealed, ip, usual, chosen, shown,
        ))?;
    }
    Ok(())
}

/// Login, sealed password and source address.
type Columns<'a> = (Option<&'a str>, Option<Vec<u8>>, Option<String>);

fn columns<'a>(authorisation: &'a Authorisation, vault: &Vault) -> Result<Columns<'a>> {
    Ok(match &authorisation.access {
        Access::Login(Login { login, password }) => {
            let sealed = vault.seal(&password_place(authorisation.order), password, nonce()?);
            (Some(login), Some(sealed), None)
        }
        Access::SourceIp(ip) => (None, None, Some(ip.to_string())),
    })
}

fn nonce() -> Result<[u8; 24]> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(|error| Error::Fault(error.into()))?;
    Ok(nonce)
}

/// See [`crate::Store::authorisations`].
pub(super) fn list(
    connection: &Connection,
    vault: &Vault,
    customer: CustomerId,
    order: Option<OrderId>,
    after: Option<(OrderId, AuthorisationId)>,
    limit: u32,
) -> Result<Vec<Authorised>> {
    let (from, to) = crate::authorised::bounds(order, after);
    let mut statement = connection.prepare_cached(LIST)?;
    let mut rows = statement.query((customer.0, from.0, from.1, to, limit))?;
    let mut orders: BTreeMap<OrderId, Arc<Order>> = BTreeMap::new();
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let authorisation = authorisation(row, vault)?;
        let id = authorisation.order;
        let order = match orders.get(&id) {
            Some(order) => Arc::clone(order),
            None => {
                let order = orders::get(connection, vault, id)?;
                let order = Arc::new(order.ok_or_else(|| corrupt("authorisation.order_id", id.0))?);
                orders.insert(id, Arc::clone(&order));
                order
            }
        };
        let ends_at = Time::from_millis(row.get(AUTHORISATION_COLUMNS)?);
        list.push(Authorised { authorisation, order, ends_at });
    }
    Ok(list)
}
