//! What needs no gateway around it: destinations, names, messages, and their passing on.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod cost;
mod destinations;
mod forwarding;
mod messages;
mod names;
mod plain;
mod secrets;
mod spellings;
mod support;
