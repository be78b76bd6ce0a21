//! Promo codes and their uses.

use std::collections::BTreeMap;

use domain::ids::{CustomerId, PromoId};
use domain::promo::Promo;
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::failure::missing;
use super::statements::statements;
use crate::records::NewPromo;
use crate::{Result, encoding};

/// What [`promo`] reads.
macro_rules! promo_columns {
    () => {
        "promo.id, promo.code, promo.discount_hundredths, promo.starts_at_ms, promo.ends_at_ms,
         promo.max_uses, promo.per_customer, promo.kinds, promo.for_orders, promo.for_extensions,
         promo.customer_id, promo.descriptions, promo.uses"
    };
}

/// How many columns [`promo`] reads.
const PROMO_COLUMNS: usize = 13;

statements! {
    BY_CODE = concat!("SELECT ", promo_columns!(), " FROM promo WHERE code = ?1");
    LIST = concat!("SELECT ", promo_columns!(), " FROM promo ORDER BY id");
    LIST_OF = concat!(
        "SELECT ", promo_columns!(), ", COALESCE(promo_use.uses, 0) FROM promo
         LEFT JOIN promo_use ON promo_use.promo_id = promo.id AND promo_use.customer_id = ?1
         WHERE promo.customer_id IS NULL OR promo.customer_id = ?1 ORDER BY promo.id"
    );
    USES = "SELECT uses FROM promo_use WHERE promo_id = ?1 AND customer_id = ?2";
    ADD = "INSERT INTO promo (id, code, discount_hundredths, starts_at_ms, ends_at_ms, max_uses,
        per_customer, kinds, for_orders, for_extensions, customer_id, descriptions, uses)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM promo), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
        ?10, ?11, 0) ON CONFLICT (code) DO NOTHING RETURNING id";
    SET_USES = "UPDATE promo SET uses = ?2 WHERE id = ?1";
    SET_USES_OF = "INSERT INTO promo_use (promo_id, customer_id, uses) VALUES (?1, ?2, ?3)
        ON CONFLICT (promo_id, customer_id) DO UPDATE SET uses = excluded.uses";
}

fn promo(row: &Row<'_>) -> Result<Promo> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let customer: Option<i64> = row.get(10)?;
    let ends_at: Option<i64> = row.get(4)?;
    Ok(Promo {
        id: PromoId(row.get(0)?),
        code: row.get(1)?,
        discount: encoding::percent("promo.discount_hundredths", row.get(2)?)?,
        starts_at: Time::from_millis(row.get(3)?),
        ends_at: ends_at.map(Time::from_millis),
        max_uses: row.get(5)?,
        per_customer: row.get(6)?,
        kinds: encoding::kinds("promo.kinds", text(7)?)?,
        for_orders: row.get(8)?,
        for_extensions: row.get(9)?,
        customer: customer.map(CustomerId),
        descriptions: encoding::descriptions("promo.descriptions", text(11)?)?,
        uses: row.get(12)?,
    })
}

/// The promo code in its normal form, if there is one.
pub(super) fn by_code(connection: &Connection, code: &str) -> Result<Option<Promo>> {
    let mut statement = connection.prepare_cached(BY_CODE)?;
    let mut rows = statement.query([code])?;
    rows.next()?.map(promo).transpose()
}

/// How often a customer has used a code.
pub(super) fn uses(connection: &Connection, promo: PromoId, customer: CustomerId) -> Result<u32> {
    let mut statement = connection.prepare_cached(USES)?;
    let uses = statement.query_row((promo.0, customer.0), |row| row.get(0)).optional()?;
    Ok(uses.unwrap_or(0))
}

/// See [`crate::Store::promos`].
pub(super) fn list(connection: &Connection) -> Result<Vec<Promo>> {
    let mut statement = connection.prepare_cached(LIST)?;
    let mut rows = statement.query([])?;
    let mut promos = Vec::new();
    while let Some(row) = rows.next()? {
        promos.push(promo(row)?);
    }
    Ok(promos)
}

/// See [`crate::Store::promos_of`].
pub(super) fn list_of(connection: &Connection, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
    let mut statement = connection.prepare_cached(LIST_OF)?;
    let mut rows = statement.query([customer.0])?;
    let mut promos = Vec::new();
    while let Some(row) = rows.next()? {
        promos.push((promo(row)?, row.get(PROMO_COLUMNS)?));
    }
    Ok(promos)
}

/// See [`crate::Store::create_promo`].
pub(super) fn create(connection: &Connection, new: &NewPromo) -> Result<Option<PromoId>> {
    let values = (
        &new.code,
        new.discount.hundredths(),
        new.starts_at.millis(),
        new.ends_at.map(Time::millis),
        new.max_uses,
        new.per_customer,
        encoding::kinds_text(&new.kinds),
        new.for_orders,
        new.for_extensions,
        new.customer.map(|id| id.0),
        encoding::descriptions_text(&new.descriptions),
    );
    let mut statement = connection.prepare_cached(ADD)?;
    Ok(statement.query_row(values, |row| row.get(0).map(PromoId)).optional()?)
}

/// Writes uses as they are now: in all, and by this customer.
pub(super) fn set_uses(
    connection: &Connection,
    uses: &BTreeMap<(PromoId, CustomerId), (u32, u32)>,
) -> Result<()> {
    // Customers of one batch have each seen what was used until then; the highest is the last.
    let mut in_all: BTreeMap<PromoId, u32> = BTreeMap::new();
    for ((promo, customer), (all, of_customer)) in uses {
        let most = in_all.entry(*promo).or_default();
        *most = (*most).max(*all);
        let values = (promo.0, customer.0, of_customer);
        connection.prepare_cached(SET_USES_OF)?.execute(values)?;
    }
    for (promo, uses) in in_all {
        if connection.prepare_cached(SET_USES)?.execute((promo.0, uses))? != 1 {
            return Err(missing("promo", promo.0));
        }
    }
    Ok(())
}
