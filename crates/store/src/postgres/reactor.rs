//! The threads on which connections live, and waiting for them.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use crate::Result;
use crate::error::Error;

/// Threads that move bytes; what is in them is handled where it is waited for.
const THREADS: usize = 2;

/// A runtime of the store's own, so that its calls can block wherever they are made: also on a
/// thread of another runtime, and before or after there is one.
pub(super) struct Reactor {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Reactor {
    pub(super) fn start() -> Result<Reactor> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("postgres").enable_all();
        let runtime = builder.build().map_err(|error| Error::Unavailable(error.into()))?;
        let handle = runtime.handle().clone();
        Ok(Reactor { runtime: Some(runtime), handle })
    }

    /// Waits for `future` on the caller's thread, but no longer than `patience`; `None` if it was
    /// not done by then.
    pub(super) fn wait<F: Future>(&self, patience: Duration, future: F) -> Option<F::Output> {
        let _timers = self.handle.enter();
        futures_executor::block_on(async { tokio::time::timeout(patience, future).await.ok() })
    }

    /// Runs `task` beside everything else.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.handle.spawn(task)
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The store may go away on a thread of another runtime, which must not block.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").finish_non_exhaustive()
    }
}
