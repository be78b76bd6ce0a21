//! Pipes for bulk traffic, a few for a whole thread.

use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

/// A pipe with nothing in it.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(super) out: OwnedFd,
    pub(super) into: OwnedFd,
}

/// The pipes of a thread.
#[derive(Debug)]
pub(crate) struct Pipes {
    free: Vec<Pipe>,
    /// How many more may be made.
    left: usize,
}

/// How much a pipe should hold: the more, the fewer calls. Without privileges a user may have 64
/// MiB in pipes; beyond that they stay small and still work.
const SIZES: [usize; 2] = [1 << 20, 1 << 18];

impl Pipes {
    /// No pipes yet, and `most` at a time.
    pub(crate) fn new(most: usize) -> Pipes {
        Pipes { free: Vec::new(), left: most }
    }

    /// A pipe, unless all are in use.
    pub(super) fn take(&mut self) -> Option<Pipe> {
        if let Some(pipe) = self.free.pop() {
            return Some(pipe);
        }
        self.left = self.left.checked_sub(1)?;
        let pipe = make();
        if pipe.is_none() {
            self.left += 1;
        }
        pipe
    }

    /// Takes back a pipe that is empty.
    pub(super) fn give(&mut self, pipe: Pipe) {
        self.free.push(pipe);
    }

    /// Allows for another in place of a pipe that was closed with something in it.
    pub(super) fn lose(&mut self) {
        self.left += 1;
    }
}

fn make() -> Option<Pipe> {
    let (out, into) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).ok()?;
    let _ = SIZES.iter().find(|size| fcntl_setpipe_size(&into, **size).is_ok());
    Some(Pipe { out, into })
}
