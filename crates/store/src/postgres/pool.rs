//! Connections that wait to be used.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::silent;
use super::session::Session;
use super::target::Target;
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
