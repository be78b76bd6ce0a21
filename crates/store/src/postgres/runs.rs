//! The runs of a server, of which each ends when the server starts again or is taken for gone.
//!
//! A batch of a run that is over may still be under way: its commit is on the wire, or its server
//! has slept. Whoever takes care of what a server has left behind must see all of it. So each batch
//! holds its run until its end; who ends a run waits for those who hold it, and whoever comes later
//! finds that it is over.

use super::failure::{missing, over};
use super::session::Answer;
use super::statements::statements;
use super::transaction::Tx;
use crate::Result;

statements! {
    ADD = "INSERT INTO server_run (server_id, run) VALUES ($1, 1) ON CONFLICT DO NOTHING";
    CURRENT = "SELECT run FROM server_run WHERE server_id = $1";
    /// Many may hold it at the same time.
    HOLD = "SELECT run FROM server_run WHERE server_id = $1 AND run = $2 FOR KEY SHARE";
    /// Nobody else holds it.
    LOCK = "SELECT run FROM server_run WHERE server_id = $1 FOR UPDATE";
    END = "UPDATE server_run SET run = run + 1 WHERE server_id = $1";
}

/// The statement that holds a run, given the server and the number of the run.
pub(super) const HELD: &str = HOLD;

/// Whether [`HELD`] has found the run that it was given. Fails if that is over.
pub(super) fn is_held(answer: &Answer) -> Result<()> {
    if answer.rows.is_empty() { Err(over()) } else { Ok(()) }
}

/// The number of the run of a server, whose first one begins if there was none.
pub(super) fn register(tx: &Tx<'_>, server: i64) -> Result<i64> {
    tx.execute(ADD, &[&server])?;
    current(tx, server)
}

/// The number of the run of a server.
pub(super) fn current(tx: &Tx<'_>, server: i64) -> Result<i64> {
    tx.row(CURRENT, &[&server])?.ok_or_else(|| missing("server_run", server))?.int(0)
}

/// Ends the run of a server, after all who hold it; says the number of the next.
pub(super) fn end(tx: &Tx<'_>, server: i64) -> Result<i64> {
    // A server of an earlier version has none.
    tx.execute(ADD, &[&server])?;
    let row = tx.row(LOCK, &[&server])?.ok_or_else(|| missing("server_run", server))?;
    tx.execute(END, &[&server])?;
    Ok(row.int(0)? + 1)
}
