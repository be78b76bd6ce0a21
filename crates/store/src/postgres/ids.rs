//! Ids of what the operator adds: one more than the highest there is.

use super::row::Row;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::error::Error;

statements! {
    /// Held until the end of the transaction, and by nobody else meanwhile.
    LOCK = "SELECT id FROM state WHERE id = 1 FOR NO KEY UPDATE";
}

/// Waits for whoever is adding something by hand, and keeps others from it until the end of the
/// transaction. Two of them would otherwise find the same highest id.
///
/// It takes a statement of its own, because a statement sees what was there when it began.
pub(super) fn lock(tx: &Tx<'_>) -> Result<()> {
    tx.row(LOCK, &[]).map(|_| ())
}

/// The id of a new row.
pub(super) fn made(row: Option<Row>) -> Result<i64> {
    made_or_none(row)?.ok_or_else(|| Error::Fault("a new row was not added".into()))
}

/// The id of a new row, unless there was such a row before.
pub(super) fn made_or_none(row: Option<Row>) -> Result<Option<i64>> {
    row.map(|row| row.int(0)).transpose()
}
