//! Connections that wait to be used.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::{self, silent};
use super::session::Session;
use super::target::Target;
use super::transaction::{PATIENCE, Tx};
use crate::Result;

/// Connections to one database. A caller takes one for a moment; one that has broken meanwhile is
/// replaced when it is asked for again.
pub(super) struct Pool {
    target: Arc<Target>,
    /// How many there may be.
    size: usize,
    shelf: Mutex<Shelf>,
    returned: Condvar,
}

#[derive(Default)]
struct Shelf {
    /// The one that was used last is taken first: the statements it knows are still warm.
    idle: Vec<Session>,
    /// How many are there, idle or not.
    open: usize,
}

/// How often a transaction is tried that others were in the way of.
pub(super) const TRIES: u32 = 5;

/// A connection that goes back when it is dropped.
pub(super) struct Taken<'p> {
    pool: &'p Pool,
    session: Option<Session>,
}

impl Pool {
    pub(super) fn new(target: Arc<Target>, size: usize) -> Pool {
        Pool { target, size: size.max(1), shelf: Mutex::default(), returned: Condvar::new() }
    }

    /// A connection, as soon as there is one, but within `patience`.
    pub(super) fn take(&self, patience: Duration) -> Result<Taken<'_>> {
        let since = Instant::now();
        let mut shelf = self.lock();
        loop {
            while let Some(session) = shelf.idle.pop() {
                if !session.is_broken() {
                    session.refresh();
                    return Ok(Taken { pool: self, session: Some(session) });
                }
                shelf.open -= 1;
            }
            if shelf.open < self.size {
                break;
            }
            let Some(left) = patience.checked_sub(since.elapsed()) else {
                return Err(silent(patience));
            };
            shelf =
                self.returned.wait_timeout(shelf, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        shelf.open += 1;
        drop(shelf);
        // It goes back as an empty place if it cannot be opened.
        let mut taken = Taken { pool: self, session: None };
        taken.session = Some(self.target.connect()?);
        Ok(taken)
    }

    /// Forgets the connections that nobody is using: one was found to be lost, and they are likely
    /// to be so too.
    pub(super) fn renew(&self) {
        let mut shelf = self.lock();
        shelf.open -= shelf.idle.len();
        shelf.idle.clear();
    }

    /// Nobody panics while he holds the lock.
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `read`, which sees the books at one moment.
pub(super) fn reading<T>(readers: &Pool, read: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
    try_again(readers, || {
        let session = readers.take(PATIENCE)?;
        // Nothing is written: how it ends does not matter.
        read(&Tx::reading(&session, PATIENCE))
    })
}

/// Runs `write` and commits.
pub(super) fn writing<T>(writers: &Pool, write: impl Fn(&Tx<'_>) -> Result<T>) -> Result<T> {
    try_again(writers, || {
        let session = writers.take(PATIENCE)?;
        let tx = Tx::writing(&session);
        tx.begin()?;
        let done = write(&tx)?;
        tx.commit()?;
        Ok(done)
    })
}

/// Runs what is done in a transaction, and once more where others were in its way, or where the
/// connection turns out to be lost.
pub(super) fn try_again<T>(pool: &Pool, run: impl Fn() -> Result<T>) -> Result<T> {
    let (mut tries, mut closed) = (1, false);
    loop {
        match run() {
            Err(error) if failure::is_in_the_way(&error) && tries < TRIES => tries += 1,
            Err(error) if failure::is_closed(&error) && !closed => {
                pool.renew();
                closed = true;
            }
            done => return done,
        }
    }
}

impl std::ops::Deref for Taken<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("it goes back in the end only")
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut shelf = self.pool.lock();
        match self.session.take() {
            Some(session) if !session.is_broken() => shelf.idle.push(session),
            _ => shelf.open -= 1,
        }
        drop(shelf);
        self.pool.returned.notify_one();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size).finish_non_exhaustive()
    }
}
