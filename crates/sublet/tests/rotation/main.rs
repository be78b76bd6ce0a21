//! Rotation from outside: whoever may ask for another exit gets one, nobody else does, and the
//! traffic follows at once.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

mod claims;
mod elsewhere;
mod ends;
mod farm;
mod hooks;
mod jobs;
mod keeper;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../../src/nodes/key.rs"]
mod key;
mod links;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../nodes/outpost.rs"]
mod outpost;
mod timers;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../traffic/town.rs"]
mod town;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
