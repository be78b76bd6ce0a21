//! Transactions, as the rest of the store sees them.

use std::cell::Cell;
use std::time::Duration;

use super::failure;
use super::row::Row;
use super::session::{Answer, Ask, CopyIn, Session};
use super::value::Value;
use crate::Result;
use crate::error::Error;

/// What every transaction goes by. All of it ends with the transaction, because the next one may
/// come to another process of the server.
///
/// Statements are planned once, for any values: row by row with the indexes, because what is read
/// is small against the tables. Otherwise one that was planned while a table was empty would walk
/// through it whole long after it has grown.
macro_rules! settings {
    () => {
        "; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
         SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; \
         SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
    };
}

/// Everything that is read is of one moment.
pub(super) const READ: &str =
    concat!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", settings!());

/// Each statement sees what was committed before it: after waiting for a lock, what the one before
/// has left. Who holds locks and says nothing more is cut off.
const WRITE: &str = concat!(
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    settings!(),
    "; SELECT set_config('synchronous_commit', 'on', true) \
     WHERE current_setting('synchronous_commit') = 'off'; SET LOCAL lock_timeout = '5s'; \
     SET LOCAL idle_in_transaction_session_timeout = '10s'"
);

const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// How long an answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer is waited for that is read from whole tables.
pub(super) const LONG_PATIENCE: Duration = Duration::from_secs(600);

/// A transaction on one connection. It is rolled back unless it is committed.
pub(super) struct Tx<'c> {
    session: &'c Session,
    patience: Duration,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It begins with the first statement, in the same message.
    Unbegun(&'static str),
    Open,
    /// A statement has failed: nothing can be committed any more.
    Failed,
    Ended,
}

impl<'c> Tx<'c> {
    /// A transaction that reads.
    pub(super) fn reading(session: &'c Session, patience: Duration) -> Tx<'c> {
        Tx { session, patience, stage: Cell::new(Stage::Unbegun(READ)) }
    }

    /// A transaction that writes. Its first statements must not: if it could not begin, they would
    /// be transactions by themselves.
    pub(super) fn writing(session: &'c Session) -> Tx<'c> {
        Tx { session, patience: PATIENCE, stage: Cell::new(Stage::Unbegun(WRITE)) }
    }

    /// Begins now.
    pub(super) fn begin(&self) -> Result<()> {
        self.all(&[]).map(|_| ())
    }

    /// The rows that a statement gives.
    pub(super) fn rows(&self, sql: &'static str, values: &[&dyn Value]) -> Result<Vec<Row>> {
        self.one(sql, values).map(|answer| answer.rows)
    }

    /// The first row that a statement gives, if any.
    pub(super) fn row(&self, sql: &'static str, values: &[&dyn Value]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Runs a statement that writes; says how many rows it has written.
    pub(super) fn execute(&self, sql: &'static str, values: &[&dyn Value]) -> Result<u64> {
        self.one(sql, values).map(|answer| answer.count)
    }

    /// Runs statements in their order, with one wait for all.
    pub(super) fn all(&self, asks: &[Ask<'_>]) -> Result<Vec<Answer>> {
        self.run(None, asks)
    }

    /// The same behind settings, in a transaction that has begun.
    pub(super) fn all_behind(
        &self,
        settings: &'static str,
        asks: &[Ask<'_>],
    ) -> Result<Vec<Answer>> {
        self.run(Some(settings), asks)
    }

    fn run(&self, settings: Option<&'static str>, asks: &[Ask<'_>]) -> Result<Vec<Answer>> {
        let first = match self.stage.get() {
            Stage::Unbegun(begin) => Some(begin),
            Stage::Open => settings,
            Stage::Failed | Stage::Ended => {
                return Err(Error::Fault("a transaction that has failed was used on".into()));
            }
        };
        self.stage.set(Stage::Failed);
        let answers = self.session.ask(first, asks, self.patience)?;
        self.stage.set(Stage::Open);
        Ok(answers)
    }

    /// Runs statements without values, which may take minutes.
    pub(super) fn script(&self, sql: &str) -> Result<()> {
        self.beside(|session| session.simple(sql, LONG_PATIENCE))
    }

    /// Copies rows into a table: `fill` sends them. Says how many there were.
    pub(super) fn copy_in<T>(
        &self,
        sql: &str,
        fill: impl FnOnce(&mut CopyIn<'_>) -> Result<T>,
    ) -> Result<(T, u64)> {
        self.beside(|session| {
            let mut copy = session.copy_in(sql, LONG_PATIENCE)?;
            let filled = fill(&mut copy)?;
            Ok((filled, copy.finish()?))
        })
    }

    /// Copies rows out, and shows them piece by piece.
    pub(super) fn copy_out(&self, sql: &str, see: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.beside(|session| session.copy_out(sql, LONG_PATIENCE, see))
    }

    /// Runs statements without values, which may take minutes, and give rows of numbers.
    pub(super) fn numbers(&self, sql: &str) -> Result<Vec<Vec<i64>>> {
        self.beside(|session| session.simple_rows(sql, LONG_PATIENCE))
    }

    /// Something that is neither prepared nor has values.
    fn beside<T>(&self, run: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        if matches!(self.stage.get(), Stage::Unbegun(_)) {
            self.begin()?;
        }
        self.stage.set(Stage::Failed);
        let done = run(self.session)?;
        self.stage.set(Stage::Open);
        Ok(done)
    }

    fn one(&self, sql: &'static str, values: &[&dyn Value]) -> Result<Answer> {
        let mut answers = self.all(&[Ask { sql, values }])?;
        Ok(answers.pop().expect("a statement has an answer"))
    }

    /// Keeps what was done; it is durable on return. If the connection is lost meanwhile, nobody
    /// can tell whether it is.
    pub(super) fn commit(self) -> Result<()> {
        match self.stage.replace(Stage::Ended) {
            Stage::Unbegun(_) => Ok(()),
            Stage::Open => self.session.simple(COMMIT, self.patience).map_err(failure::unknown),
            Stage::Failed | Stage::Ended => {
                self.session.send_off(ROLLBACK);
                Err(Error::Fault("a transaction that has failed was to be committed".into()))
            }
        }
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if matches!(self.stage.get(), Stage::Open | Stage::Failed) {
            self.session.send_off(ROLLBACK);
        }
    }
}
