//! The journal and the ledger.

use domain::ids::{CustomerId, EntryId};
use domain::journal::Entry;

use super::row::Row;
use crate::Result;
use crate::encoding::event;

/// What [`entry`] reads, from the first column on.
macro_rules! entry_columns {
    () => {
        "entry.id, entry.at_ms, entry.customer_id, entry.kind, entry.fingerprint, entry.body"
    };
}

pub(super) use entry_columns;

/// How many columns [`entry`] reads.
pub(super) const ENTRY_COLUMNS: usize = 6;

/// Reads [`entry_columns`], which begin at `first`.
pub(super) fn entry(row: &Row, first: usize) -> Result<Entry> {
    let (event, postings) = event::decode(row.text(first + 3)?, row.text(first + 5)?)?;
    Ok(Entry {
        id: EntryId(row.int(first)?),
        at: row.time(first + 1)?,
        customer: CustomerId(row.int(first + 2)?),
        event,
        postings,
        fingerprint: row.optional_array(first + 4, "entry.fingerprint")?,
    })
}
