//! Promo codes and their uses.

use domain::ids::{CustomerId, PromoId};
use domain::promo::Promo;

use super::row::Row;
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
