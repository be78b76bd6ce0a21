//! What is promised of rented addresses, proven on the real program with many flows at once.
//!
//! Each promise is kept to its figure with `SUBLET_PROMISES=quick`; without it the same is done with
//! less, and times are only held to what a busy machine can do. See `docs/proofs.md`.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]
#![expect(clippy::float_arithmetic, reason = "figures for people, no money")]

mod churn;
mod clock;
mod ends;
mod neighbours;
mod revocations;
mod sources;
mod town;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
