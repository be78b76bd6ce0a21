//! The whole life of a rental, over HTTP, for each kind of proxy.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod ends;
mod ipv6;
mod kinds;
mod steps;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
