//! The servers that share the books, and the answers that they have left behind.
//!
//! A server that ends without a word may have spent somebody's money without telling him. When
//! that is found out, the answers to its last spends are remembered, so that whoever asks again is
//! told them, and does not pay twice.

use domain::ids::EntryId;
use domain::time::{Span, Time};

use super::failure::missing;
use super::pool::{Pool, try_again};
use super::statements::statements;
use super::transaction::{PATIENCE, Tx};
use super::{answers, ids, runs};
use crate::Result;
use crate::encoding::corrupt;
use crate::last_spends::LastSpends;
use crate::records::Alive;

/// After so many milliseconds without a word, a server is taken for gone.
const GONE_MS: i64 = 5_000;

/// How many batches are read at a time when the last spends of a server are looked for.
const PAGE: i64 = 100;

/// What the clock of the database says, in milliseconds since 1970.
macro_rules! clock {
    () => {
        "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)"
    };
}

statements! {
    KNOWN = "SELECT id FROM server WHERE name = $1";
    ADD = concat!(
        "INSERT INTO server (id, name, started_at_ms, seen_at_ms, quiet_entry, clock_offset_ms,
         ended) SELECT (SELECT COALESCE(MAX(id), 0) + 1 FROM server), $1, ", clock!(), ", ",
        clock!(), ", number.next_entry, 0, 1 FROM number WHERE number.id = 1
         ON CONFLICT (name) DO NOTHING"
    );
    /// Whoever takes care of what a server has left does so alone.
    LOCK = "SELECT quiet_entry FROM server WHERE id = $1 FOR NO KEY UPDATE";
    LOCK_GONE = concat!(
        "SELECT quiet_entry FROM server WHERE id = $1 AND ended = 0 AND seen_at_ms <= ", clock!(),
        " - $2 FOR NO KEY UPDATE"
    );
    ALIVE = concat!(
        "SELECT name FROM server WHERE ended = 0 AND ", clock!(), " - $1 < seen_at_ms ORDER BY name"
    );
    /// Newest first, from before `$3`.
    LAST_BATCHES = "SELECT entry.id, entry.at_ms, entry.fingerprint IS NOT NULL, batch.first_entry
        FROM (SELECT first_entry, entries FROM batch
            WHERE server_id = $1 AND $2 <= first_entry AND first_entry < $3
            ORDER BY first_entry DESC LIMIT $4) AS batch
        JOIN entry ON batch.first_entry <= entry.id
            AND entry.id < batch.first_entry + batch.entries
        ORDER BY entry.id DESC";
    SET_STARTED = concat!(
        "UPDATE server SET started_at_ms = ", clock!(), ", seen_at_ms = ", clock!(),
        ", quiet_entry = GREATEST(quiet_entry, $2), ended = 0 WHERE id = $1"
    );
    SET_GONE = "UPDATE server SET quiet_entry = GREATEST(quiet_entry, $2), ended = 1 WHERE id = $1";
    SET_QUIET = "UPDATE server SET quiet_entry = number.next_entry FROM number
        WHERE number.id = 1 AND server.id = $1 AND server.quiet_entry <> number.next_entry";
    SET_ENDED = "UPDATE server SET ended = 1 WHERE id = $1";
}

/// The number of the server with this name, which stays the same.
pub(super) fn register(tx: &Tx<'_>, name: &str) -> Result<i64> {
    let known = |tx: &Tx<'_>| tx.row(KNOWN, &[&name])?.map(|row| row.int(0)).transpose();
    if let Some(id) = known(tx)? {
        return Ok(id);
    }
    ids::lock(tx)?;
    tx.execute(ADD, &[&name])?;
    Ok(known(tx)?.expect("it was just added"))
}

/// The names of the servers that are there.
pub(super) fn alive(tx: &Tx<'_>) -> Result<Vec<String>> {
    tx.rows(ALIVE, &[&GONE_MS])?.iter().map(|row| Ok(row.text(0)?.to_owned())).collect()
}

/// See [`crate::Store::note_start`]: takes care of what this server has left when it was there the
/// last time. Says how many spends are remembered, and the number of the run that begins.
pub(super) fn note_start(
    tx: &Tx<'_>,
    server: i64,
    window: Span,
    until: Time,
) -> Result<(u32, i64)> {
    let row = tx.row(LOCK, &[&server])?.ok_or_else(|| missing("server", server))?;
    let run = runs::end(tx, server)?;
    let left = Left::behind(tx, server, row.int(0)?, window)?;
    let remembered = answers::remember(tx, &left.spends.oldest_first(), until)?;
    tx.execute(SET_STARTED, &[&server, &left.quiet])?;
    Ok((remembered, run))
}

