//! Promo codes and their uses.

use domain::ids::{CustomerId, PromoId};
use domain::promo::Promo;
use domain::time::Time;

use super::ids;
use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
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

pub(super) use promo_columns;

/// How many columns [`promo`] reads.
pub(super) const PROMO_COLUMNS: usize = 13;

statements! {
    LIST = concat!("SELECT ", promo_columns!(), " FROM promo ORDER BY id");
    LIST_OF = concat!(
        "SELECT ", promo_columns!(), ", COALESCE(promo_use.uses, 0) FROM promo
         LEFT JOIN promo_use ON promo_use.promo_id = promo.id AND promo_use.customer_id = $1
         WHERE promo.customer_id IS NULL OR promo.customer_id = $1 ORDER BY promo.id"
    );
    ADD = "INSERT INTO promo (id, code, discount_hundredths, starts_at_ms, ends_at_ms, max_uses,
        per_customer, kinds, for_orders, for_extensions, customer_id, descriptions, uses)
        VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM promo), $1, $2, $3, $4, $5, $6, $7, $8, $9,
        $10, $11, 0) ON CONFLICT (code) DO NOTHING RETURNING id";
}

/// Reads [`promo_columns`].
pub(super) fn promo(row: &Row) -> Result<Promo> {
    let count = |column: usize, name| -> Result<Option<u32>> {
        row.optional_int(column)?.map(|number| encoding::small(name, number)).transpose()
    };
    Ok(Promo {
        id: PromoId(row.int(0)?),
        code: row.text(1)?.to_owned(),
        discount: encoding::percent("promo.discount_hundredths", row.int(2)?)?,
        starts_at: row.time(3)?,
        ends_at: row.optional_time(4)?,
        max_uses: count(5, "promo.max_uses")?,
        per_customer: count(6, "promo.per_customer")?,
        kinds: encoding::kinds("promo.kinds", row.text(7)?)?,
        for_orders: row.flag(8)?,
        for_extensions: row.flag(9)?,
        customer: row.optional_int(10)?.map(CustomerId),
        descriptions: encoding::descriptions("promo.descriptions", row.text(11)?)?,
        uses: encoding::small("promo.uses", row.int(12)?)?,
    })
}

/// See [`crate::Store::promos`].
pub(super) fn list(tx: &Tx<'_>) -> Result<Vec<Promo>> {
    tx.rows(LIST, &[])?.iter().map(promo).collect()
}

/// See [`crate::Store::promos_of`].
pub(super) fn list_of(tx: &Tx<'_>, customer: CustomerId) -> Result<Vec<(Promo, u32)>> {
    let rows = tx.rows(LIST_OF, &[&customer.0])?;
    let with_uses =
        |row| Ok((promo(row)?, encoding::small("promo_use.uses", row.int(PROMO_COLUMNS)?)?));
    rows.iter().map(with_uses).collect()
}

/// See [`crate::Store::create_promo`].
pub(super) fn create(tx: &Tx<'_>, new: &NewPromo) -> Result<Option<PromoId>> {
    ids::lock(tx)?;
    let added = tx.row(
        ADD,
        &[
            &new.code,
            &i64::from(new.discount.hundredths()),
            &new.starts_at.millis(),
            &new.ends_at.map(Time::millis),
            &new.max_uses.map(i64::from),
            &new.per_customer.map(i64::from),
            &encoding::kinds_text(&new.kinds),
            &i64::from(new.for_orders),
            &i64::from(new.for_extensions),
            &new.customer.map(|id| id.0),
            &encoding::descriptions_text(&new.descriptions),
        ],
    )?;
    Ok(ids::made_or_none(added)?.map(PromoId))
}
