//! Rotation from outside: whoever may ask for another exit gets one, nobody else does, and the
//! traffic follows at once.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod ends;
mod farm;
mod hooks;
mod jobs;
mod links;
mod timers;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