/// The same for another server that has gone, unless it is back, or somebody else was faster.
pub(super) fn bury(tx: &Tx<'_>, server: i64, window: Span, until: Time) -> Result<u32> {
    let Some(row) = tx.row(LOCK_GONE, &[&server, &GONE_MS])? else { return Ok(0) };
    runs::end(tx, server)?;
    let left = Left::behind(tx, server, row.int(0)?, window)?;
    let remembered = answers::remember(tx, &left.spends.oldest_first(), until)?;
    tx.execute(SET_GONE, &[&server, &left.quiet])?;
    Ok(remembered)
}

/// See [`crate::Store::note_quiet`].
pub(super) fn note_quiet(tx: &Tx<'_>, server: i64) -> Result<()> {
    tx.execute(SET_QUIET, &[&server]).map(|_| ())
}

/// See [`crate::Store::note_end`].
pub(super) fn note_end(tx: &Tx<'_>, server: i64) -> Result<()> {
    tx.execute(SET_ENDED, &[&server]).map(|_| ())
}

/// What a server has left behind.
struct Left {
    /// Its last spends.
    spends: LastSpends,
    /// Nothing from before this entry has to be looked at again.
    quiet: i64,
}

impl Left {
    fn behind(tx: &Tx<'_>, server: i64, quiet: i64, window: Span) -> Result<Left> {
        let mut left = Left { spends: LastSpends::within(window), quiet };
        let mut before = i64::MAX;
        loop {
            let rows = tx.rows(LAST_BATCHES, &[&server, &quiet, &before, &PAGE])?;
            let Some(last) = rows.last() else { return Ok(left) };
            before = last.int(3)?;
            for row in &rows {
                let entry = row.int(0)?;
                left.quiet = left.quiet.max(entry + 1);
                if !left.spends.see(EntryId(entry), row.time(1)?, row.truth(2)?) {
                    return Ok(left);
                }
            }
        }
    }
}

/// What a heartbeat has told.
pub(super) struct Beat {
    pub(super) alive: Alive,
    /// Those that have gone without a word.
    pub(super) gone: Vec<i64>,
}

/// Notes that a server is there and goes by a clock that is `noted` ahead; if it has `started`,
/// others reckon with it.
///
/// It is one message and one transaction, which does not wait for the disk: the note comes again
/// in a moment.
pub(super) fn beat(writers: &Pool, server: i64, noted: Span, started: bool) -> Result<Beat> {
    let script = heartbeat(server, noted, started);
    let rows = try_again(writers, || writers.take(PATIENCE)?.simple_rows(&script, PATIENCE))?;
    let mut beat = None;
    for row in rows {
        let [clock_offset, clock, other, silence, its_offset] = row[..] else {
            return Err(corrupt("server", format!("{row:?}")));
        };
        let Beat { alive, gone } = beat.get_or_insert_with(|| {
            let clock_offset = Span::from_millis(clock_offset);
            let server_time = Some(Time::from_millis(clock));
            let together = noted == clock_offset;
            let alive = Alive { clock_offset, server_time, remembered: 0, together };
            Beat { alive, gone: Vec::new() }
        });
        if other == server {
            continue;
        }
        match silence < GONE_MS {
            true => alive.together &= its_offset == clock_offset,
            false => gone.push(other),
        }
    }
    beat.ok_or_else(|| corrupt("server.id", server))
}

/// The statements of a heartbeat. They give a row for this server, and one for each that has not
/// said that it ends.
fn heartbeat(server: i64, noted: Span, started: bool) -> String {
    let started = if started { ", ended = 0" } else { "" };
    format!(
        concat!(
            "SET LOCAL synchronous_commit = off; \
             UPDATE server SET seen_at_ms = ",
            clock!(),
            ", clock_offset_ms = {noted}{started} \
             WHERE id = {server}; \
             SELECT state.clock_offset_ms, now.ms, server.id, now.ms - server.seen_at_ms, \
             server.clock_offset_ms \
             FROM state CROSS JOIN (SELECT ",
            clock!(),
            " AS ms) AS now CROSS JOIN server \
             WHERE state.id = 1 AND (server.ended = 0 OR server.id = {server})"
        ),
        noted = noted.millis(),
        started = started,
        server = server,
    )
}
