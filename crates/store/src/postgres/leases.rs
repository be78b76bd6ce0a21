//! Leases, and how many of them are live.

use domain::ids::{AddressId, CustomerId, LeaseId, OrderId};
use domain::lease::Lease;

use super::row::Row;
use crate::{Result, encoding};

/// What [`lease`] reads, from the first column on.
macro_rules! lease_columns {
    () => {
        "lease.id, lease.order_id, lease.customer_id, lease.product, lease.address_id,
         lease.state, lease.starts_at_ms, lease.ends_at_ms, lease.reserved_until_ms,
         lease.auto_extend_days, lease.retry_at_ms, lease.look_at_ms"
    };
}

pub(super) use lease_columns;

/// How many columns [`lease`] reads.
pub(super) const LEASE_COLUMNS: usize = 12;

/// The part of the leases that is counted together: neighbours by id.
pub(super) fn chunk(id: LeaseId) -> i64 {
    id.0 >> 12
}

/// The first id of a chunk.
pub(super) fn first_of(chunk: i64) -> LeaseId {
    LeaseId(chunk << 12)
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
    })
}
