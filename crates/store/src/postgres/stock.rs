//! Addresses and prefixes in stock.

use domain::address::Prefix;
use domain::ids::PrefixId;
use domain::product::ProductKey;

use super::row::Row;
use crate::{Result, encoding};

/// Reads the id, base, length, gateway and drawn addresses of a prefix of `pool`, from `first` on.
pub(super) fn prefix(row: &Row, first: usize, pool: ProductKey) -> Result<Prefix> {
    Ok(Prefix {
        id: PrefixId(row.int(first)?),
        pool,
        base: encoding::ip("prefix.base", row.text(first + 1)?)?,
        length: encoding::small("prefix.length", row.int(first + 2)?)?,
        gateway: row.text(first + 3)?.to_owned(),
        drawn: row.int(first + 4)?,
    })
}
