//! One connection, and the statements that it knows.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io::Cursor;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{FutureExt as _, join, try_join_all};
use futures_util::{SinkExt as _, TryStreamExt as _, pin_mut};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, CopyInSink, RowStream, SimpleQueryMessage, Statement};

use super::failure::silent;
use super::reactor::Reactor;
use super::row::Row;
use super::value::Value;
use crate::Result;
use crate::encoding::corrupt;

/// A statement with its values.
pub(super) struct Ask<'a> {
    pub(super) sql: &'static str,
    pub(super) values: &'a [&'a dyn Value],
}

/// What a statement gave.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// How many rows it has written; of a statement that only reads, how many it has read.
    pub(super) count: u64,
}

/// A connection. It is used by one caller at a time, but for [`Session::simple`], which may be
/// called by many.
pub(super) struct Session {
    reactor: Arc<Reactor>,
    client: Client,
    task: JoinHandle<()>,
    /// The statements that were prepared; `None` where every message may reach another server
    /// process, so that none is prepared.
    prepared: Option<Mutex<Prepared>>,
    broken: AtomicBool,
}

/// Statements by their text, and since when they are known.
struct Prepared {
    statements: HashMap<&'static str, Statement>,
    since: Instant,
}

/// After so long, statements are planned anew: a plan that was made for an empty table is no good
/// for the large one that it has become.
const STATEMENTS_KEPT: Duration = Duration::from_secs(60);

impl Session {
    pub(super) fn new(
        reactor: Arc<Reactor>,
        client: Client,
        task: JoinHandle<()>,
        prepares: bool,
    ) -> Session {
        let none = || Mutex::new(Prepared { statements: HashMap::new(), since: Instant::now() });
        let prepared = prepares.then(none);
        Session { reactor, client, task, prepared, broken: false.into() }
    }

    /// Whether it cannot be used any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// Sends `asks` at once, in their order, behind the statements of `first`, if any; waits for
    /// all their answers. The first error counts: it came before what others may tell.
    ///
    /// Without a transaction each statement is one by itself.
    pub(super) fn ask(
        &self,
        first: Option<&'static str>,
        asks: &[Ask<'_>],
        patience: Duration,
    ) -> Result<Vec<Answer>> {
        self.wait(patience, async {
            let statements = self.prepare(asks).await?;
            // What is polled first is sent first.
            let first = async {
                match first {
                    Some(sql) => self.client.batch_execute(sql).await,
                    None => Ok(()),
                }
            };
            let answers = asks.iter().zip(statements).map(|(ask, it)| self.send(ask, it));
            let (first, answers) = join(first, try_join_all(answers)).await;
            first?;
            answers
        })
    }

    /// Sends statements without values, and waits.
    pub(super) fn simple(&self, sql: &str, patience: Duration) -> Result<()> {
        self.wait(patience, self.client.batch_execute(sql))
    }

    /// Sends statements without values, and waits for the rows that they give, all of numbers. In
    /// one message, they are one transaction, unless they say otherwise.
    pub(super) fn simple_rows(&self, sql: &str, patience: Duration) -> Result<Vec<Vec<i64>>> {
        let messages = self.wait(patience, self.client.simple_query(sql))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let number = |text: Option<&str>| {
            let text = text.unwrap_or("nothing");
            text.parse().map_err(|_| corrupt("a number", text))
        };
        rows.map(|row| (0..row.len()).map(|column| number(row.get(column))).collect()).collect()
    }

    /// Begins to copy rows into a table.
    pub(super) fn copy_in(&self, sql: &str, patience: Duration) -> Result<CopyIn<'_>> {
        let sink = self.wait(patience, self.client.copy_in(sql))?;
        Ok(CopyIn { session: self, sink: Box::pin(sink), patience })
    }

    /// Copies rows out, and shows them piece by piece.
    pub(super) fn copy_out(
        &self,
        sql: &str,
        patience: Duration,
        mut see: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut stream = Box::pin(self.wait(patience, self.client.copy_out(sql))?);
        while let Some(piece) = self.wait(patience, stream.try_next())? {
            see(&piece)?;
        }
        Ok(())
    }

    /// Sends statements without values, and does not wait: whatever is sent later comes behind.
    pub(super) fn send_off(&self, sql: &str) {
        // The first poll sends.
        let _ = self.client.batch_execute(sql).now_or_never();
    }

    /// Prepares it for its next user.
    pub(super) fn refresh(&self) {
        let Some(prepared) = &self.prepared else { return };
        let mut prepared = lock(prepared);
        if STATEMENTS_KEPT < prepared.since.elapsed() {
            *prepared = Prepared { statements: HashMap::new(), since: Instant::now() };
        }
    }

    /// Throws it away: whatever the server is still at, nobody waits for it here.
    pub(super) fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn wait<T>(
        &self,
        patience: Duration,
        future: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        match self.reactor.wait(patience, future) {
            Some(done) => Ok(done?),
            None => {
                self.give_up();
                Err(silent(patience))
            }
        }
    }

    /// The prepared forms of the statements of `asks`; those that are not known yet are prepared,
    /// so that afterwards they can be sent in one go.
    async fn prepare(
        &self,
        asks: &[Ask<'_>],
    ) -> std::result::Result<Vec<Option<Statement>>, tokio_postgres::Error> {
        let Some(prepared) = &self.prepared else { return Ok(vec![None; asks.len()]) };
        let known = |sql| lock(prepared).statements.get(sql).cloned();
        let forms = asks.iter().map(|ask| async move {
            if let Some(statement) = known(ask.sql) {
                return Ok(Some(statement));
            }
            let types: Vec<Type> = ask.values.iter().map(|value| value.sql_type()).collect();
            let statement = self.client.prepare_typed(ask.sql, &types).await?;
            lock(prepared).statements.insert(ask.sql, statement.clone());
            Ok(Some(statement))
        });
        try_join_all(forms).await
    }

    async fn send(
        &self,
        ask: &Ask<'_>,
        statement: Option<Statement>,
    ) -> std::result::Result<Answer, tokio_postgres::Error> {
        let stream = match &statement {
            Some(statement) => {
                self.client.query_raw(statement, ask.values.iter().map(|value| plain(*value))).await
            }
            None => {
                let values = ask.values.iter().map(|value| (plain(*value), value.sql_type()));
                self.client.query_typed_raw(ask.sql, values).await
            }
        };
        collect(stream?).await
    }
}

/// Rows on their way into a table. If it is dropped before its end, none goes in.
pub(super) struct CopyIn<'s> {
    session: &'s Session,
    sink: Pin<Box<CopyInSink<Cursor<Vec<u8>>>>>,
    patience: Duration,
}

impl CopyIn<'_> {
    /// Sends some more.
    pub(super) fn send(&mut self, piece: Vec<u8>) -> Result<()> {
        self.session.wait(self.patience, self.sink.send(Cursor::new(piece)))
    }

    /// Says that this was all, and waits until it is there; says how many rows it was.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.session.wait(self.patience, self.sink.as_mut().finish())
    }
}

fn plain(value: &dyn Value) -> &(dyn tokio_postgres::types::ToSql + Sync) {
    value
}

async fn collect(stream: RowStream) -> std::result::Result<Answer, tokio_postgres::Error> {
    pin_mut!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(Row::new(row));
    }
    Ok(Answer { rows, count: stream.rows_affected().unwrap_or(0) })
}

/// A map of statements is never half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_broken() {
            self.task.abort();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("broken", &self.is_broken()).finish_non_exhaustive()
    }
}
