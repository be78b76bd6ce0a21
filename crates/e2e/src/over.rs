//! The end of what threads of a test do beside it.

use std::sync::atomic::{AtomicBool, Ordering};

/// Says that something is over when it is dropped, also by a failure: others wait for that.
#[derive(Debug)]
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
