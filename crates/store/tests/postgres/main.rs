//! The PostgreSQL store, on a server of the tests' own.
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

#[path = "../databases/mod.rs"]
mod databases;
mod encryption;
mod feed;
mod in_turn;
mod opening;
mod outcome;
mod races;
#[path = "../scripts/mod.rs"]
mod scripts;
mod served;
mod servers;
mod suite;
