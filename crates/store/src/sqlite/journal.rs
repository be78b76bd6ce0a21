//! The journal and the ledger.

use domain::ids::{CustomerId, EntryId};
use domain::journal::Entry;
use domain::ledger::Posting;
use domain::time::Time;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::statements::statements;
use crate::Result;
use crate::encoding::event;

/// What [`entry`] reads, in the first columns.
macro_rules! entry_columns {
    () => {
        "entry.id, entry.at_ms, entry.customer_id, entry.kind, entry.fingerprint, entry.body"
    };
}

pub(super) use entry_columns;

/// How many columns [`entry`] reads.
pub(super) const ENTRY_COLUMNS: usize = 6;

statements! {
    ADD = "INSERT INTO entry (id, at_ms, customer_id, kind, fingerprint, postings, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    ADD_POSTING = "INSERT INTO posting
        (account_id, version, entry_id, amount_minor, balance_after_minor)
        VALUES (?1, ?2, ?3, ?4, ?5)";
    GET = concat!("SELECT ", entry_columns!(), " FROM entry WHERE id = ?1");
    LIST = concat!(
        "SELECT ", entry_columns!(), " FROM entry WHERE id > ?1 ORDER BY id LIMIT ?2"
    );
    LAST = "SELECT COALESCE(MAX(id), 0) FROM entry";
    LIST_WITHOUT_POSTINGS = concat!(
        "SELECT ", entry_columns!(), " FROM entry
         WHERE postings = 0 AND customer_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    LIST_WITH_POSTINGS = concat!(
        "SELECT ", entry_columns!(), " FROM posting JOIN entry ON entry.id = posting.entry_id
         WHERE posting.account_id = ?1 AND posting.version >= ?2
         ORDER BY posting.version LIMIT ?3"
    );
    ACCOUNT = "SELECT account_id, version FROM wallet WHERE customer_id = ?1";
    ENTRY_OF = "SELECT entry_id FROM posting WHERE account_id = ?1 AND version = ?2";
}

/// Reads [`entry_columns`], which are the first.
pub(super) fn entry(row: &Row<'_>) -> Result<Entry> {
    let text = |index: usize| row.get_ref(index)?.as_str().map_err(rusqlite::Error::from);
    let (event, postings) = event::decode(text(3)?, text(5)?)?;
    Ok(Entry {
        id: EntryId(row.get(0)?),
        at: Time::from_millis(row.get(1)?),
        customer: CustomerId(row.get(2)?),
        event,
        postings,
        fingerprint: row.get(4)?,
    })
}

/// Appends entries with their postings.
pub(super) fn append(connection: &Connection, entries: &[Entry]) -> Result<()> {
    let mut add = connection.prepare_cached(ADD)?;
    let mut add_posting = connection.prepare_cached(ADD_POSTING)?;
    for entry in entries {
        add.execute((
            entry.id.0,
            entry.at.millis(),
            entry.customer.0,
            entry.event.name(),
            entry.fingerprint,
            i64::try_from(entry.postings.len()).expect("it fits"),
            event::encode(entry),
        ))?;
        for Posting { account, version, amount, balance_after } in &entry.postings {
            add_posting.execute((account.0, version, entry.id.0, amount, balance_after))?;
        }
    }
    Ok(())
}

/// The entry, if there is one.
pub(super) fn get(connection: &Connection, id: EntryId) -> Result<Option<Entry>> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(entry).transpose()
}

/// Entries of everybody, oldest first, from behind `after`.
pub(super) fn list(
    connection: &Connection,
    after: Option<EntryId>,
    limit: u32,
) -> Result<Vec<Entry>> {
    let mut statement = connection.prepare_cached(LIST)?;
    collect(statement.query((after.map_or(0, |id| id.0), limit))?)
}

/// The number of the last entry; 0 if there is none.
pub(super) fn last(connection: &Connection) -> Result<i64> {
    Ok(connection.prepare_cached(LAST)?.query_row([], |row| row.get(0))?)
}

/// Entries of a customer, oldest first, from behind `after`: all, or those that moved money.
///
/// Those that moved money are found by the postings of his wallet, which lie together, so that an
/// extension need not write an index of entries by customer as well.
pub(super) fn list_of(
    connection: &Connection,
    customer: CustomerId,
    moved_money: bool,
    after: Option<EntryId>,
    limit: u32,
) -> Result<Vec<Entry>> {
    let after = after.map_or(0, |id| id.0);
    let mut entries = Vec::new();
    if !moved_money {
        let mut statement = connection.prepare_cached(LIST_WITHOUT_POSTINGS)?;
        entries = collect(statement.query((customer.0, after, limit))?)?;
    }

    let mut statement = connection.prepare_cached(ACCOUNT)?;
    let wallet: Option<(i64, i64)> =
        statement.query_row([customer.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((account, versions)) = wallet {
        let first = first_behind(connection, account, versions, after)?;
        let mut statement = connection.prepare_cached(LIST_WITH_POSTINGS)?;
        entries.extend(collect(statement.query((account, first, limit))?)?);
    }
    entries.sort_by_key(|entry| entry.id);
    entries.truncate(usize::try_from(limit).expect("it fits"));
    Ok(entries)
}

/// The first version of a wallet whose entry is behind `after`. Versions and entries grow together,
/// so it is found by halving.
fn first_behind(connection: &Connection, account: i64, versions: i64, after: i64) -> Result<i64> {
    let mut statement = connection.prepare_cached(ENTRY_OF)?;
    let (mut low, mut high) = (1, versions + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry: i64 = statement.query_row((account, middle), |row| row.get(0))?;
        if entry <= after {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}
