//! Answers that are given again to an identical request.

use domain::idempotency::{Answer, Remembered};
use domain::ids::{CustomerId, EntryId};
use domain::time::{Span, Time};
use rusqlite::Connection;

use super::journal;
use super::statements::statements;
use crate::Result;
use crate::encoding::{corrupt, refusal};
use crate::last_spends::LastSpends;

statements! {
    GET = "SELECT fingerprint, entry_id, refused, until_ms FROM answer
        WHERE customer_id = ?1 AND key = ?2";
    /// Replaces an answer whose time is over and which nobody has swept yet.
    KEEP = "INSERT INTO answer (customer_id, key, fingerprint, entry_id, refused, until_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (customer_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
        entry_id = excluded.entry_id, refused = excluded.refused, until_ms = excluded.until_ms";
    REMEMBER = "INSERT INTO answer (customer_id, key, fingerprint, entry_id, refused, until_ms)
        SELECT customer_id, fingerprint, fingerprint, id, NULL, ?2 FROM entry
        WHERE id = ?1 AND fingerprint IS NOT NULL
        ON CONFLICT (customer_id, key) DO UPDATE SET entry_id = excluded.entry_id, refused = NULL,
        until_ms = MAX(until_ms, excluded.until_ms)";
    FORGET = "DELETE FROM answer WHERE (customer_id, key) IN
        (SELECT customer_id, key FROM answer WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)";
    NOTE_QUIET = "UPDATE state SET quiet_entry = next_entry
        WHERE id = 1 AND quiet_entry <> next_entry";
    /// Newest first.
    UNQUIET = "SELECT id, at_ms, fingerprint IS NOT NULL FROM entry
        WHERE id >= (SELECT quiet_entry FROM state WHERE id = 1) ORDER BY id DESC";
}

/// The answer that is remembered under a key, whether or not its time is over.
pub(super) fn get(
    connection: &Connection,
    customer: CustomerId,
    key: [u8; 16],
) -> Result<Option<Remembered>> {
    let mut statement = connection.prepare_cached(GET)?;
    let mut rows = statement.query((customer.0, key))?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let entry: Option<i64> = row.get(1)?;
    let answer = match entry {
        Some(id) => {
            let entry = journal::get(connection, EntryId(id))?;
            let entry = entry.ok_or_else(|| corrupt("answer.entry_id", id))?;
            Answer::Done { entry: entry.id, at: entry.at, event: Box::new(entry.event) }
        }
        None => refusal::decode(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
    };
    let until = Time::from_millis(row.get(3)?);
    Ok(Some(Remembered { customer, key, fingerprint: row.get(0)?, answer, until }))
}

/// Keeps answers.
pub(super) fn keep(connection: &Connection, remembered: &[Remembered]) -> Result<()> {
    let mut statement = connection.prepare_cached(KEEP)?;
    for it in remembered {
        let (entry, refused) = match &it.answer {
            Answer::Done { entry, .. } => (Some(entry.0), None),
            Answer::Refused { refusal, balance } => {
                (None, Some(refusal::encode(refusal, *balance)))
            }
        };
        statement.execute((
            it.customer.0,
            it.key,
            it.fingerprint,
            entry,
            refused,
            it.until.millis(),
        ))?;
    }
    Ok(())
}

/// See [`crate::Store::remember`].
pub(super) fn remember(
    connection: &Connection,
    entries: impl IntoIterator<Item = EntryId>,
    until: Time,
) -> Result<u32> {
    let mut statement = connection.prepare_cached(REMEMBER)?;
    let mut kept = 0;
    for entry in entries {
        kept += u32::try_from(statement.execute((entry.0, until.millis()))?).expect("one at most");
    }
    Ok(kept)
}

/// See [`crate::Store::forget`].
pub(super) fn forget(connection: &Connection, now: Time, limit: u32) -> Result<u32> {
    let gone = connection.prepare_cached(FORGET)?.execute((now.millis(), limit))?;
    Ok(u32::try_from(gone).expect("no more than the limit"))
}

/// See [`crate::Store::note_quiet`]. Says whether that was new.
pub(super) fn note_quiet(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached(NOTE_QUIET)?.execute([])? == 1)
}

/// See [`crate::Store::note_start`].
pub(super) fn note_start(connection: &Connection, window: Span, until: Time) -> Result<u32> {
    let mut statement = connection.prepare_cached(UNQUIET)?;
    let mut rows = statement.query([])?;
    let mut spends = LastSpends::within(window);
    while let Some(row) = rows.next()? {
        if !spends.see(EntryId(row.get(0)?), Time::from_millis(row.get(1)?), row.get(2)?) {
            break;
        }
    }
    let kept = remember(connection, spends.oldest_first(), until)?;
    note_quiet(connection)?;
    Ok(kept)
}
