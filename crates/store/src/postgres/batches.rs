//! What was committed together, and whether it was.
//!
//! A batch leaves a row under its first entry, with a mark that its maker has made up. When the
//! connection is lost while a commit is under way, the maker tries to put another row in its place,
//! on a new connection. That waits for the end of the lost transaction, if the server is still at
//! it. If it goes in, the batch was not committed and never can be; otherwise the mark tells whose
//! the row is.

use std::time::{Duration, Instant};

use super::failure;
use super::pool::{Pool, writing};
use super::statements::statements;
use crate::Result;
use crate::error::Error;

statements! {
    ADD = "INSERT INTO batch (first_entry, entries, mark, server_id) VALUES ($1, $2, $3, $4)";
    TAKE_PLACE = "INSERT INTO batch (first_entry, entries, mark, server_id)
        VALUES ($1, 0, $2, $3) ON CONFLICT (first_entry) DO NOTHING";
    MARK = "SELECT mark FROM batch WHERE first_entry = $1";
}

/// The statement that adds a batch: its first entry, its entries, its mark and its server.
pub(super) const NEW: &str = ADD;

/// How long the fate of a batch is inquired after.
const INQUIRY: Duration = Duration::from_secs(20);

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What became of a batch whose commit was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was committed.
    Kept,
    /// It was not, and never will be.
    Gone,
}

/// By what a batch is known again.
pub(super) fn mark() -> Result<[u8; 16]> {
    let mut mark = [0; 16];
    getrandom::fill(&mut mark).map_err(|error| Error::Fault(error.into()))?;
    Ok(mark)
}

/// Finds out what became of the batch that began with `first`. Fails with `lost`, the error of its
/// commit, if nobody can be asked for a while.
pub(super) fn inquire(
    writers: &Pool,
    server: i64,
    first: i64,
    mark: &[u8; 16],
    lost: Error,
) -> Result<Fate> {
    let since = Instant::now();
    loop {
        writers.renew();
        let found = writing(writers, |tx| {
            let ours = &mark[..];
            let other = self::mark()?;
            let other = &other[..];
            if tx.execute(TAKE_PLACE, &[&first, &other, &server])? == 1 {
                return Ok(Fate::Gone);
            }
            let row = tx.row(MARK, &[&first])?.ok_or_else(|| failure::missing("batch", first))?;
            Ok(if row.bytes(0)? == ours { Fate::Kept } else { Fate::Gone })
        });
        match found {
            Ok(fate) => return Ok(fate),
            Err(error) if INQUIRY < since.elapsed() => {
                tracing::error!(%error, "Whether a batch was committed cannot be found out");
                return Err(lost);
            }
            Err(error) => {
                tracing::warn!(%error, "It is not known yet whether a batch was committed");
                std::thread::sleep(PAUSE);
            }
        }
    }
}
