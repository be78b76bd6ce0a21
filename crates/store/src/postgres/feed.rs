//! Everything that happened, in one order.
//!
//! Entries get their ids before they are committed, so that they do not appear in the order of
//! their ids: whoever remembers the last one that he has read would miss some. Numbers without a
//! gap are given afterwards, to whole batches, by whoever reads.
//!
//! A batch that depends on another has seen it committed before it took its ids. So the ids of the
//! later one are higher; and whoever sees the later one sees the earlier one too, and gives both
//! their numbers in the order of their ids.

use domain::journal::Entry;

use super::journal::{ENTRY_COLUMNS, entry, entry_columns};
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;
use crate::encoding::corrupt;

statements! {
    IS_ANY_NEW = "SELECT EXISTS (SELECT 1 FROM batch WHERE number IS NULL AND 0 < entries)";
    /// Whoever gives numbers does so alone.
    LOCK = "SELECT next_number FROM feed WHERE id = 1 FOR NO KEY UPDATE";
    GIVE_NUMBERS = "WITH new AS (
            SELECT first_entry, $1 + CAST(SUM(entries) OVER (ORDER BY first_entry) AS BIGINT)
                - entries AS number, entries
            FROM (SELECT first_entry, entries FROM batch
                WHERE number IS NULL AND 0 < entries ORDER BY first_entry LIMIT $2) AS next
        ), given AS (
            UPDATE batch SET number = new.number FROM new
            WHERE batch.first_entry = new.first_entry
        )
        SELECT COALESCE(MAX(number + entries), $1) FROM new";
    SET_NEXT = "UPDATE feed SET next_number = $1 WHERE id = 1";
    LAST = "SELECT next_number - 1 FROM feed WHERE id = 1";
    /// The batch that a number is in begins with the highest number that is not above it.
    LIST = concat!(
        "SELECT ", entry_columns!(), ", batch.number + entry.id - batch.first_entry
         FROM (SELECT number, first_entry, entries FROM batch
            WHERE number >= COALESCE((SELECT number FROM batch WHERE number <= $1 + 1
                ORDER BY number DESC LIMIT 1), 1)
            ORDER BY number LIMIT $2 + 1) AS batch
         JOIN entry ON batch.first_entry <= entry.id
            AND entry.id < batch.first_entry + batch.entries
         WHERE $1 < batch.number + entry.id - batch.first_entry
         ORDER BY batch.number, entry.id LIMIT $2"
    );
}

/// How many batches get their numbers at a time.
const PAGE: i64 = 10_000;

/// Whether there are batches without a number.
pub(super) fn is_any_new(tx: &Tx<'_>) -> Result<bool> {
    tx.row(IS_ANY_NEW, &[])?.map_or(Ok(false), |row| row.truth(0))
}

/// Gives numbers to batches that have none; says whether that may have left some.
pub(super) fn give_numbers(tx: &Tx<'_>) -> Result<bool> {
    let locked = tx.row(LOCK, &[])?.ok_or_else(|| corrupt("feed.id", "no row"))?;
    let next = locked.int(0)?;
    // A statement of its own, so that it sees what whoever held the lock has left.
    let row = tx.row(GIVE_NUMBERS, &[&next, &PAGE])?.ok_or_else(|| corrupt("batch", "no row"))?;
    let after = row.int(0)?;
    tx.execute(SET_NEXT, &[&after])?;
    Ok(next < after && is_any_new(tx)?)
}

/// See [`crate::Store::feed`]: what has numbers.
pub(super) fn list(tx: &Tx<'_>, after: i64, limit: u32) -> Result<Vec<(i64, Entry)>> {
    let rows = tx.rows(LIST, &[&after.max(0), &i64::from(limit)])?;
    rows.iter().map(|row| Ok((row.int(ENTRY_COLUMNS)?, entry(row, 0)?))).collect()
}

/// See [`crate::Store::feed_end`]: of what has numbers.
pub(super) fn last(tx: &Tx<'_>) -> Result<i64> {
    tx.row(LAST, &[])?.ok_or_else(|| corrupt("feed.id", "no row"))?.int(0)
}
