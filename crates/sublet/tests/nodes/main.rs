//! Gateways on other hosts, from outside: what is rented works through them at once; they serve on
//! when the shop is away, and believe nobody else.

#![expect(clippy::unwrap_used, reason = "a test may fail with whatever it finds")]

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../traffic/crowd.rs"]
mod crowd;
mod enrolment;
mod fake;
mod folder;
mod hand_over;
#[path = "../../src/nodes/key.rs"]
mod key;
mod many;
mod outages;
mod outpost;
mod refusals;
mod refused;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../traffic/town.rs"]
mod town;
mod works;

const BINARY: &str = env!("CARGO_BIN_EXE_sublet");
