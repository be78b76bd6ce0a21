//! Answers that are given again to an identical request.

use domain::ids::EntryId;
use domain::time::Time;

use super::statements::statements;
use super::transaction::Tx;
use crate::Result;

statements! {
    /// Of equal requests, the one that was named last is remembered.
    REMEMBER = "WITH named AS (
            SELECT entry.id, entry.customer_id, entry.fingerprint, wanted.place
            FROM unnest(CAST($1 AS BIGINT[])) WITH ORDINALITY AS wanted (id, place)
            JOIN entry ON entry.id = wanted.id WHERE entry.fingerprint IS NOT NULL
        ), kept AS (
            INSERT INTO answer (customer_id, key, fingerprint, entry_id, refused, until_ms)
            SELECT DISTINCT ON (customer_id, fingerprint)
            customer_id, fingerprint, fingerprint, id, NULL, $2 FROM named
            ORDER BY customer_id, fingerprint, place DESC
            ON CONFLICT (customer_id, key) DO UPDATE SET entry_id = excluded.entry_id,
            refused = NULL, until_ms = GREATEST(answer.until_ms, excluded.until_ms)
        )
        SELECT COUNT(*) FROM named";
    /// What somebody else is about to change or forget is left to him.
    FORGET = "WITH late AS MATERIALIZED (
            SELECT customer_id, key FROM answer WHERE until_ms <= $1
            ORDER BY until_ms LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM answer USING late
        WHERE answer.customer_id = late.customer_id AND answer.key = late.key";
}

/// See [`crate::Store::remember`]. Says how many of the entries have a fingerprint.
pub(super) fn remember(tx: &Tx<'_>, entries: &[EntryId], until: Time) -> Result<u32> {
    let ids: Vec<i64> = entries.iter().map(|entry| entry.0).collect();
    let row = tx.row(REMEMBER, &[&ids, &until.millis()])?;
    let count = row.map_or(Ok(0), |row| row.int(0))?;
    Ok(u32::try_from(count).expect("no more than were named"))
}

/// See [`crate::Store::forget`].
pub(super) fn forget(tx: &Tx<'_>, now: Time, limit: u32) -> Result<u32> {
    let gone = tx.execute(FORGET, &[&now.millis(), &i64::from(limit)])?;
    Ok(u32::try_from(gone).expect("no more than the limit"))
}
