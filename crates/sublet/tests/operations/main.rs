//! The operator's side: starting, stopping, the command line beside a running server, and secrets
//! that stay secret.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod command_line;
mod demo;
mod running;
mod secrets;

use std::process::Child;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");

/// A program that a test has started itself, ended with it.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
