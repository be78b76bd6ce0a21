//! The journal and the ledger.

use std::collections::BTreeSet;

use domain::ids::{CustomerId, EntryId};
use domain::journal::Entry;

use super::row::Row;
use super::session::Ask;
use super::statements::statements;
use super::transaction::Tx;
use super::value::Value;
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

statements! {
    GET = concat!("SELECT ", entry_columns!(), " FROM entry WHERE id = ANY($1) ORDER BY id");
    LIST = concat!(
        "SELECT ", entry_columns!(), " FROM entry WHERE id > $1 ORDER BY id LIMIT $2"
    );
    LIST_WITHOUT_POSTINGS = concat!(
        "SELECT ", entry_columns!(), " FROM entry
         WHERE postings = 0 AND customer_id = $1 AND id > $2 ORDER BY id LIMIT $3"
    );
    /// Versions and entries of a wallet grow together, so the first version behind an entry is
    /// found by halving, which is done here rather than in as many questions.
    LIST_WITH_POSTINGS = concat!(
        "WITH RECURSIVE half (account_id, low, high) AS (
             SELECT account_id, CAST(1 AS BIGINT), version + 1 FROM wallet WHERE customer_id = $1
             UNION ALL
             SELECT half.account_id,
                 CASE WHEN posting.entry_id <= $2 THEN posting.version + 1 ELSE half.low END,
                 CASE WHEN posting.entry_id <= $2 THEN half.high ELSE posting.version END
             FROM half JOIN posting ON posting.account_id = half.account_id
             AND posting.version = half.low + (half.high - half.low) / 2
             WHERE half.low < half.high
         ), start AS MATERIALIZED (SELECT account_id, low FROM half WHERE low = high)
         SELECT ", entry_columns!(), " FROM posting JOIN entry ON entry.id = posting.entry_id
         WHERE posting.account_id = (SELECT account_id FROM start)
         AND posting.version >= (SELECT low FROM start)
         ORDER BY posting.version LIMIT $3"
    );
}

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

/// The entries of these that there are, oldest first.
pub(super) fn get(tx: &Tx<'_>, ids: &BTreeSet<EntryId>) -> Result<Vec<Entry>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    tx.rows(GET, &[&ids]).and_then(collect)
}

/// Entries of everybody, oldest first, from behind `after`.
pub(super) fn list(tx: &Tx<'_>, after: Option<EntryId>, limit: u32) -> Result<Vec<Entry>> {
    tx.rows(LIST, &[&after.map_or(0, |id| id.0), &i64::from(limit)]).and_then(collect)
}

/// Entries of a customer, oldest first, from behind `after`: all, or those that moved money.
///
/// Those that moved money are found by the postings of his wallet, which lie together, so that an
/// extension need not write an index of entries by customer as well.
pub(super) fn list_of(
    tx: &Tx<'_>,
    customer: CustomerId,
    moved_money: bool,
    after: Option<EntryId>,
    limit: u32,
) -> Result<Vec<Entry>> {
    let (customer, after) = (customer.0, after.map_or(0, |id| id.0));
    let values: &[&dyn Value] = &[&customer, &after, &i64::from(limit)];
    let mut entries = Vec::new();
    let lists = [LIST_WITH_POSTINGS, LIST_WITHOUT_POSTINGS].map(|sql| Ask { sql, values });
    let lists = if moved_money { &lists[..1] } else { &lists[..] };
    for answer in tx.all(lists)? {
        entries.extend(collect(answer.rows)?);
    }
    entries.sort_by_key(|entry| entry.id);
    entries.truncate(usize::try_from(limit).expect("it fits"));
    Ok(entries)
}

fn collect(rows: Vec<Row>) -> Result<Vec<Entry>> {
    rows.iter().map(|row| entry(row, 0)).collect()
}
