//! Connections for looking only.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

/// Connections that cannot write. A caller takes one for a moment; who finds none waits.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Debug)]
struct Idle {
    connections: Vec<Connection>,
    /// How many callers wait for one. To wake somebody is a call of the system, even if nobody
    /// sleeps.
    waiting: usize,
}

/// A connection that goes back when it is dropped.
pub(super) struct Reader<'r> {
    readers: &'r Readers,
    connection: Option<Connection>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Readers {
        assert!(!connections.is_empty(), "somebody would wait for ever");
        Readers { idle: Mutex::new(Idle { connections, waiting: 0 }), returned: Condvar::new() }
    }

    /// A connection, as soon as there is one.
    pub(super) fn take(&self) -> Reader<'_> {
        let mut idle = self.lock();
        loop {
            if let Some(connection) = idle.connections.pop() {
                return Reader { readers: self, connection: Some(connection) };
            }
            idle.waiting += 1;
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
            idle.waiting -= 1;
        }
    }

    /// Nobody panics while he holds the lock, and a list of connections is never half changed.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::ops::Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("it goes back in the end only")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let mut idle = self.readers.lock();
            idle.connections.push(connection);
            if idle.waiting > 0 {
                self.readers.returned.notify_one();
            }
        }
    }
}
