//! Leases, and how many of them are live.

use domain::ids::{AddressId, CardId, CustomerId, LeaseId, OrderId};
use domain::lease::Lease;
use domain::time::Time;

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::records::Due;
use crate::{Result, encoding};

/// What [`lease`] reads, from the first column on.
macro_rules! lease_columns {
    () => {
        "lease.id, lease.order_id, lease.customer_id, lease.product, lease.address_id,
         lease.state, lease.starts_at_ms, lease.ends_at_ms, lease.reserved_until_ms,
         lease.auto_extend_days, lease.retry_at_ms, lease.look_at_ms, lease.renew_card_id,
         lease.replaced_at_ms, lease.comment"
    };
}

pub(super) use lease_columns;

/// How many columns [`lease`] reads.
pub(super) const LEASE_COLUMNS: usize = 15;

statements! {
    DUE = "SELECT look_at_ms, id, order_id, customer_id FROM lease
        WHERE state < 2 AND look_at_ms <= $1 ORDER BY look_at_ms, id LIMIT $2";
    NEXT_DUE = "SELECT look_at_ms FROM lease WHERE state < 2 ORDER BY look_at_ms, id LIMIT 1";
}

/// Reads [`lease_columns`], which begin at `first`.
pub(super) fn lease(row: &Row, first: usize) -> Result<Lease> {
    Ok(Lease {
        id: LeaseId(row.int(first)?),
        order: OrderId(row.int(first + 1)?),
        customer: CustomerId(row.int(first + 2)?),
        product: encoding::product("lease.product", row.text(first + 3)?)?,
        address: AddressId(row.int(first + 4)?),
        state: encoding::state("lease.state", row.int(first + 5)?)?,
        starts_at: row.time(first + 6)?,
        ends_at: row.time(first + 7)?,
        reserved_until: row.optional_time(first + 8)?,
        auto_extend: row
            .optional_int(first + 9)?
            .map(|days| encoding::period("lease.auto_extend_days", days))
            .transpose()?,
        retry_at: row.optional_time(first + 10)?,
        look_at: row.time(first + 11)?,
        renew_card: row.optional_int(first + 12)?.map(CardId),
        replaced_at: row.optional_time(first + 13)?,
        comment: row.optional_text(first + 14)?.map(str::to_owned),
    })
}

/// See [`crate::Store::due`].
pub(super) fn due(tx: &Tx<'_>, until: Time, limit: u32) -> Result<Vec<Due>> {
    let rows = tx.rows(DUE, &[&until.millis(), &i64::from(limit)])?;
    let due = |row: &Row| {
        Ok(Due {
            at: row.time(0)?,
            lease: LeaseId(row.int(1)?),
            order: OrderId(row.int(2)?),
            customer: CustomerId(row.int(3)?),
        })
    };
    rows.iter().map(due).collect()
}

/// See [`crate::Store::next_due`].
pub(super) fn next_due(tx: &Tx<'_>) -> Result<Option<Time>> {
    tx.row(NEXT_DUE, &[])?.map(|row| row.time(0)).transpose()
}
